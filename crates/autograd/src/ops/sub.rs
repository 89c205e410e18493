//! Sub.

use layerwise_tensor::Scalar;

use super::broadcast::Spread;
use super::elementwise::accumulate;
use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `y = a - b` by element; `b` may be of the same shape, a row `(1, c)`, a column `(r, 1)` or a number `(1, 1)`.
    ///
    /// Gradient: `da = dy`, `db = -dy`, summed over what `b` was spread over.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn sub(&mut self, a: Var, b: Var) -> Var {
        let spread = Spread::of(self, "sub", a, b);
        let (rows, cols) = self.shape(a);
        self.push(Sub { a, b, spread }, rows, cols)
    }
}

#[derive(Clone, Copy, Debug)]
struct Sub {
    a: Var,
    b: Var,
    spread: Spread,
}

impl<T: Scalar> Op<T> for Sub {
    fn name(&self) -> &'static str {
        "sub"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.a, self.b])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        f.y.copy_from_slice(f.values.get(self.a));
        self.spread.apply(f.par, f.cols, f.y, f.values.get(self.b), |a, b| a - b);
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (par, shape, cols) = (b.par, (b.rows, b.cols), b.cols);
        if let Some(da) = b.grads.get(self.a) {
            accumulate(par, cols, da, b.dy);
        }
        if let Some(db) = b.grads.get(self.b) {
            b.dy.iter_mut().for_each(|d| *d = -*d);
            self.spread.reduce(par, shape, b.dy, db);
        }
    }
}
