//! Softmax and cross-entropy in one.

use layerwise_tensor::{Accum, Scalar, kernel, math};

use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `(1 / r) sum_i (ln sum_j e^z_ij) - z_(i, labels_i)`, `1 x 1`, summed in `f64`; NaN for an empty batch, as PyTorch.
    ///
    /// Gradient: `dz = (softmax(z) - onehot(labels)) / r`.
    ///
    /// # Panics
    /// If there is not one label for each row, or a label is no column.
    #[track_caller]
    pub fn softmax_cross_entropy(&mut self, logits: Var, labels: &[u32]) -> Var {
        self.check_labels("softmax_cross_entropy", logits, labels);
        self.push_with(SoftmaxCrossEntropy { logits }, 1, 1, |saved| {
            saved.indices.clear();
            saved.indices.extend_from_slice(labels);
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct SoftmaxCrossEntropy {
    logits: Var,
}

impl<T: Scalar> Op<T> for SoftmaxCrossEntropy {
    fn name(&self) -> &'static str {
        "softmax_cross_entropy"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.logits])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (rows, cols) = f.values.shape(self.logits);
        f.saved.values[0].resize(rows * cols, T::zero());
        let log_p = &mut f.saved.values[0];
        kernel::log_softmax(rows, cols, f.values.get(self.logits), log_p, f.par);
        let mut sum = 0.0;
        for (i, label) in f.saved.indices.iter().enumerate() {
            sum -= log_p[i * cols + *label as usize].as_f64();
        }
        f.y[0] = T::of(sum / rows as f64);
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (rows, cols) = b.values.shape(self.logits);
        let factor = T::of(b.dy[0].as_f64() / rows as f64);
        let (log_p, labels) = (&b.saved.values[0], &b.saved.indices);
        let Some((dz, accum)) = b.grads.get(self.logits) else { return };
        kernel::for_tiles(cols, dz, b.par, |first, dz| {
            math::vectorize(
                #[inline(always)]
                || {
                    let log_p = &log_p[first * cols..first * cols + dz.len()];
                    for (dz, p) in dz.iter_mut().zip(log_p) {
                        let d = math::exp(*p) * factor;
                        *dz = if accum == Accum::Add { *dz + d } else { d };
                    }
                },
            );
            for (i, dz) in dz.chunks_mut(cols.max(1)).enumerate() {
                dz[labels[first + i] as usize] -= factor;
            }
        });
    }
}
