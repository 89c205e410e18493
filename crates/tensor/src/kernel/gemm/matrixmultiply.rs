//! The backend in pure Rust.

use super::{Block, Form};

/// # Safety
/// As [`super::Product::product`].
pub(super) unsafe fn sgemm(b: &Block<f32>) {
    let ((ar, ac), (br, bc)) = strides(b);
    // SAFETY: by the caller's promise pointers, sizes and strides describe matrices that are alive and `C` is ours alone.
    unsafe { ::matrixmultiply::sgemm(b.m, b.k, b.n, 1.0, b.a, ar, ac, b.b, br, bc, b.beta, b.c, b.ldc as isize, 1) }
}

/// # Safety
/// As [`super::Product::product`].
pub(super) unsafe fn dgemm(b: &Block<f64>) {
    let ((ar, ac), (br, bc)) = strides(b);
    // SAFETY: by the caller's promise pointers, sizes and strides describe matrices that are alive and `C` is ours alone.
    unsafe { ::matrixmultiply::dgemm(b.m, b.k, b.n, 1.0, b.a, ar, ac, b.b, br, bc, b.beta, b.c, b.ldc as isize, 1) }
}

/// Strides between rows and columns of the two factors.
fn strides<T>(b: &Block<T>) -> ((isize, isize), (isize, isize)) {
    let (lda, ldb) = (b.lda as isize, b.ldb as isize);
    (if b.form == Form::Tn { (1, lda) } else { (lda, 1) }, if b.form == Form::Nt { (1, ldb) } else { (ldb, 1) })
}
