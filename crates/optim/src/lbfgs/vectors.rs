//! Sums and combinations of long vectors, in parallel and in a fixed order.

use layerwise_tensor::kernel::{self, Par, for_chunks_mut, for_row_parts};
use layerwise_tensor::{Scalar, math};

/// Values that are summed in one piece.
const CHUNK: usize = 1 << 13;

/// Room for the sums of the pieces of a vector.
#[derive(Clone, Debug)]
pub(super) struct Sums(Vec<f64>);

impl Sums {
    /// For vectors of this length.
    pub(super) fn new(len: usize) -> Self {
        Self(vec![0.0; len.div_ceil(CHUNK)])
    }

    /// The inner product, in `f64`: pieces of a fixed length, added in their order, so that threads change no bit.
    pub(super) fn dot<T: Scalar>(&mut self, x: &[T], y: &[T]) -> f64 {
        self.add_up(x, y, |x, y| kernel::dot(x, y))
    }

    /// The sum of the magnitudes.
    pub(super) fn magnitudes<T: Scalar>(&mut self, x: &[T]) -> f64 {
        self.add_up(x, x, |x, _| x.iter().fold(0.0, |sum, v| sum + v.as_f64().abs()))
    }

    fn add_up<T: Scalar>(&mut self, x: &[T], y: &[T], piece: impl Fn(&[T], &[T]) -> f64 + Sync) -> f64 {
        for_row_parts(self.0.len(), CHUNK, self.0.as_mut_slice(), Par::Auto, |pieces, sums: &mut [f64]| {
            for (i, sum) in pieces.zip(sums) {
                let here = i * CHUNK..x.len().min((i + 1) * CHUNK);
                *sum = piece(&x[here.clone()], &y[here]);
            }
        });
        self.0.iter().sum()
    }
}

/// `y += factor * x`.
pub(super) fn add<T: Scalar>(y: &mut [T], factor: f64, x: &[T]) {
    let factor = T::of(factor);
    zip(y, x, |y, x| *y += factor * x);
}

/// `y = factor * x`.
pub(super) fn put<T: Scalar>(y: &mut [T], factor: f64, x: &[T]) {
    let factor = T::of(factor);
    zip(y, x, |y, x| *y = factor * x);
}

/// `y = x - y`.
pub(super) fn change<T: Scalar>(y: &mut [T], x: &[T]) {
    zip(y, x, |y, x| *y = x - *y);
}

/// `y *= factor`.
pub(super) fn scale<T: Scalar>(y: &mut [T], factor: f64) {
    let factor = T::of(factor);
    for_chunks_mut(Par::Auto, y.len(), y, |_, y: &mut [T]| y.iter_mut().for_each(|y| *y *= factor));
}

/// `w = x + factor * d`.
pub(super) fn walk<T: Scalar>(w: &mut [T], x: &[T], factor: f64, d: &[T]) {
    let factor = T::of(factor);
    for_chunks_mut(Par::Auto, w.len(), (w, x, d), |_, (w, x, d)| {
        w.iter_mut().zip(x).zip(d).for_each(|((w, x), d)| *w = *x + factor * *d);
    });
}

fn zip<T: Scalar>(y: &mut [T], x: &[T], f: impl Fn(&mut T, T) + Sync) {
    for_chunks_mut(Par::Auto, y.len(), (y, x), |_, (y, x)| {
        math::vectorize(
            #[inline(always)]
            || y.iter_mut().zip(x).for_each(|(y, x)| f(y, *x)),
        );
    });
}
