//! Loops that several operations share.

use layerwise_tensor::kernel::{self, Par};
use layerwise_tensor::{Accum, AlignedVec, Scalar, math};

/// Where a gradient goes, and how.
pub(crate) type Place<'a, T> = (&'a mut [T], Accum);

/// `out (+)= src`.
pub(crate) fn accumulate<T: Scalar>(par: Par, cols: usize, (out, accum): Place<'_, T>, src: &[T]) {
    match accum {
        Accum::Replace => out.copy_from_slice(src),
        Accum::Add => update(par, cols, out, src, |o, s| o + s),
    }
}

/// `out (+)= f(a, b)` by element.
pub(crate) fn pull<T: Scalar>(
    par: Par,
    cols: usize,
    (out, accum): Place<'_, T>,
    a: &[T],
    b: &[T],
    f: impl Fn(T, T) -> T + Sync,
) {
    kernel::for_tiles(cols, out, par, |row, out| {
        let range = row * cols..row * cols + out.len();
        let (a, b) = (&a[range.clone()], &b[range]);
        math::vectorize(
            #[inline(always)]
            || match accum {
                Accum::Replace => {
                    for ((o, a), b) in out.iter_mut().zip(a).zip(b) {
                        *o = f(*a, *b);
                    }
                }
                Accum::Add => {
                    for ((o, a), b) in out.iter_mut().zip(a).zip(b) {
                        *o += f(*a, *b);
                    }
                }
            },
        );
    });
}

/// `y = f(y, s)` by element.
pub(crate) fn update<T: Scalar>(par: Par, cols: usize, y: &mut [T], s: &[T], f: impl Fn(T, T) -> T + Sync) {
    kernel::for_tiles(cols, y, par, |row, y| {
        let s = &s[row * cols..row * cols + y.len()];
        math::vectorize(
            #[inline(always)]
            || {
                for (y, s) in y.iter_mut().zip(s) {
                    *y = f(*y, *s);
                }
            },
        );
    });
}

/// The first `len` elements of a working space; undefined content.
pub(crate) fn space<T: Scalar>(scratch: &mut AlignedVec<T>, len: usize) -> &mut [T] {
    if scratch.len() < len {
        scratch.resize(len, T::zero());
    }
    &mut scratch[..len]
}
