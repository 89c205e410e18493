//! The nearest matrix with orthonormal rows or columns, nearly, by products alone.

use layerwise_tensor::kernel::{self, Form, Par, for_chunks_mut, gemm};
use layerwise_tensor::{Accum, Scalar, math};

/// Values of scratch that [`orthogonalize`] needs for a matrix of this shape.
pub(crate) fn scratch_len(rows: usize, cols: usize) -> usize {
    let edge = rows.min(cols);
    2 * edge * edge + rows * cols
}

/// Moves the singular values of `x (rows, cols)` towards 1 and keeps its singular vectors; the result lies in `x` or in the scratch.
///
/// ```text
/// x = x / max(|x|, eps),   then so many times   x = a x + (b G + c G G) x,   G = x xᵀ
/// ```
///
/// so that a singular value `s` becomes `a s + b s^3 + c s^5`. Of a matrix with more rows than columns the same is done from the other
/// side, with `G = xᵀ x`, so that `G` is as small as it can be.
pub(crate) fn orthogonalize<'a, T: Scalar>(
    x: &'a mut [T],
    (rows, cols): (usize, usize),
    [a, b, c]: [f64; 3],
    steps: u32,
    eps: f64,
    scratch: &'a mut [T],
) -> &'a [T] {
    let (wide, edge) = (rows <= cols, rows.min(cols));
    let (gram, rest) = scratch.split_at_mut(edge * edge);
    let (square, next) = rest.split_at_mut(edge * edge);
    let (mut x, mut next) = (x, &mut next[..rows * cols]);

    let norm = kernel::sum_of_squares(x, Par::Auto).sqrt();
    let (scale, a) = (T::of(1.0 / norm.max(eps)), T::of(a));
    if norm == 0.0 || !scale.is_finite() {
        // Nothing to make orthogonal: zero times infinity would be no number.
        return x;
    }
    for_chunks_mut(Par::Auto, x.len(), &mut *x, |_, x: &mut [T]| x.iter_mut().for_each(|x| *x *= scale));
    for _ in 0..steps {
        let (form, along) = if wide { (Form::Nt, cols) } else { (Form::Tn, rows) };
        gemm(form, edge, edge, along, x, x, Accum::Replace, gram, Par::Auto);
        gemm(Form::Nn, edge, edge, edge, gram, gram, Accum::Replace, square, Par::Auto);
        let (b, c) = (T::of(b), T::of(c));
        combine(gram, square, |g, s| *g = b * *g + c * s);
        combine(next, x, |next, x| *next = a * x);
        let (left, right, inner) = if wide { (&*gram, &*x, rows) } else { (&*x, &*gram, cols) };
        gemm(Form::Nn, rows, cols, inner, left, right, Accum::Add, next, Par::Auto);
        std::mem::swap(&mut x, &mut next);
    }
    x
}

/// `f(y, x)` for each pair.
fn combine<T: Scalar>(y: &mut [T], x: &[T], f: impl Fn(&mut T, T) + Sync) {
    for_chunks_mut(Par::Auto, y.len(), (y, x), |_, (y, x)| {
        math::vectorize(
            #[inline(always)]
            || y.iter_mut().zip(x).for_each(|(y, x)| f(y, *x)),
        );
    });
}
