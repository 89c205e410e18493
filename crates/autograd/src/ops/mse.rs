//! Mean squared error.

use layerwise_tensor::{Scalar, kernel};

use super::elementwise::{pull, update};
use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `(1 / (r c)) sum_ij (y_ij - t_ij)^2`, `1 x 1`, summed in `f64`; NaN for an empty batch, as PyTorch.
    ///
    /// Gradient: `dy = 2 (y - t) / (r c)`, `dt = -dy`.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn mse(&mut self, y: Var, target: Var) -> Var {
        let same = self.shape(y) == self.shape(target);
        self.require(same, "mse", &[y, target], "output and target differ in shape");
        self.push(Mse { y, target }, 1, 1)
    }
}

#[derive(Clone, Copy, Debug)]
struct Mse {
    y: Var,
    target: Var,
}

impl<T: Scalar> Op<T> for Mse {
    fn name(&self) -> &'static str {
        "mse"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.y, self.target])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (y, target) = (f.values.get(self.y), f.values.get(self.target));
        let cols = f.values.shape(self.y).1;
        let [difference, ..] = f.saved.sized([y.len(), 0, 0]);
        difference.copy_from_slice(y);
        update(f.par, cols, difference, target, |y, t| y - t);
        f.y[0] = T::of(kernel::sum_of_squares(difference, f.par) / y.len() as f64);
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let [difference, ..] = b.saved.get();
        let cols = b.values.shape(self.y).1;
        let factor = T::of(2.0 * b.dy[0].as_f64() / difference.len() as f64);
        if let Some(dy) = b.grads.get(self.y) {
            pull(b.par, cols, dy, difference, difference, |d, _| factor * d);
        }
        if let Some(dt) = b.grads.get(self.target) {
            pull(b.par, cols, dt, difference, difference, |d, _| -factor * d);
        }
    }
}
