//! Sums down the columns of a matrix: [`BLOCK`] rows in the element type, the blocks in `f64`, in the order of the rows.
//!
//! A block's sum errs by a few units of its terms, and the blocks add nothing to that, so the sum of a long column is as good as that of
//! a short one; the widening to `f64`, which costs as much as sixteen additions, is paid once in a block.
//!
//! Every function adds for the columns `from .. from + sums.len()`, at most [`COLUMNS`] of them. What a column adds up to does not
//! depend on its neighbours.

use crate::math::vectorize;
use crate::scalar::Scalar;

/// Width of a tile of columns: its sums stay in registers or the innermost cache.
pub(super) const COLUMNS: usize = 64;

/// Rows that are summed in the element type: a multiple of four.
const BLOCK: usize = 16;

/// `sums[j] += Σᵢ x[i, from + j]`.
pub(super) fn column_sums<T: Scalar>(cols: usize, from: usize, x: &[T], sums: &mut [f64]) {
    vectorize(
        #[inline(always)]
        || {
            if sums.len() == COLUMNS {
                sums_of(COLUMNS, cols, from, x, sums);
            } else {
                sums_of(sums.len(), cols, from, x, sums);
            }
        },
    );
}

/// `sums[j] += Σᵢ y[i, from + j]` and `dots[j] += Σᵢ x[i, from + j] y[i, from + j]`.
pub(super) fn column_sums_and_dots<T: Scalar>(
    cols: usize,
    from: usize,
    x: &[T],
    y: &[T],
    sums: &mut [f64],
    dots: &mut [f64],
) {
    column_pairs(
        cols,
        from,
        (x, y),
        #[inline(always)]
        |_, x, y| (y, x),
        sums,
        dots,
    );
}

/// `sums[j] += Σᵢ d` and `squares[j] += Σᵢ d²` with `d = x[i, from + j] - centre[j]`.
pub(super) fn column_moments<T: Scalar>(
    cols: usize,
    from: usize,
    x: &[T],
    centre: &[T; COLUMNS],
    sums: &mut [f64],
    squares: &mut [f64],
) {
    column_pairs(
        cols,
        from,
        (x, x),
        #[inline(always)]
        |l, x, _| (x - centre[l], x - centre[l]),
        sums,
        squares,
    );
}

/// [`pairs_of`] at the vectors at hand, with a width that the compiler knows where the tile is whole.
#[inline(always)]
fn column_pairs<T: Scalar>(
    cols: usize,
    from: usize,
    xy: (&[T], &[T]),
    pair: impl Fn(usize, T, T) -> (T, T),
    sums: &mut [f64],
    dots: &mut [f64],
) {
    vectorize(
        #[inline(always)]
        || {
            if sums.len() == COLUMNS {
                pairs_of(COLUMNS, cols, from, xy, &pair, sums, dots);
            } else {
                pairs_of(sums.len(), cols, from, xy, &pair, sums, dots);
            }
        },
    );
}

/// `sums[j] += Σᵢ (x[i, from + j] - centre[from + j]) y[i, from + j]`, in `f64` throughout.
pub(super) fn column_dots_about<T: Scalar>(cols: usize, from: usize, x: &[T], centre: &[T], y: &[T], sums: &mut [f64]) {
    vectorize(
        #[inline(always)]
        || {
            for (x, y) in x.chunks_exact(cols).zip(y.chunks_exact(cols)) {
                let row = x[from..].iter().zip(&y[from..]).zip(&centre[from..]);
                for (sum, ((x, y), c)) in sums.iter_mut().zip(row) {
                    *sum += (x.as_f64() - c.as_f64()) * y.as_f64();
                }
            }
        },
    );
}

#[inline(always)]
fn sums_of<T: Scalar>(width: usize, cols: usize, from: usize, x: &[T], sums: &mut [f64]) {
    for block in x.chunks(BLOCK * cols) {
        let mut acc = [T::zero(); COLUMNS];
        let acc = &mut acc[..width];
        let (fours, rest) = fours(block, cols);
        for four in fours {
            let [a, b, c, d] = rows(four, cols, from, width);
            for l in 0..width {
                acc[l] += (a[l] + b[l]) + (c[l] + d[l]);
            }
        }
        for row in rest.chunks_exact(cols) {
            let a = &row[from..from + width];
            for l in 0..width {
                acc[l] += a[l];
            }
        }
        widen(sums, acc);
    }
}

/// `sums[j] += Σᵢ d` and `dots[j] += Σᵢ d e` with `(d, e) = pair(l, x, y)` at row `i` and the `l`-th of the columns.
#[inline(always)]
fn pairs_of<T: Scalar>(
    width: usize,
    cols: usize,
    from: usize,
    (x, y): (&[T], &[T]),
    pair: impl Fn(usize, T, T) -> (T, T),
    sums: &mut [f64],
    dots: &mut [f64],
) {
    for (x, y) in x.chunks(BLOCK * cols).zip(y.chunks(BLOCK * cols)) {
        let (mut sum, mut dot) = ([T::zero(); COLUMNS], [T::zero(); COLUMNS]);
        let (sum, dot) = (&mut sum[..width], &mut dot[..width]);
        let ((xs, x), (ys, y)) = (fours(x, cols), fours(y, cols));
        for (x, y) in xs.zip(ys) {
            let ([x0, x1, x2, x3], [y0, y1, y2, y3]) = (rows(x, cols, from, width), rows(y, cols, from, width));
            for l in 0..width {
                let ((a, p), (b, q)) = (pair(l, x0[l], y0[l]), pair(l, x1[l], y1[l]));
                let ((c, r), (d, s)) = (pair(l, x2[l], y2[l]), pair(l, x3[l], y3[l]));
                sum[l] += (a + b) + (c + d);
                dot[l] += a.fma(p, b * q) + c.fma(r, d * s);
            }
        }
        for (x, y) in x.chunks_exact(cols).zip(y.chunks_exact(cols)) {
            let (x, y) = (&x[from..from + width], &y[from..from + width]);
            for l in 0..width {
                let (d, e) = pair(l, x[l], y[l]);
                sum[l] += d;
                dot[l] += d * e;
            }
        }
        widen(sums, sum);
        widen(dots, dot);
    }
}

/// The rows of a block four by four, and what is left.
#[inline(always)]
fn fours<T>(block: &[T], cols: usize) -> (std::slice::ChunksExact<'_, T>, &[T]) {
    let fours = block.chunks_exact(4 * cols);
    let rest = fours.remainder();
    (fours, rest)
}

/// The same columns of four rows.
#[inline(always)]
fn rows<T>(four: &[T], cols: usize, from: usize, width: usize) -> [&[T]; 4] {
    [0, 1, 2, 3].map(|i| &four[i * cols + from..i * cols + from + width])
}

#[inline(always)]
fn widen<T: Scalar>(sums: &mut [f64], parts: &[T]) {
    for (sum, part) in sums.iter_mut().zip(parts) {
        *sum += part.as_f64();
    }
}
