//! Sums and means over all elements, over rows and over columns.

use layerwise_tensor::{Accum, Scalar, kernel};

use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `y = sum_ij x_ij`, `1 x 1`, summed in `f64`. Gradient: `dx_ij = dy`.
    #[track_caller]
    pub fn sum_all(&mut self, x: Var) -> Var {
        self.push_sum(x, Over::All, "sum_all", false)
    }

    /// `y = sum_ij x_ij / (r c)`, `1 x 1`; NaN for an empty matrix, as PyTorch. Gradient: `dx_ij = dy / (r c)`.
    #[track_caller]
    pub fn mean_all(&mut self, x: Var) -> Var {
        self.push_sum(x, Over::All, "mean_all", true)
    }

    /// `y_j = sum_i x_ij`, `(1, c)`. Gradient: `dx_ij = dy_j`.
    #[track_caller]
    pub fn sum_over_rows(&mut self, x: Var) -> Var {
        self.push_sum(x, Over::Rows, "sum_over_rows", false)
    }

    /// `y_j = sum_i x_ij / r`, `(1, c)`. Gradient: `dx_ij = dy_j / r`.
    #[track_caller]
    pub fn mean_over_rows(&mut self, x: Var) -> Var {
        self.push_sum(x, Over::Rows, "mean_over_rows", true)
    }

    /// `y_i = sum_j x_ij`, `(r, 1)`. Gradient: `dx_ij = dy_i`.
    #[track_caller]
    pub fn sum_over_cols(&mut self, x: Var) -> Var {
        self.push_sum(x, Over::Cols, "sum_over_cols", false)
    }

    /// `y_i = sum_j x_ij / c`, `(r, 1)`. Gradient: `dx_ij = dy_i / c`.
    #[track_caller]
    pub fn mean_over_cols(&mut self, x: Var) -> Var {
        self.push_sum(x, Over::Cols, "mean_over_cols", true)
    }

    #[track_caller]
    fn push_sum(&mut self, x: Var, over: Over, name: &'static str, mean: bool) -> Var {
        let (rows, cols) = self.shape(x);
        let (y_rows, y_cols, count) = match over {
            Over::All => (1, 1, rows * cols),
            Over::Rows => (1, cols, rows),
            Over::Cols => (rows, 1, cols),
        };
        let divisor = if mean { count as f64 } else { 1.0 };
        self.push(Sum { x, over, name, divisor }, y_rows, y_cols)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    All,
    Rows,
    Cols,
}

#[derive(Clone, Copy, Debug)]
struct Sum {
    x: Var,
    over: Over,
    name: &'static str,
    divisor: f64,
}

impl<T: Scalar> Op<T> for Sum {
    fn name(&self) -> &'static str {
        self.name
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let x = f.values.get(self.x);
        let (rows, cols) = f.values.shape(self.x);
        match self.over {
            Over::All => {
                f.y[0] = T::of(kernel::sum(x) / self.divisor);
                return;
            }
            Over::Rows => kernel::sum_over_rows(rows, cols, x, Accum::Replace, f.y, f.par),
            Over::Cols => kernel::sum_over_cols(rows, cols, x, Accum::Replace, f.y, f.par),
        }
        if self.divisor != 1.0 {
            let divisor = T::of(self.divisor);
            f.y.iter_mut().for_each(|y| *y /= divisor);
        }
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (_, cols) = b.values.shape(self.x);
        let divisor = T::of(self.divisor);
        b.dy.iter_mut().for_each(|d| *d /= divisor);
        let (dy, over) = (&*b.dy, self.over);
        let Some((dx, accum)) = b.grads.get(self.x) else { return };
        kernel::for_tiles(cols, dx, b.par, |first, dx| {
            for (i, dx) in dx.chunks_mut(cols.max(1)).enumerate() {
                for (j, dx) in dx.iter_mut().enumerate() {
                    let d = match over {
                        Over::All => dy[0],
                        Over::Rows => dy[j],
                        Over::Cols => dy[first + i],
                    };
                    *dx = if accum == Accum::Add { *dx + d } else { d };
                }
            }
        });
    }
}
