//! The network of a workload, made of burn's modules.

use burn::module::Module;
use burn::nn::{BatchNorm, BatchNormConfig, Dropout, DropoutConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::{elu, gelu, leaky_relu, relu, selu, sigmoid, silu, softplus, tanh};
use burn::tensor::{Device, Tensor};

use crate::workload::{Activation, Norm, Workload};

#[derive(Module, Debug)]
pub(crate) enum AnyNorm {
    Batch(BatchNorm),
    Layer(LayerNorm),
}

impl AnyNorm {
    fn new(norm: Norm, width: usize, device: &Device) -> Option<Self> {
        match norm {
            Norm::None => None,
            Norm::Batch => Some(Self::Batch(BatchNormConfig::new(width).init(device))),
            Norm::Layer => Some(Self::Layer(LayerNormConfig::new(width).init(device))),
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Batch(norm) => norm.forward(x),
            Self::Layer(norm) => norm.forward(x),
        }
    }
}

#[derive(Module, Debug)]
pub(crate) struct Block {
    pub(crate) norm: Option<AnyNorm>,
    pub(crate) first: Linear,
    pub(crate) second: Linear,
}

#[derive(Module, Debug)]
pub(crate) struct Layer {
    pub(crate) linear: Linear,
    pub(crate) norm: Option<AnyNorm>,
    dropout: Option<Dropout>,
}

/// Blocks, their last norm, and layers; the workload knows their activations.
#[derive(Module, Debug)]
pub(crate) struct Network {
    pub(crate) blocks: Vec<Block>,
    pub(crate) norm: Option<AnyNorm>,
    pub(crate) layers: Vec<Layer>,
}

impl Network {
    pub(crate) fn new(workload: &Workload, device: &Device) -> Self {
        let d = workload.widths[0];
        let (mut blocks, mut norm) = (Vec::new(), None);
        if let Some(b) = &workload.blocks {
            let block = |_| Block {
                norm: AnyNorm::new(b.norm, d, device),
                first: LinearConfig::new(d, b.hidden).init(device),
                second: LinearConfig::new(b.hidden, d).init(device),
            };
            blocks = (0..b.count).map(block).collect();
            norm = AnyNorm::new(b.norm, d, device);
        }
        let layer = |l: crate::workload::Layer| Layer {
            linear: LinearConfig::new(l.inputs, l.outputs).with_bias(l.has_bias()).init(device),
            norm: AnyNorm::new(l.norm, l.outputs, device),
            dropout: l.dropout.then(|| DropoutConfig::new(workload.dropout).init()),
        };
        Self { blocks, norm, layers: workload.layers().into_iter().map(layer).collect() }
    }

    /// `(batch, widths[0])` to `(batch, widths.last())`.
    pub(crate) fn forward(&self, workload: &Workload, mut x: Tensor<2>) -> Tensor<2> {
        if let Some(b) = &workload.blocks {
            for block in &self.blocks {
                let z = norm(&block.norm, x.clone());
                let z = activate(b.activation, block.first.forward(z));
                x = x + block.second.forward(z);
            }
            x = norm(&self.norm, x);
        }
        for (layer, plan) in self.layers.iter().zip(workload.layers()) {
            x = activate(plan.activation, norm(&layer.norm, layer.linear.forward(x)));
            if let Some(dropout) = &layer.dropout {
                x = dropout.forward(x);
            }
        }
        x
    }
}

fn norm(norm: &Option<AnyNorm>, x: Tensor<2>) -> Tensor<2> {
    match norm {
        Some(norm) => norm.forward(x),
        None => x,
    }
}

fn activate(activation: Activation, x: Tensor<2>) -> Tensor<2> {
    match activation {
        Activation::None => x,
        Activation::Relu => relu(x),
        Activation::Tanh => tanh(x),
        Activation::Sigmoid => sigmoid(x),
        Activation::Gelu => gelu(x),
        Activation::Silu => silu(x),
        Activation::Selu => selu(x),
        Activation::Elu => elu(x, 1.0),
        Activation::Softplus => softplus(x, 1.0),
        Activation::LeakyRelu => leaky_relu(x, 0.01),
    }
}
