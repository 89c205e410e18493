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

/// Sum of squares of `x`, in a fixed order: parts that depend on the length alone, each summed by short blocks whose totals are `f64`.
pub fn sum_of_squares<T: Scalar>(x: &[T], par: Par) -> f64 {
    let chunks = x.len().div_ceil(TILE_VALUES);
    let count = chunks.clamp(1, PARTS);
    let edge = |part: usize| x.len().min(chunks * part / count * TILE_VALUES);
    let mut parts = [0.0; PARTS];
    run(0..count, 1, par.splits(x.len()), &mut parts[..count], &|range, out: &mut [f64]| {
        for (out, part) in out.iter_mut().zip(range) {
            let x = &x[edge(part)..edge(part + 1)];
            *out = vectorize(
                #[inline(always)]
                || short_squares::<T, WIDE>(x),
            );
            // Squares that the element type cannot hold, or not with all their bits.
            if !out.is_finite() || *out < LEAST_SQUARE {
                *out = vectorize(
                    #[inline(always)]
                    || fold(x, |v| v.as_f64() * v.as_f64()),
                );
            }
        }
    });
    parts[..count].iter().sum()
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
pub(super) const LANES: usize = 16;

/// Parts of a sum at most.
const PARTS: usize = 64;

/// Below it a sum of squares may have lost some of its terms to the limits of `f32`.
const LEAST_SQUARE: f64 = 1e-24;

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

/// `Σ x` along a row in `W` lanes, a multiple of [`LANES`]: [`SHORT`] values of a lane in the element type, these blocks in `f64`; for use
/// inside [`vectorize`].
///
/// A block errs by a few units of its terms, and a longer row by no more; widening every value to `f64` would cost twice the sums.
#[inline(always)]
pub(super) fn short_sum<T: Scalar, const W: usize>(x: &[T]) -> f64 {
    let mut total = 0.0;
    for block in x.chunks(SHORT * W) {
        let mut lanes = [T::zero(); W];
        let (chunks, rest) = block.as_chunks::<W>();
        for x in chunks {
            for l in 0..W {
                lanes[l] += x[l];
            }
        }
        for (lane, x) in lanes.iter_mut().zip(rest) {
            *lane += *x;
        }
        total += add_wide(&lanes);
    }
    total
}

/// `Σ x²` along a row, as [`short_sum`].
#[inline(always)]
pub(super) fn short_squares<T: Scalar, const W: usize>(x: &[T]) -> f64 {
    let mut total = 0.0;
    for block in x.chunks(SHORT * W) {
        let mut lanes = [T::zero(); W];
        let (chunks, rest) = block.as_chunks::<W>();
        for x in chunks {
            for l in 0..W {
                lanes[l] = x[l].fma(x[l], lanes[l]);
            }
        }
        for (lane, x) in lanes.iter_mut().zip(rest) {
            *lane = x.fma(*x, *lane);
        }
        total += add_wide(&lanes);
    }
    total
}

/// `Σ d` and `Σ d e` along rows of one length, with `(d, e) = pair(values at one place)`, as [`short_sum`].
#[inline(always)]
pub(super) fn short_pairs<T: Scalar, const W: usize, const M: usize>(
    rows: [&[T]; M],
    pair: impl Fn([T; M]) -> (T, T),
) -> (f64, f64) {
    let mut totals = (0.0, 0.0);
    let len = rows[0].len();
    for start in (0..len).step_by(SHORT * W) {
        let end = len.min(start + SHORT * W);
        let blocks = rows.map(|row| row[start..end].as_chunks::<W>());
        let (mut sums, mut dots) = ([T::zero(); W], [T::zero(); W]);
        for i in 0..(end - start) / W {
            let chunk = blocks.map(|(chunks, _)| &chunks[i]);
            for l in 0..W {
                let (d, e) = pair(chunk.map(|x| x[l]));
                sums[l] += d;
                dots[l] = d.fma(e, dots[l]);
            }
        }
        for l in 0..(end - start) % W {
            let (d, e) = pair(blocks.map(|(_, rest)| rest[l]));
            sums[l] += d;
            dots[l] = d.fma(e, dots[l]);
        }
        totals.0 += add_wide(&sums);
        totals.1 += add_wide(&dots);
    }
    totals
}

/// Lanes for long rows: four of the widest vectors, so that one addition does not wait for the other. Short ones take [`LANES`].
pub(super) const WIDE: usize = 4 * LANES;

/// Values of a lane that are summed in the element type.
const SHORT: usize = 16;

/// The lanes together, pairwise.
#[inline(always)]
fn add_wide<T: Scalar, const W: usize>(lanes: &[T; W]) -> f64 {
    let mut narrow = [T::zero(); LANES];
    for wide in lanes.as_chunks::<LANES>().0 {
        for l in 0..LANES {
            narrow[l] += wide[l];
        }
    }
    add_lanes(narrow).as_f64()
}

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
