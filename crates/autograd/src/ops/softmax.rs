//! Softmax by row.

use layerwise_tensor::{Scalar, kernel};

use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `y_ij = e^x_ij / sum_k e^x_ik`, shifted by the largest element of the row.
    ///
    /// Gradient: `dx_ij = y_ij (dy_ij - sum_k dy_ik y_ik)`.
    #[track_caller]
    pub fn softmax(&mut self, x: Var) -> Var {
        let (rows, cols) = self.shape(x);
        self.push(Softmax { x }, rows, cols)
    }
}

#[derive(Clone, Copy, Debug)]
struct Softmax {
    x: Var,
}

impl<T: Scalar> Op<T> for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        kernel::softmax(f.rows, f.cols, f.values.get(self.x), f.y, f.par);
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        if let Some((dx, accum)) = b.grads.get(self.x) {
            kernel::softmax_backward(b.rows, b.cols, b.y, b.dy, accum, dx, b.par);
        }
    }
}
