//! The network of a workload, made of candle's layers.

use candle_core::{Module as _, ModuleT as _, Result, Tensor};
use candle_nn::{BatchNorm, Dropout, LayerNorm, Linear, VarBuilder, ops};

use crate::workload::{Activation, Norm, Workload};

const EPSILON: f64 = 1e-5;

enum AnyNorm {
    None,
    Batch(BatchNorm),
    Layer(LayerNorm),
}

impl AnyNorm {
    fn new(norm: Norm, width: usize, vars: VarBuilder<'_>) -> Result<Self> {
        Ok(match norm {
            Norm::None => Self::None,
            Norm::Batch => Self::Batch(candle_nn::batch_norm(width, EPSILON, vars)?),
            Norm::Layer => Self::Layer(candle_nn::layer_norm(width, EPSILON, vars)?),
        })
    }

    fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        match self {
            Self::None => Ok(x.clone()),
            Self::Batch(norm) => norm.forward_t(x, train),
            // The fused one has no gradient.
            Self::Layer(norm) if train => match norm.bias() {
                Some(bias) => ops::layer_norm_slow(x, norm.weight(), bias, EPSILON as f32),
                None => candle_core::bail!("a layer norm without shift"),
            },
            Self::Layer(norm) => norm.forward(x),
        }
    }
}

struct Block {
    norm: AnyNorm,
    first: Linear,
    activation: Activation,
    second: Linear,
}

struct Layer {
    linear: Linear,
    norm: AnyNorm,
    activation: Activation,
    dropout: Option<Dropout>,
}

pub(crate) struct Network {
    blocks: Vec<Block>,
    norm: AnyNorm,
    layers: Vec<Layer>,
}

impl Network {
    pub(crate) fn new(workload: &Workload, vars: VarBuilder<'_>) -> Result<Self> {
        let (d, mut blocks, mut norm) = (workload.widths[0], Vec::new(), AnyNorm::None);
        if let Some(b) = &workload.blocks {
            for i in 0..b.count {
                let vars = vars.pp(format!("block{i}"));
                blocks.push(Block {
                    norm: AnyNorm::new(b.norm, d, vars.pp("norm"))?,
                    first: candle_nn::linear(d, b.hidden, vars.pp("first"))?,
                    activation: b.activation,
                    second: candle_nn::linear(b.hidden, d, vars.pp("second"))?,
                });
            }
            norm = AnyNorm::new(b.norm, d, vars.pp("norm"))?;
        }
        let mut layers = Vec::new();
        for (i, l) in workload.layers().into_iter().enumerate() {
            let vars = vars.pp(format!("layer{i}"));
            layers.push(Layer {
                linear: candle_nn::linear_b(l.inputs, l.outputs, l.has_bias(), vars.pp("linear"))?,
                norm: AnyNorm::new(l.norm, l.outputs, vars.pp("norm"))?,
                activation: l.activation,
                dropout: l.dropout.then(|| Dropout::new(workload.dropout as f32)),
            });
        }
        Ok(Self { blocks, norm, layers })
    }

    /// `(batch, widths[0])` to `(batch, widths.last())`.
    pub(crate) fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        let mut x = x.clone();
        for block in &self.blocks {
            let z = block.first.forward(&block.norm.forward(&x, train)?)?;
            x = (&x + block.second.forward(&activate(block.activation, z)?)?)?;
        }
        x = self.norm.forward(&x, train)?;
        for layer in &self.layers {
            x = layer.norm.forward(&layer.linear.forward(&x)?, train)?;
            x = activate(layer.activation, x)?;
            if let Some(dropout) = &layer.dropout {
                x = dropout.forward_t(&x, train)?;
            }
        }
        Ok(x)
    }
}

/// What the trainable variables are called, in the order of the forward pass.
pub(crate) fn names(workload: &Workload) -> Vec<String> {
    let blocks = workload.blocks.as_ref().map_or(0, |b| b.count);
    let parts = (0..blocks).flat_map(|i| ["norm", "first", "second"].map(|part| format!("block{i}.{part}")));
    let layers = (0..workload.layers().len()).flat_map(|i| ["linear", "norm"].map(|part| format!("layer{i}.{part}")));
    // Some of them have no bias or are not there at all.
    let parts = parts.chain(["norm".to_owned()]).chain(layers);
    parts.flat_map(|part| ["weight", "bias"].map(|name| format!("{part}.{name}"))).collect()
}

fn activate(activation: Activation, x: Tensor) -> Result<Tensor> {
    match activation {
        Activation::None => Ok(x),
        Activation::Relu => x.relu(),
        Activation::Tanh => x.tanh(),
        Activation::Sigmoid => ops::sigmoid(&x),
        Activation::Gelu => x.gelu_erf(),
        Activation::Silu => x.silu(),
        // Klambauer et al. (2017); one kernel and a scale where candle's own `selu` is seven tensors.
        Activation::Selu => x.elu(1.673_263_242_354_377_2)? * 1.050_700_987_355_480_5,
        Activation::Elu => x.elu(1.0),
        // max(x, 0) + ln(1 + exp(-|x|)), which does not overflow; candle has none.
        Activation::Softplus => x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?,
        Activation::LeakyRelu => ops::leaky_relu(&x, 0.01),
    }
}
