//! The linear layer with a weight that another layer reads the other way round.

use layerwise_tensor::kernel::{Form, gemm, sum_over_rows};
use layerwise_tensor::{Accum, Scalar};

use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `y = x w^T + b`, `(batch, out)` for `x` of `(batch, in)`, `w` of `(out, in)`, `b` of `(1, out)`: a decoder that shares the
    /// encoder's weight.
    ///
    /// Gradient: `dw = dy^T x`, `db = sum over rows of dy`, `dx = dy w`; both uses of `w` add up.
    ///
    /// # Panics
    /// If the sizes do not fit.
    #[track_caller]
    pub fn tied_linear(&mut self, x: Var, w: Var, b: Option<Var>) -> Var {
        let ((batch, inputs), (outputs, cols)) = (self.shape(x), self.shape(w));
        self.require(inputs == cols, "tied_linear", &[x, w], "the columns of x are not the columns of w");
        if let Some(b) = b {
            let fits = self.shape(b) == (1, outputs);
            self.require(fits, "tied_linear", &[w, b], "the bias is no row with as many columns as w has rows");
        }
        self.push(TiedLinear { x, w, b }, batch, outputs)
    }
}

#[derive(Clone, Copy, Debug)]
struct TiedLinear {
    x: Var,
    w: Var,
    b: Option<Var>,
}

impl<T: Scalar> Op<T> for TiedLinear {
    fn name(&self) -> &'static str {
        "tied_linear"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x, self.w]).and(self.b)
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        *f.products += 1;
        let inputs = f.values.shape(self.x).1;
        let mut accum = Accum::Replace;
        if let Some(b) = self.b {
            // The product adds to rows that hold the bias already.
            f.y.chunks_mut(f.cols.max(1)).for_each(|y| y.copy_from_slice(f.values.get(b)));
            accum = Accum::Add;
        }
        let (x, w) = (f.values.get(self.x), f.values.get(self.w));
        gemm(Form::Nt, f.rows, f.cols, inputs, x, w, accum, f.y, f.par);
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (batch, outputs, inputs) = (b.rows, b.cols, b.values.shape(self.x).1);
        let (x, w, dy) = (b.values.get(self.x), b.values.get(self.w), &*b.dy);
        if let Some((db, accum)) = self.b.and_then(|v| b.grads.get(v)) {
            sum_over_rows(batch, outputs, dy, accum, db, b.par);
        }
        if let Some((dw, accum)) = b.grads.get(self.w) {
            *b.products += 1;
            gemm(Form::Tn, outputs, inputs, batch, dy, x, accum, dw, b.par);
        }
        if let Some((dx, accum)) = b.grads.get(self.x) {
            *b.products += 1;
            gemm(Form::Nn, batch, inputs, outputs, dy, w, accum, dx, b.par);
        }
    }
}
