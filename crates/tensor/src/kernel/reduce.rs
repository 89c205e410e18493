//! Sums and extremes in a fixed order.

use super::check::check;
use super::par::Par;
use super::reference;
use crate::mode::Accum;
use crate::scalar::Scalar;

/// Sum of `x`, in `f64` and in a fixed order.
pub fn sum<T: Scalar>(x: &[T]) -> f64 {
    reference::sum(x)
}

/// Sum of squares of `x`, in `f64` and in a fixed order.
pub fn sum_of_squares<T: Scalar>(x: &[T]) -> f64 {
    reference::sum_of_squares(x)
}

/// Inner product of `x` and `y`, in `f64` and in a fixed order.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn dot<T: Scalar>(x: &[T], y: &[T]) -> f64 {
    check("dot", "y", y.len(), 1, x.len());
    reference::dot(x, y)
}

/// Largest magnitude in `x`; 0 if it is empty, NaN if one is among its values.
pub fn max_abs<T: Scalar>(x: &[T]) -> f64 {
    reference::max_abs(x)
}

/// `out[j] = Σᵢ x[i, j]`: column sums, `x (rows, cols)`, `out (1, cols)`.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn sum_over_rows<T: Scalar>(rows: usize, cols: usize, x: &[T], accum: Accum, out: &mut [T], _par: Par) {
    check("sum_over_rows", "x", x.len(), rows, cols);
    check("sum_over_rows", "out", out.len(), 1, cols);
    reference::sum_over_rows(rows, cols, x, accum, out);
}

/// `out[i] = Σⱼ x[i, j]`: row sums, `x (rows, cols)`, `out (rows, 1)`.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn sum_over_cols<T: Scalar>(rows: usize, cols: usize, x: &[T], accum: Accum, out: &mut [T], _par: Par) {
    check("sum_over_cols", "x", x.len(), rows, cols);
    check("sum_over_cols", "out", out.len(), rows, 1);
    reference::sum_over_cols(rows, cols, x, accum, out);
}
