//! Some columns of a matrix.

use std::ops::Range;

use layerwise_tensor::{Accum, Scalar};

use super::elementwise::accumulate;
use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `y = x[.., range]`, `(r, range.len())`. Gradient: `dy` in those columns, 0 elsewhere.
    ///
    /// # Panics
    /// If the range ends behind the last column or before it starts.
    #[track_caller]
    pub fn slice_cols(&mut self, x: Var, range: Range<usize>) -> Var {
        let (rows, cols) = self.shape(x);
        let Range { start, end } = range;
        if start > end || end > cols {
            self.require(false, &format!("slice_cols {start}..{end}"), &[x], "the range leaves the columns");
        }
        self.push(SliceCols { x, start, end }, rows, end - start)
    }
}

#[derive(Clone, Copy, Debug)]
struct SliceCols {
    x: Var,
    start: usize,
    end: usize,
}

impl<T: Scalar> Op<T> for SliceCols {
    fn name(&self) -> &'static str {
        "slice_cols"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let cols = f.values.shape(self.x).1;
        let x = f.values.get(self.x).chunks(cols.max(1));
        for (y, x) in f.y.chunks_mut(f.cols.max(1)).zip(x) {
            y.copy_from_slice(&x[self.start..self.end]);
        }
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let cols = b.values.shape(self.x).1;
        let Some((dx, accum)) = b.grads.get(self.x) else { return };
        if accum == Accum::Replace {
            dx.fill(T::zero());
        }
        for (dx, dy) in dx.chunks_mut(cols.max(1)).zip(b.dy.chunks(b.cols.max(1))) {
            accumulate(b.par, b.cols, (&mut dx[self.start..self.end], accum), dy);
        }
    }
}
