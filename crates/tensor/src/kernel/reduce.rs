//! Sums and extremes, in a fixed order: sixteen lanes along a row, `f64` inside.

use super::check::{check, put};
use super::columns::{COLUMNS, column_sums};
use super::par::{Par, TILE_VALUES, for_row_parts, run};
use crate::math::vectorize;
use crate::mode::Accum;
use crate::scalar::Scalar;

/// Sum of `x`, in `f64` and in a fixed order.
pub fn sum<T: Scalar>(x: &[T]) -> f64 {
    vectorize(
        #[inline(always)]
        || row_sum(x),
    )
}

/// Sum of squares of `x`, in `f64` and in a fixed order: chunks of a fixed length, added pairwise.
pub fn sum_of_squares<T: Scalar>(x: &[T], par: Par) -> f64 {
    let of_chunk = |x: &[T]| {
        vectorize(
            #[inline(always)]
            || fold(x, |v| v.as_f64() * v.as_f64()),
        )
    };
    pairwise(x, par.splits(x.len()), &of_chunk)
}

/// Inner product of `x` and `y`, in `f64` and in a fixed order.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn dot<T: Scalar>(x: &[T], y: &[T]) -> f64 {
    check("dot", "y", y.len(), 1, x.len());
    vectorize(
        #[inline(always)]
        || row_dot(x, y),
    )
}

/// Largest magnitude in `x`; 0 if it is empty, NaN if one is among its values.
pub fn max_abs<T: Scalar>(x: &[T]) -> f64 {
    #[inline(always)]
    fn larger<T: Scalar>(m: T, v: T) -> T {
        let v = v.abs();
        // The second half lets a NaN in; the first then never lets it out.
        if v > m || v.is_nan() { v } else { m }
    }
    vectorize(
        #[inline(always)]
        || row_extreme(x, T::zero(), larger).as_f64(),
    )
}

/// `out[j] = Σᵢ x[i, j]`: column sums, `x (rows, cols)`, `out (1, cols)`.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn sum_over_rows<T: Scalar>(rows: usize, cols: usize, x: &[T], accum: Accum, out: &mut [T], par: Par) {
    check("sum_over_rows", "x", x.len(), rows, cols);
    check("sum_over_rows", "out", out.len(), 1, cols);
    run(0..cols, COLUMNS, par.splits(x.len()), out, &|range, out: &mut [T]| {
        let mut sums = [0.0; COLUMNS];
        let sums = &mut sums[..range.len()];
        column_sums(cols, range.start, x, sums);
        for (out, sum) in out.iter_mut().zip(sums) {
            put(out, accum, T::of(*sum));
        }
    });
}

/// `out[i] = Σⱼ x[i, j]`: row sums, `x (rows, cols)`, `out (rows, 1)`.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn sum_over_cols<T: Scalar>(rows: usize, cols: usize, x: &[T], accum: Accum, out: &mut [T], par: Par) {
    check("sum_over_cols", "x", x.len(), rows, cols);
    check("sum_over_cols", "out", out.len(), rows, 1);
    for_row_parts(rows, cols, out, par, |range, out: &mut [T]| {
        vectorize(
            #[inline(always)]
            || {
                for (i, out) in range.zip(out) {
                    put(out, accum, T::of(row_sum(&x[i * cols..(i + 1) * cols])));
                }
            },
        );
    });
}

/// Lanes of a sum along a row: a power of two, and as wide as the widest vector of `f32`.
const LANES: usize = 16;

/// `f` of the fixed chunks of `x`, added pairwise: the same tree whoever works, and no place to store the parts.
fn pairwise<T: Sync>(x: &[T], split: bool, f: &(impl Fn(&[T]) -> f64 + Sync)) -> f64 {
    let chunks = x.len().div_ceil(TILE_VALUES);
    if chunks <= 1 {
        return f(x);
    }
    let (left, right) = x.split_at(chunks / 2 * TILE_VALUES);
    let sums = (|| pairwise(left, split, f), || pairwise(right, split, f));
    let (left, right) = if split { rayon::join(sums.0, sums.1) } else { (sums.0(), sums.1()) };
    left + right
}

/// Sum of a row; for use inside [`vectorize`].
#[inline(always)]
pub(super) fn row_sum<T: Scalar>(x: &[T]) -> f64 {
    fold(x, |v| v.as_f64())
}

/// Inner product of two rows; for use inside [`vectorize`].
#[inline(always)]
pub(super) fn row_dot<T: Scalar>(x: &[T], y: &[T]) -> f64 {
    let mut lanes = [0.0; LANES];
    let ((xs, x), (ys, y)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    for (x, y) in xs.iter().zip(ys) {
        for l in 0..LANES {
            lanes[l] += x[l].as_f64() * y[l].as_f64();
        }
    }
    for ((lane, x), y) in lanes.iter_mut().zip(x).zip(y) {
        *lane += x.as_f64() * y.as_f64();
    }
    add_lanes(lanes)
}

/// `Σ x` along a row: [`SHORT`] values in the element type, these blocks in `f64`; for use inside [`vectorize`].
///
/// A block errs by a few units of its terms, and a longer row by no more; widening every value to `f64` would cost twice the sums.
#[inline(always)]
pub(super) fn short_sum<T: Scalar>(x: &[T]) -> f64 {
    let mut total = 0.0;
    for block in x.chunks(SHORT) {
        let mut lanes = [T::zero(); LANES];
        let (chunks, rest) = block.as_chunks::<LANES>();
        for x in chunks {
            for l in 0..LANES {
                lanes[l] += x[l];
            }
        }
        for (lane, x) in lanes.iter_mut().zip(rest) {
            *lane += *x;
        }
        total += add_lanes(lanes).as_f64();
    }
    total
}

/// `Σ d` and `Σ d²` along a row with `d = x - centre`, as [`short_sum`].
#[inline(always)]
pub(super) fn short_moments<T: Scalar>(x: &[T], centre: T) -> (f64, f64) {
    let mut totals = (0.0, 0.0);
    for block in x.chunks(SHORT) {
        let (mut sums, mut squares) = ([T::zero(); LANES], [T::zero(); LANES]);
        let (chunks, rest) = block.as_chunks::<LANES>();
        for x in chunks {
            for l in 0..LANES {
                let d = x[l] - centre;
                sums[l] += d;
                squares[l] = d.fma(d, squares[l]);
            }
        }
        for ((sum, square), x) in sums.iter_mut().zip(&mut squares).zip(rest) {
            let d = *x - centre;
            *sum += d;
            *square = d.fma(d, *square);
        }
        totals.0 += add_lanes(sums).as_f64();
        totals.1 += add_lanes(squares).as_f64();
    }
    totals
}

/// `Σ x y` along rows, and `Σ x y z`, as [`short_sum`].
///
/// Without `y` that is `Σ x` and `Σ x z`.
#[inline(always)]
pub(super) fn short_dots<T: Scalar>(x: &[T], y: Option<&[T]>, z: &[T]) -> (f64, f64) {
    let mut totals = (0.0, 0.0);
    for (i, (x, z)) in x.chunks(SHORT).zip(z.chunks(SHORT)).enumerate() {
        let (mut sums, mut dots) = ([T::zero(); LANES], [T::zero(); LANES]);
        let ((xs, x), (zs, z)) = (x.as_chunks::<LANES>(), z.as_chunks::<LANES>());
        let mut add = |x: &[T], y: Option<&[T]>, z: &[T]| match y {
            Some(y) => {
                for ((((sum, dot), x), y), z) in sums.iter_mut().zip(&mut dots).zip(x).zip(y).zip(z) {
                    let d = *x * *y;
                    *sum += d;
                    *dot = d.fma(*z, *dot);
                }
            }
            None => {
                for (((sum, dot), x), z) in sums.iter_mut().zip(&mut dots).zip(x).zip(z) {
                    *sum += *x;
                    *dot = x.fma(*z, *dot);
                }
            }
        };
        let y = y.map(|y| &y[i * SHORT..]);
        for (j, (x, z)) in xs.iter().zip(zs).enumerate() {
            add(x, y.map(|y| &y[j * LANES..(j + 1) * LANES]), z);
        }
        add(x, y.map(|y| &y[xs.len() * LANES..]), z);
        totals.0 += add_lanes(sums).as_f64();
        totals.1 += add_lanes(dots).as_f64();
    }
    totals
}

/// Values that are summed in the element type: sixteen in each lane.
const SHORT: usize = 16 * LANES;

/// Largest value of a row, NaN left out, `-inf` if there is none; for use inside [`vectorize`].
#[inline(always)]
pub(super) fn row_max<T: Scalar>(x: &[T]) -> T {
    row_extreme(x, T::neg_infinity(), |m, v| if v > m { v } else { m })
}

/// `Σ term(x)` along a row, in lanes; for use inside [`vectorize`].
#[inline(always)]
pub(super) fn fold<T: Scalar>(x: &[T], term: impl Fn(T) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let (blocks, rest) = x.as_chunks::<LANES>();
    for block in blocks {
        for l in 0..LANES {
            lanes[l] += term(block[l]);
        }
    }
    for (lane, v) in lanes.iter_mut().zip(rest) {
        *lane += term(*v);
    }
    add_lanes(lanes)
}

#[inline(always)]
fn row_extreme<T: Scalar>(x: &[T], start: T, better: impl Fn(T, T) -> T) -> T {
    let mut lanes = [start; LANES];
    let (blocks, rest) = x.as_chunks::<LANES>();
    for block in blocks {
        for l in 0..LANES {
            lanes[l] = better(lanes[l], block[l]);
        }
    }
    let best = lanes.into_iter().fold(start, &better);
    rest.iter().fold(best, |m, v| better(m, *v))
}

/// The lanes together, pairwise.
#[inline(always)]
fn add_lanes<T: Scalar>(mut lanes: [T; LANES]) -> T {
    let mut width = LANES / 2;
    while width > 0 {
        for l in 0..width {
            lanes[l] += lanes[l + width];
        }
        width /= 2;
    }
    lanes[0]
}
