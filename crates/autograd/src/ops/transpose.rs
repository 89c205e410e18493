//! The transpose.

use layerwise_tensor::{Accum, Scalar, kernel};

use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `y = x^T`, `(c, r)` for `x` of `(r, c)`. Gradient: `dx = dy^T`.
    #[track_caller]
    pub fn transpose(&mut self, x: Var) -> Var {
        let (rows, cols) = self.shape(x);
        self.push(Transpose { x }, cols, rows)
    }
}

#[derive(Clone, Copy, Debug)]
struct Transpose {
    x: Var,
}

impl<T: Scalar> Op<T> for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        kernel::transpose(f.cols, f.rows, f.values.get(self.x), f.y);
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        if let Some((dx, accum)) = b.grads.get(self.x) {
            transpose_into(b.rows, b.cols, b.dy, dx, accum);
        }
    }
}

/// `out (+)= x^T` for `x` of `(rows, cols)`.
pub(crate) fn transpose_into<T: Scalar>(rows: usize, cols: usize, x: &[T], out: &mut [T], accum: Accum) {
    match accum {
        Accum::Replace => kernel::transpose(rows, cols, x, out),
        Accum::Add => {
            for (j, out) in out.chunks_mut(rows.max(1)).enumerate() {
                for (i, out) in out.iter_mut().enumerate() {
                    *out += x[i * cols + j];
                }
            }
        }
    }
}
