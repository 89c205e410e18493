//! Logarithm of softmax by row.

use layerwise_tensor::{Scalar, kernel};

use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `y_ij = x_ij - ln sum_k e^x_ik`, without overflow.
    ///
    /// Gradient: `dx_ij = dy_ij - e^y_ij sum_k dy_ik`.
    #[track_caller]
    pub fn log_softmax(&mut self, x: Var) -> Var {
        let (rows, cols) = self.shape(x);
        self.push(LogSoftmax { x }, rows, cols)
    }
}

#[derive(Clone, Copy, Debug)]
struct LogSoftmax {
    x: Var,
}

impl<T: Scalar> Op<T> for LogSoftmax {
    fn name(&self) -> &'static str {
        "log_softmax"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        kernel::log_softmax(f.rows, f.cols, f.values.get(self.x), f.y, f.par);
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        if let Some((dx, accum)) = b.grads.get(self.x) {
            kernel::log_softmax_backward(b.rows, b.cols, b.y, b.dy, accum, dx, b.par);
        }
    }
}
