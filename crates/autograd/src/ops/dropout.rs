//! Dropout, alone or after an activation.

use layerwise_tensor::{Scalar, Stream, kernel, math};

use super::elementwise::pull;
use crate::act::Act;
use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// Inverted dropout: `y = x m / (1 - p)` with `m` Bernoulli, 1 with probability `1 - p` (Srivastava et al., 2014).
    ///
    /// Each dropout of a step draws from a stream of its own. Under [`Mode::Eval`](layerwise_tensor::Mode::Eval) or with `p = 0`
    /// it is `x` itself, and no slot is taken. Gradient: `dx = dy m / (1 - p)`.
    ///
    /// # Panics
    /// If `p` is not in `[0, 1]`.
    #[track_caller]
    pub fn dropout(&mut self, x: Var, p: f64) -> Var {
        let (rows, cols) = self.shape(x);
        match self.mask("dropout", p) {
            Some(mask) => self.push(Dropout { x, mask }, rows, cols),
            None => x,
        }
    }
}

/// How many elements of a mask are drawn at once; part of the values only through speed, since streams are addressed by element.
const CHUNK: usize = 256;

/// A mask that is drawn where it is used: element `i` depends on the stream and on `i` alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mask {
    keep: f64,
    stream: Stream,
}

impl Mask {
    pub(crate) fn new(keep: f64, stream: Stream) -> Self {
        Self { keep, stream }
    }

    /// `out[i]` is `1 / keep` or 0, for the elements from `first` on.
    fn fill<T: Scalar>(&self, first: usize, out: &mut [T]) {
        if self.keep > 0.0 {
            self.stream.bernoulli(first as u64, self.keep, 1.0 / self.keep, out);
        } else {
            out.fill(T::zero());
        }
    }

    /// `y = f(y) m`, and in `factor`, unless it is empty, `f' m`: all that the backward pass needs.
    pub(crate) fn apply_after<T: Scalar>(&self, act: Option<Act>, first: usize, y: &mut [T], factor: &mut [T]) {
        let mut space = [T::zero(); CHUNK];
        for (i, y) in y.chunks_mut(CHUNK).enumerate() {
            let start = i * CHUNK;
            let mask = &mut space[..y.len()];
            self.fill(first + start, mask);
            match (act, factor.get_mut(start..start + y.len())) {
                (Some(act), Some(factor)) => {
                    act.both(y, factor);
                    times(factor, mask);
                }
                (Some(act), None) => act.forward(y),
                (None, Some(factor)) => factor.copy_from_slice(mask),
                (None, None) => (),
            }
            times(y, mask);
        }
    }
}

/// `x = x m` by element.
fn times<T: Scalar>(x: &mut [T], m: &[T]) {
    math::vectorize(
        #[inline(always)]
        || x.iter_mut().zip(m).for_each(|(x, m)| *x *= *m),
    );
}

#[derive(Clone, Copy, Debug)]
struct Dropout {
    x: Var,
    mask: Mask,
}

impl<T: Scalar> Op<T> for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let cols = f.cols;
        f.y.copy_from_slice(f.values.get(self.x));
        let [factor, ..] = f.saved.sized([f.y.len(), 0, 0]);
        kernel::for_tiles2(cols, f.y, factor, f.par, |row, y, factor| {
            self.mask.apply_after(None, row * cols, y, factor);
        });
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        if let Some(dx) = b.grads.get(self.x) {
            let [factor, ..] = b.saved.get();
            pull(b.par, b.cols, dx, b.dy, factor, |dy, m| dy * m);
        }
    }
}
