//! Two matrices side by side.

use layerwise_tensor::Scalar;

use super::elementwise::accumulate;
use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `y = [a, b]`, `(r, c_a + c_b)`. Gradient: the columns of `dy` that came from each.
    ///
    /// # Panics
    /// If the numbers of rows differ.
    #[track_caller]
    pub fn concat(&mut self, a: Var, b: Var) -> Var {
        let ((rows, ca), (rb, cb)) = (self.shape(a), self.shape(b));
        self.require(rows == rb, "concat", &[a, b], "the numbers of rows differ");
        self.push(Concat { a, b }, rows, ca + cb)
    }
}

#[derive(Clone, Copy, Debug)]
struct Concat {
    a: Var,
    b: Var,
}

impl<T: Scalar> Op<T> for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.a, self.b])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (ca, cb) = (f.values.shape(self.a).1, f.values.shape(self.b).1);
        let (a, b) = (f.values.get(self.a), f.values.get(self.b));
        for (i, y) in f.y.chunks_mut(f.cols.max(1)).enumerate() {
            y[..ca].copy_from_slice(&a[i * ca..(i + 1) * ca]);
            y[ca..].copy_from_slice(&b[i * cb..(i + 1) * cb]);
        }
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let mut start = 0;
        for var in [self.a, self.b] {
            let cols = b.values.shape(var).1;
            if let Some((dx, accum)) = b.grads.get(var) {
                for (dx, dy) in dx.chunks_mut(cols.max(1)).zip(b.dy.chunks(b.cols.max(1))) {
                    accumulate(b.par, cols, (dx, accum), &dy[start..start + cols]);
                }
            }
            start += cols;
        }
    }
}
