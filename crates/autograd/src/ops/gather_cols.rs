//! One column of each row.

use layerwise_tensor::{Accum, Scalar};

use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `y_i = x_(i, labels_i)`, `(r, 1)`. Gradient: `dy_i` at the label, 0 elsewhere.
    ///
    /// # Panics
    /// If there is not one label for each row, or a label is no column.
    #[track_caller]
    pub fn gather_cols(&mut self, x: Var, labels: &[u32]) -> Var {
        let rows = self.check_labels("gather_cols", x, labels);
        self.push_with(GatherCols { x }, rows, 1, |saved| {
            saved.indices.clear();
            saved.indices.extend_from_slice(labels);
        })
    }

    /// The number of rows of `x`, after a look at the labels.
    #[track_caller]
    pub(crate) fn check_labels(&self, op: &str, x: Var, labels: &[u32]) -> usize {
        let (rows, cols) = self.shape(x);
        assert_eq!(labels.len(), rows, "{op}: {} labels for the rows of {}", labels.len(), self.describe(x));
        if let Some(i) = labels.iter().position(|l| *l as usize >= cols) {
            panic!("{op}: label {} of row {i} is not below the {cols} columns of {}", labels[i], self.describe(x));
        }
        rows
    }
}

#[derive(Clone, Copy, Debug)]
struct GatherCols {
    x: Var,
}

impl<T: Scalar> Op<T> for GatherCols {
    fn name(&self) -> &'static str {
        "gather_cols"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (x, cols) = (f.values.get(self.x), f.values.shape(self.x).1);
        for (i, (y, label)) in f.y.iter_mut().zip(&f.saved.indices).enumerate() {
            *y = x[i * cols + *label as usize];
        }
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let cols = b.values.shape(self.x).1;
        let Some((dx, accum)) = b.grads.get(self.x) else { return };
        if accum == Accum::Replace {
            dx.fill(T::zero());
        }
        for (i, (dy, label)) in b.dy.iter().zip(&b.saved.indices).enumerate() {
            dx[i * cols + *label as usize] += *dy;
        }
    }
}
