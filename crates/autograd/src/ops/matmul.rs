//! Products of two matrices, each as it is or transposed.

use layerwise_tensor::kernel::{Form, gemm, transpose};
use layerwise_tensor::{Accum, Scalar};

use super::elementwise::space;
use super::transpose::transpose_into;
use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

/// Whether a factor is taken as it is or transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trans {
    /// As it is.
    No,
    /// Transposed.
    Yes,
}

impl Trans {
    fn shape(self, (rows, cols): (usize, usize)) -> (usize, usize) {
        match self {
            Trans::No => (rows, cols),
            Trans::Yes => (cols, rows),
        }
    }
}

impl<T: Scalar> Graph<'_, T> {
    /// `y = op(a) op(b)`, `(m, n)` for `op(a)` of `(m, k)` and `op(b)` of `(k, n)`.
    ///
    /// Gradient: `d op(a) = dy op(b)^T`, `d op(b) = op(a)^T dy`.
    ///
    /// # Panics
    /// If the inner sizes differ.
    #[track_caller]
    pub fn matmul(&mut self, a: Var, trans_a: Trans, b: Var, trans_b: Trans) -> Var {
        let (m, k) = trans_a.shape(self.shape(a));
        let (kb, n) = trans_b.shape(self.shape(b));
        if k != kb {
            let op = format!("matmul (a transposed: {trans_a:?}, b transposed: {trans_b:?})");
            self.require(false, &op, &[a, b], &format!("the inner sizes {k} and {kb} differ"));
        }
        self.push(Matmul { a, trans_a, b, trans_b, k }, m, n)
    }
}

#[derive(Clone, Copy, Debug)]
struct Matmul {
    a: Var,
    trans_a: Trans,
    b: Var,
    trans_b: Trans,
    k: usize,
}

impl<T: Scalar> Op<T> for Matmul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.a, self.b])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (m, n, k) = (f.rows, f.cols, self.k);
        let (a, b) = (f.values.get(self.a), f.values.get(self.b));
        *f.products += 1;
        let replace = Accum::Replace;
        match (self.trans_a, self.trans_b) {
            (Trans::No, Trans::No) => gemm(Form::Nn, m, n, k, a, b, replace, f.y, f.par),
            (Trans::Yes, Trans::No) => gemm(Form::Tn, m, n, k, a, b, replace, f.y, f.par),
            (Trans::No, Trans::Yes) => gemm(Form::Nt, m, n, k, a, b, replace, f.y, f.par),
            (Trans::Yes, Trans::Yes) => {
                // (b a)^T: the seam knows three forms, this fourth one is rare.
                let turned = space(f.scratch, n * m);
                gemm(Form::Nn, n, m, k, b, a, replace, turned, f.par);
                transpose(n, m, turned, f.y);
            }
        }
    }

    fn backward(&self, bw: &mut Backward<'_, T>) {
        let (m, n, k, par) = (bw.rows, bw.cols, self.k, bw.par);
        let (a, b, dy) = (bw.values.get(self.a), bw.values.get(self.b), &*bw.dy);
        if let Some((da, accum)) = bw.grads.get(self.a) {
            *bw.products += 1;
            match (self.trans_a, self.trans_b) {
                (Trans::No, Trans::No) => gemm(Form::Nt, m, k, n, dy, b, accum, da, par),
                (Trans::Yes, Trans::No) => gemm(Form::Nt, k, m, n, b, dy, accum, da, par),
                (Trans::No, Trans::Yes) => gemm(Form::Nn, m, k, n, dy, b, accum, da, par),
                (Trans::Yes, Trans::Yes) => {
                    let turned = space(bw.scratch, m * k);
                    gemm(Form::Nn, m, k, n, dy, b, Accum::Replace, turned, par);
                    transpose_into(m, k, turned, da, accum);
                }
            }
        }
        if let Some((db, accum)) = bw.grads.get(self.b) {
            *bw.products += 1;
            match (self.trans_a, self.trans_b) {
                (Trans::No, Trans::No) => gemm(Form::Tn, k, n, m, a, dy, accum, db, par),
                (Trans::Yes, Trans::No) => gemm(Form::Nn, k, n, m, a, dy, accum, db, par),
                (Trans::No, Trans::Yes) => gemm(Form::Tn, n, k, m, dy, a, accum, db, par),
                (Trans::Yes, Trans::Yes) => {
                    let turned = space(bw.scratch, k * n);
                    gemm(Form::Nn, k, n, m, a, dy, Accum::Replace, turned, par);
                    transpose_into(k, n, turned, db, accum);
                }
            }
        }
    }
}
