//! Logarithm of a sum of exponentials by row.

use layerwise_tensor::{Scalar, kernel};

use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `y_i = ln sum_j e^x_ij`, `(r, 1)`, without overflow. Gradient: `dx_ij = dy_i e^(x_ij - y_i)`.
    #[track_caller]
    pub fn log_sum_exp(&mut self, x: Var) -> Var {
        let rows = self.shape(x).0;
        self.push(LogSumExp { x }, rows, 1)
    }
}

#[derive(Clone, Copy, Debug)]
struct LogSumExp {
    x: Var,
}

impl<T: Scalar> Op<T> for LogSumExp {
    fn name(&self) -> &'static str {
        "log_sum_exp"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (rows, cols) = f.values.shape(self.x);
        kernel::log_sum_exp(rows, cols, f.values.get(self.x), f.y, f.par);
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (rows, cols) = b.values.shape(self.x);
        if let Some((dx, accum)) = b.grads.get(self.x) {
            kernel::log_sum_exp_backward(rows, cols, b.values.get(self.x), b.y, b.dy, accum, dx, b.par);
        }
    }
}
