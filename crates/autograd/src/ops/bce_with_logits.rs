//! Sigmoid and binary cross-entropy in one.

use layerwise_tensor::{Scalar, kernel, math};

use super::elementwise::{pull, update};
use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `(1 / (r c)) sum_ij softplus(z_ij) - z_ij t_ij`, `1 x 1`: binary cross-entropy of `sigmoid(z)` against `t` in `[0, 1]`,
    /// without overflow. NaN for an empty batch, as PyTorch.
    ///
    /// Gradient: `dz = (sigmoid(z) - t) / (r c)`, `dt = -z / (r c)`.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn bce_with_logits(&mut self, z: Var, target: Var) -> Var {
        let same = self.shape(z) == self.shape(target);
        self.require(same, "bce_with_logits", &[z, target], "logits and target differ in shape");
        self.push(BceWithLogits { z, target }, 1, 1)
    }
}

#[derive(Clone, Copy, Debug)]
struct BceWithLogits {
    z: Var,
    target: Var,
}

impl<T: Scalar> Op<T> for BceWithLogits {
    fn name(&self) -> &'static str {
        "bce_with_logits"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.z, self.target])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (z, target) = (f.values.get(self.z), f.values.get(self.target));
        let cols = f.values.shape(self.z).1;
        let [terms, ..] = f.saved.sized([z.len(), 0, 0]);
        terms.copy_from_slice(z);
        update(f.par, cols, terms, target, |z, t| math::softplus(z) - z * t);
        f.y[0] = T::of(kernel::sum(terms) / z.len() as f64);
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (z, target) = (b.values.get(self.z), b.values.get(self.target));
        let cols = b.values.shape(self.z).1;
        let factor = T::of(b.dy[0].as_f64() / z.len() as f64);
        if let Some(dz) = b.grads.get(self.z) {
            pull(b.par, cols, dz, z, target, |z, t| (math::sigmoid(z) - t) * factor);
        }
        if let Some(dt) = b.grads.get(self.target) {
            pull(b.par, cols, dt, z, target, |z, _| -z * factor);
        }
    }
}
