//! Mul.

use layerwise_tensor::Scalar;

use super::broadcast::Spread;
use super::elementwise::{accumulate, space, update};
use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `y = a b` by element; `b` may be of the same shape, a row `(1, c)`, a column `(r, 1)` or a number `(1, 1)`.
    ///
    /// Gradient: `da = dy b`, `db = dy a`, summed over what `b` was spread over.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn mul(&mut self, a: Var, b: Var) -> Var {
        let spread = Spread::of(self, "mul", a, b);
        let (rows, cols) = self.shape(a);
        self.push(Mul { a, b, spread }, rows, cols)
    }
}

#[derive(Clone, Copy, Debug)]
struct Mul {
    a: Var,
    b: Var,
    spread: Spread,
}

impl<T: Scalar> Op<T> for Mul {
    fn name(&self) -> &'static str {
        "mul"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.a, self.b])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        f.y.copy_from_slice(f.values.get(self.a));
        self.spread.apply(f.par, f.cols, f.y, f.values.get(self.b), |a, b| a * b);
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (par, shape, cols) = (b.par, (b.rows, b.cols), b.cols);
        if let Some(db) = b.grads.get(self.b) {
            let terms = space(b.scratch, b.dy.len());
            terms.copy_from_slice(b.dy);
            update(par, cols, terms, b.values.get(self.a), |d, a| d * a);
            self.spread.reduce(par, shape, terms, db);
        }
        if let Some(da) = b.grads.get(self.a) {
            self.spread.apply(par, cols, b.dy, b.values.get(self.b), |d, b| d * b);
            accumulate(par, cols, da, b.dy);
        }
    }
}
