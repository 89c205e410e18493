//! What every kernel does: check the lengths it was promised, and put a result in its place.

use crate::mode::Accum;
use crate::scalar::Scalar;

/// Panics unless the buffer `name` of `op` holds `rows * cols` values.
#[track_caller]
#[inline]
pub(super) fn check(op: &str, name: &str, len: usize, rows: usize, cols: usize) {
    if rows.checked_mul(cols) != Some(len) {
        wrong(op, name, len, rows, cols);
    }
}

/// As [`check`], for a row vector that may be left out.
#[track_caller]
#[inline]
pub(super) fn check_row<T>(op: &str, name: &str, row: Option<&[T]>, cols: usize) {
    if let Some(row) = row {
        check(op, name, row.len(), 1, cols);
    }
}

#[cold]
#[track_caller]
fn wrong(op: &str, name: &str, len: usize, rows: usize, cols: usize) -> ! {
    panic!("{op}: `{name}` holds {len} values where {rows} rows of {cols} are wanted");
}

/// Replaces or adds to one value; in a loop the compiler takes the choice outside.
#[inline(always)]
pub(super) fn put<T: Scalar>(place: &mut T, accum: Accum, value: T) {
    *place = match accum {
        Accum::Replace => value,
        Accum::Add => *place + value,
    };
}
