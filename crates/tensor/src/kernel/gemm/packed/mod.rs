//! Products of our own, in registers, panels and strips (the scheme of K. Goto and R. van de Geijn, "Anatomy of high-performance matrix
//! multiplication", 2008), for AVX-512, AVX2 and NEON.
//!
//! Every value of the result is one chain of fused multiply-adds in the order of `k`, cut into chunks whose number and edges follow from
//! `k` alone; the chunks' sums are added in order. So its bits depend neither on `m`, `n`, the blocks, the threads nor the width of the
//! vectors: a row alone gives what it gives in a batch, and AVX2 what AVX-512 gives. Where we differ from the scheme of the paper:
//! - `B` is packed while the first tile of a panel passes over it, at the price of the stores alone;
//! - `A` is read in place unless its rows lie far apart;
//! - for `A Bᵀ` with few rows the transposed result is computed, since then it is the small factor that is transposed, not the large one.

mod ahead;
mod lanes;
mod memory;
mod row;
mod tile;
mod transpose;
mod walk;

use fearless_simd::Simd;

use super::{Block, matrixmultiply};
use lanes::Lanes;
use memory::with_memory;

/// Whether this processor has vectors these products are written for.
pub(super) fn supported() -> bool {
    matches!(crate::math::cpu_level(), "avx512" | "avx2" | "neon")
}

/// # Safety
/// As [`super::Product::product`].
pub(super) unsafe fn sgemm(b: &Block<f32>) {
    // SAFETY: the caller's promise.
    unsafe {
        if !dispatch(b) {
            matrixmultiply::sgemm(b);
        }
    }
}

/// # Safety
/// As [`super::Product::product`].
pub(super) unsafe fn dgemm(b: &Block<f64>) {
    // SAFETY: the caller's promise.
    unsafe {
        if !dispatch(b) {
            matrixmultiply::dgemm(b);
        }
    }
}

#[cfg(target_arch = "x86_64")]
unsafe fn dispatch<T: Lanes<fearless_simd::Avx512> + Lanes<fearless_simd::Avx2>>(b: &Block<T>) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(s) = crate::math::avx512() {
            at(s, b);
        } else if let Some(s) = crate::math::avx2() {
            at(s, b);
        } else {
            return false;
        }
    }
    true
}

#[cfg(target_arch = "aarch64")]
unsafe fn dispatch<T: Lanes<fearless_simd::Neon>>(b: &Block<T>) -> bool {
    let Some(s) = fearless_simd::Level::new().as_neon() else { return false };
    // SAFETY: the caller's promise.
    unsafe { at(s, b) };
    true
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
unsafe fn dispatch<T>(_: &Block<T>) -> bool {
    false
}

/// # Safety
/// As [`super::Product::product`].
unsafe fn at<S: Simd, T: Lanes<S>>(s: S, b: &Block<T>) {
    with_memory(|places| {
        s.vectorize(
            #[inline(always)]
            // SAFETY: the caller's promise.
            || unsafe { walk::product(s, b, places) },
        )
    });
}
