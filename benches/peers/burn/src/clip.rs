//! Clipping by the norm of all gradients together, written out: burn's own clips each parameter by itself.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::network::Network;

/// Scales all gradients so that their norm is at most `most`, as the workloads have it.
pub(crate) fn global_norm(network: &Network, grads: &mut GradientsParams, most: f64) {
    let mut squares = Squares { grads, sum: None };
    network.visit(&mut squares);
    let Some(sum) = squares.sum else { return };
    let by = most / (sum.into_scalar::<f64>().sqrt() + 1e-6);
    if by < 1.0 {
        network.visit(&mut Scale { grads, by });
    }
}

struct Squares<'a> {
    grads: &'a GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(grad) = self.grads.get::<D>(param.id) {
            let square = grad.square().sum();
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + square,
                None => square,
            });
        }
    }
}

struct Scale<'a> {
    grads: &'a mut GradientsParams,
    by: f64,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(grad) = self.grads.remove::<D>(param.id) {
            self.grads.register(param.id, grad * self.by);
        }
    }
}
