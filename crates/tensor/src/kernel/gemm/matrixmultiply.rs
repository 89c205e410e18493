//! The backend for processors our own products are not written for: matrixmultiply, which allocates a packing buffer at each call.

use super::Block;

/// # Safety
/// As [`super::Product::product`].
pub(super) unsafe fn sgemm(b: &Block<f32>) {
    let (((ar, ac), (br, bc)), beta) = (strides(b), if b.add { 1.0 } else { 0.0 });
    // SAFETY: by the caller's promise pointers, sizes and strides describe matrices that are alive and `C` is ours alone.
    unsafe { ::matrixmultiply::sgemm(b.m, b.k, b.n, 1.0, b.a, ar, ac, b.b, br, bc, beta, b.c, b.ldc as isize, 1) }
}

/// # Safety
/// As [`super::Product::product`].
pub(super) unsafe fn dgemm(b: &Block<f64>) {
    let (((ar, ac), (br, bc)), beta) = (strides(b), if b.add { 1.0 } else { 0.0 });
    // SAFETY: by the caller's promise pointers, sizes and strides describe matrices that are alive and `C` is ours alone.
    unsafe { ::matrixmultiply::dgemm(b.m, b.k, b.n, 1.0, b.a, ar, ac, b.b, br, bc, beta, b.c, b.ldc as isize, 1) }
}

/// Strides between rows and columns of the two factors.
fn strides<T: Copy>(b: &Block<T>) -> ((isize, isize), (isize, isize)) {
    let signed = |(rows, cols): (usize, usize)| (rows as isize, cols as isize);
    (signed(b.a_strides()), signed(b.b_strides()))
}
