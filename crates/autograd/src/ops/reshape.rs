//! The same values as a matrix of another shape.

use layerwise_tensor::Scalar;

use super::elementwise::accumulate;
use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// The values of `x` in their order, row by row, as a `(rows, cols)` matrix. Gradient: `dx = dy` in the shape of `x`.
    ///
    /// # Panics
    /// If `x` has not `rows * cols` values.
    #[track_caller]
    pub fn reshape(&mut self, x: Var, rows: usize, cols: usize) -> Var {
        let (r, c) = self.shape(x);
        let fits = rows.checked_mul(cols) == Some(r * c);
        self.require(fits, "reshape", &[x], "the new shape holds another number of values");
        self.push(Reshape { x }, rows, cols)
    }
}

#[derive(Clone, Copy, Debug)]
struct Reshape {
    x: Var,
}

impl<T: Scalar> Op<T> for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        f.y.copy_from_slice(f.values.get(self.x));
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        if let Some(dx) = b.grads.get(self.x) {
            accumulate(b.par, b.cols, dx, b.dy);
        }
    }
}
