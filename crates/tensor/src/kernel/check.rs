//! Lengths are the caller's promise; here they are checked, once per kernel.

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
