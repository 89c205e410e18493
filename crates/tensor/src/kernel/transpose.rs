//! Transposition.

use super::check::check;
use crate::scalar::Scalar;

/// `y (cols, rows)` = the transpose of `x (rows, cols)`, block by block.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn transpose<T: Scalar>(rows: usize, cols: usize, x: &[T], y: &mut [T]) {
    check("transpose", "x", x.len(), rows, cols);
    check("transpose", "y", y.len(), rows, cols);
    for i in (0..rows).step_by(EDGE) {
        for j in (0..cols).step_by(EDGE) {
            for q in j..cols.min(j + EDGE) {
                for p in i..rows.min(i + EDGE) {
                    y[q * rows + p] = x[p * cols + q];
                }
            }
        }
    }
}

/// Edge of a block that stays in the innermost cache on both sides.
const EDGE: usize = 16;
