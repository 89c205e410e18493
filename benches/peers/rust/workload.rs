//! A workload's file as the Rust peers need it; `benches/workloads/README.md` says what each key means.

use std::path::Path;

use serde::Deserialize;

/// Batches that take turns.
pub(crate) const BATCHES: usize = 16;

/// Features `(batch, widths[0])` row by row, and labels.
pub(crate) type Batch = (Vec<f64>, Vec<u32>);

/// The file's content.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Workload {
    #[serde(rename = "about")]
    _about: String,
    pub(crate) widths: Vec<usize>,
    #[serde(default)]
    activation: Activations,
    #[serde(default)]
    output_activation: Activation,
    #[serde(default)]
    norm: Norm,
    #[serde(default)]
    pub(crate) dropout: f64,
    pub(crate) loss: Loss,
    pub(crate) batch: usize,
    #[serde(default)]
    pub(crate) dtype: Dtype,
    pub(crate) blocks: Option<Blocks>,
    pub(crate) optimizer: Option<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Activations {
    One(Activation),
    Each(Vec<Activation>),
}

impl Default for Activations {
    fn default() -> Self {
        Self::One(Activation::Relu)
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Activation {
    #[default]
    None,
    Relu,
    Tanh,
    Sigmoid,
    Gelu,
    Silu,
    Selu,
    Elu,
    Softplus,
    LeakyRelu,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Norm {
    #[default]
    None,
    Batch,
    Layer,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Loss {
    CrossEntropy,
    Mse,
    /// A forward pass in evaluation mode.
    None,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Dtype {
    #[default]
    F32,
    F64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Blocks {
    pub(crate) count: usize,
    pub(crate) hidden: usize,
    pub(crate) norm: Norm,
    pub(crate) activation: Activation,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) rule: RuleName,
    pub(crate) rate: f64,
    #[serde(default)]
    pub(crate) momentum: f64,
    #[serde(default)]
    pub(crate) weight_decay: f64,
    pub(crate) clip_norm: Option<f64>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RuleName {
    Sgd,
    Adam,
    AdamW,
    RmsProp,
}

/// A linear layer of `widths` with what follows it.
#[derive(Clone, Copy)]
pub(crate) struct Layer {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) norm: Norm,
    pub(crate) activation: Activation,
    pub(crate) dropout: bool,
}

impl Layer {
    /// A norm's shift stands for the bias.
    pub(crate) fn has_bias(&self) -> bool {
        self.norm == Norm::None
    }
}

impl Workload {
    /// Reads and checks a file; the message names it.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let workload: Self = toml::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        workload.check().map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(workload)
    }

    fn check(&self) -> Result<(), String> {
        let (first, last) = match self.widths.as_slice() {
            [first, .., last] => (first, last),
            _ => return Err("`widths` needs features and outputs at least".into()),
        };
        if let Activations::Each(names) = &self.activation
            && names.len() != self.widths.len() - 2
        {
            return Err(format!("{} activations for {} hidden layers", names.len(), self.widths.len() - 2));
        }
        if self.loss == Loss::Mse && first != last {
            return Err("`mse` compares outputs with inputs of the same width".into());
        }
        match &self.optimizer {
            None if self.loss != Loss::None => Err("a loss needs an [optimizer]".into()),
            Some(o) if o.momentum != 0.0 && o.rule != RuleName::Sgd => Err("momentum belongs to sgd".into()),
            _ => Ok(()),
        }
    }

    /// The layers of `widths`, first to last.
    pub(crate) fn layers(&self) -> Vec<Layer> {
        let last = self.widths.len() - 2;
        let layer = |(i, pair): (usize, &[usize])| {
            let (inputs, outputs, hidden) = (pair[0], pair[1], i < last);
            let activation = match &self.activation {
                _ if !hidden => self.output_activation,
                Activations::One(one) => *one,
                Activations::Each(each) => each[i],
            };
            let norm = if hidden { self.norm } else { Norm::None };
            Layer { inputs, outputs, norm, activation, dropout: hidden && self.dropout > 0.0 }
        };
        self.widths.windows(2).enumerate().map(layer).collect()
    }

    /// Number of trainable values the file asks for, to compare with those of the network that was built.
    pub(crate) fn parameters(&self) -> usize {
        let norm = |norm: Norm, width: usize| if norm == Norm::None { 0 } else { 2 * width };
        let layers = self.layers();
        let layer = |l: &Layer| (l.inputs + usize::from(l.has_bias())) * l.outputs + norm(l.norm, l.outputs);
        let blocks = self.blocks.as_ref().map_or(0, |b| {
            let (d, h) = (self.widths[0], b.hidden);
            b.count * (norm(b.norm, d) + 2 * d * h + h + d) + norm(b.norm, d)
        });
        layers.iter().map(layer).sum::<usize>() + blocks
    }

    /// The batches that take turns.
    pub(crate) fn data(&self) -> Vec<Batch> {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let classes = *self.widths.last().unwrap_or(&1) as u64;
        let batch = |_| {
            let x = (0..self.batch * self.widths[0]).map(|_| (random.next() >> 40) as f64 / (1u64 << 24) as f64);
            let x = x.collect();
            (x, (0..self.batch).map(|_| ((random.next() >> 33) % classes) as u32).collect())
        };
        (0..BATCHES).map(batch).collect()
    }
}

/// Xorshift of Marsaglia (2003), 64 bits: good enough for data nobody looks at.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
