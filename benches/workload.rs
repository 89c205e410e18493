//! A workload is data: a network, a loss, an optimizer and a batch, read from a file under `workloads/`.

use std::path::Path;

use layerwise::nn::Norm;
use layerwise_tensor::DType;
use serde::Deserialize;

/// The file's content; `workloads/README.md` says what each key means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// What it stands for.
    pub about: String,
    /// Features, hidden layers, outputs.
    pub widths: Vec<usize>,
    /// Activation of the hidden layers.
    #[serde(default)]
    pub activation: Activations,
    /// Activation of the output; none by default.
    #[serde(default)]
    pub output_activation: Option<String>,
    /// The norm of the hidden layers.
    #[serde(default)]
    pub norm: Norm,
    /// Share dropped after every hidden activation.
    #[serde(default)]
    pub dropout: f64,
    /// What is minimised.
    pub loss: LossName,
    /// Rows of a batch.
    pub batch: usize,
    /// The element type.
    #[serde(default = "f32")]
    pub dtype: DType,
    /// Residual blocks on the features.
    #[serde(default)]
    pub blocks: Option<Blocks>,
    /// The optimizer; none for inference.
    #[serde(default)]
    pub optimizer: Option<Rule>,
}

/// One activation for all hidden layers or one for each.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Activations {
    /// For all.
    One(String),
    /// One for each.
    Each(Vec<String>),
}

impl Default for Activations {
    fn default() -> Self {
        Self::One("relu".into())
    }
}

fn f32() -> DType {
    DType::F32
}

/// What is minimised.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum LossName {
    /// Softmax cross-entropy of the outputs against labels.
    CrossEntropy,
    /// Mean squared error of the outputs against the inputs.
    Mse,
    /// Nothing: a forward pass.
    None,
}

/// Residual blocks `x += linear(activation(linear(norm(x))))`, and a norm behind them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blocks {
    /// How many.
    pub count: usize,
    /// Width inside of a block.
    pub hidden: usize,
    /// The norm at the head of a block, and behind the last.
    pub norm: Norm,
    /// Activation inside of a block.
    pub activation: String,
}

/// The optimizer of a workload.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `sgd`, `adam`, `adamw` or `rmsprop`.
    pub rule: String,
    /// The rate.
    pub rate: f64,
    /// Momentum of `sgd`.
    #[serde(default)]
    pub momentum: f64,
    /// Weight decay.
    #[serde(default)]
    pub weight_decay: f64,
    /// Largest norm of all gradients together.
    #[serde(default)]
    pub clip_norm: Option<f64>,
}

impl Workload {
    /// Reads a workload from a file.
    ///
    /// # Errors
    /// If the file cannot be read or is no workload: a message that names it.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let workload: Self = toml::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        let problem = match (workload.loss, workload.widths.as_slice()) {
            (_, [] | [_]) => "`widths` needs features and outputs at least",
            (LossName::Mse, [first, .., last]) if first != last => {
                "`mse` compares outputs with inputs of the same width"
            }
            (LossName::None, _) => return Ok(workload),
            _ if workload.optimizer.is_none() => "a loss needs an [optimizer]",
            _ => return Ok(workload),
        };
        Err(format!("{}: {problem}", path.display()))
    }
}
