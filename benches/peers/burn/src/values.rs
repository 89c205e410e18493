//! The trainable values of a network, to read and to set. Running statistics are parameters of burn's modules too, but none of these.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::nn::Linear;
use burn::tensor::{Tensor, TensorData};

use crate::network::{AnyNorm, Network};

/// All of them, in the order of the forward pass, which is that of the modules' fields; weights are `(inputs, outputs)`.
pub(crate) fn read(network: &Network) -> Vec<f64> {
    let mut read = Read { trained: trained(network), values: Vec::new() };
    network.visit(&mut read);
    read.values
}

/// Takes over values in that order.
pub(crate) fn load(network: Network, values: &[f64]) -> Network {
    let mut load = Load { trained: trained(&network), values };
    network.map(&mut load)
}

fn trained(network: &Network) -> Vec<ParamId> {
    let linear = |l: &Linear| [Some(l.weight.id), l.bias.as_ref().map(|b| b.id)];
    let norm = |norm: &Option<AnyNorm>| match norm {
        None => [None, None],
        Some(AnyNorm::Batch(n)) => [Some(n.gamma.id), Some(n.beta.id)],
        Some(AnyNorm::Layer(n)) => [Some(n.gamma.id), n.beta.as_ref().map(|b| b.id)],
    };
    let blocks = network.blocks.iter().flat_map(|b| [norm(&b.norm), linear(&b.first), linear(&b.second)]);
    let layers = network.layers.iter().flat_map(|l| [linear(&l.linear), norm(&l.norm)]);
    blocks.chain([norm(&network.norm)]).chain(layers).flatten().flatten().collect()
}

struct Read {
    trained: Vec<ParamId>,
    values: Vec<f64>,
}

impl ModuleVisitor for Read {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.trained.contains(&param.id) {
            self.values.extend(param.val().into_data().iter::<f64>());
        }
    }
}

struct Load<'a> {
    trained: Vec<ParamId>,
    /// Those that no parameter has taken yet.
    values: &'a [f64],
}

impl ModuleMapper for Load<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !self.trained.contains(&param.id) {
            return param;
        }
        param.map(|old| {
            let (mine, rest) = self.values.split_at(old.shape().num_elements());
            self.values = rest;
            let new = Tensor::from_data(TensorData::new(mine.to_vec(), old.shape()), &old.device());
            if old.is_require_grad() { new.require_grad() } else { new }
        })
    }
}
