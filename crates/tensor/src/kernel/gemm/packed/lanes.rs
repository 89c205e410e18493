//! Vectors of an element type at a level of instructions, whole and in part.

use fearless_simd::{Simd, SimdBase, SimdFloat, SimdFloatElement};

/// An element type with its vectors at level `S`.
pub(super) trait Lanes<S: Simd>: SimdFloatElement + Send + Sync + 'static {
    /// A vector as wide as the level has.
    type V: SimdFloat<S, Element = Self>;

    /// Rows of the highest tile: as many as leave room in the registers for two vectors a row.
    const ROWS: usize;

    /// The first `n` lanes from `p`, zero in the others.
    ///
    /// # Safety
    /// `n` is at most the number of lanes, and `p` points to `n` values.
    unsafe fn load_part(s: S, p: *const Self, n: usize) -> Self::V;

    /// Writes the first `n` lanes to `p`.
    ///
    /// # Safety
    /// As [`Lanes::load_part`], for writing.
    unsafe fn store_part(v: Self::V, p: *mut Self, n: usize);

    /// Asks for the line at `p`, which need not exist, to be brought near.
    #[inline(always)]
    fn prefetch(p: *const Self) {
        hint::<false>(p.cast());
    }

    /// As [`Lanes::prefetch`], into the second cache.
    #[inline(always)]
    fn prefetch_far(p: *const Self) {
        hint::<true>(p.cast());
    }
}

/// Asks for a line, near or into the second cache. On other architectures the hint has no stable spelling.
#[inline(always)]
fn hint<const FAR: bool>(p: *const i8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};
        // SAFETY: a hint reads nothing and cannot fault.
        unsafe { if FAR { _mm_prefetch(p, _MM_HINT_T1) } else { _mm_prefetch(p, _MM_HINT_T0) } }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = p;
}

/// A whole vector from `p`.
///
/// # Safety
/// `p` points to as many values as the vector has lanes.
#[inline(always)]
pub(super) unsafe fn load<S: Simd, T: Lanes<S>>(s: S, p: *const T) -> T::V {
    // SAFETY: the caller's promise.
    unsafe { T::V::from_slice(s, std::slice::from_raw_parts(p, T::V::LEN)) }
}

/// Writes a whole vector to `p`.
///
/// # Safety
/// As [`load`], for writing.
#[inline(always)]
pub(super) unsafe fn store<S: Simd, T: Lanes<S>>(v: T::V, p: *mut T) {
    // SAFETY: the caller's promise.
    unsafe { v.store_slice(std::slice::from_raw_parts_mut(p, T::V::LEN)) }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use fearless_simd::{Avx2, Avx512, Simd, SimdFrom};

    use super::Lanes;

    macro_rules! avx512 {
        ($t:ty, $v:ident, $mask:ty, $load:ident, $store:ident) => {
            impl Lanes<Avx512> for $t {
                type V = <Avx512 as Simd>::$v;

                const ROWS: usize = 12;

                #[inline(always)]
                unsafe fn load_part(s: Avx512, p: *const $t, n: usize) -> Self::V {
                    // SAFETY: lanes beyond the mask are not read; the token proves that the instruction exists.
                    unsafe { Self::V::simd_from(s, $load(((1u32 << n) - 1) as $mask, p)) }
                }

                #[inline(always)]
                unsafe fn store_part(v: Self::V, p: *mut $t, n: usize) {
                    // SAFETY: lanes beyond the mask are not written; a vector of this level proves that the instruction exists.
                    unsafe { $store(p, ((1u32 << n) - 1) as $mask, v.into()) }
                }
            }
        };
    }
    avx512!(f32, f32s, __mmask16, _mm512_maskz_loadu_ps, _mm512_mask_storeu_ps);
    avx512!(f64, f64s, __mmask8, _mm512_maskz_loadu_pd, _mm512_mask_storeu_pd);

    macro_rules! avx2 {
        ($t:ty, $v:ident, $int:ty, $lanes:literal, $load:ident, $store:ident) => {
            impl Lanes<Avx2> for $t {
                type V = <Avx2 as Simd>::$v;

                const ROWS: usize = 6;

                #[inline(always)]
                unsafe fn load_part(s: Avx2, p: *const $t, n: usize) -> Self::V {
                    // SAFETY: lanes without their bit in the mask are not read; the token proves that the instruction exists.
                    unsafe { Self::V::simd_from(s, $load(p, mask::<$int, $lanes>(n))) }
                }

                #[inline(always)]
                unsafe fn store_part(v: Self::V, p: *mut $t, n: usize) {
                    // SAFETY: lanes without their bit in the mask are not written; a vector of this level proves the instruction.
                    unsafe { $store(p, mask::<$int, $lanes>(n), v.into()) }
                }
            }
        };
    }
    avx2!(f32, f32s, i32, 8, _mm256_maskload_ps, _mm256_maskstore_ps);
    avx2!(f64, f64s, i64, 4, _mm256_maskload_pd, _mm256_maskstore_pd);

    /// `n` lanes set, the others not.
    ///
    /// # Safety
    /// The processor has AVX, and `LANES` integers fill 32 bytes.
    #[inline(always)]
    unsafe fn mask<I: From<i32>, const LANES: usize>(n: usize) -> __m256i {
        let lanes: [I; LANES] = std::array::from_fn(|i| I::from(-i32::from(i < n)));
        // SAFETY: the caller's promise.
        unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) }
    }
}

#[cfg(target_arch = "aarch64")]
mod neon {
    use fearless_simd::{Neon, Simd, SimdBase};

    use super::Lanes;

    macro_rules! neon {
        ($t:ty, $v:ident) => {
            impl Lanes<Neon> for $t {
                type V = <Neon as Simd>::$v;

                const ROWS: usize = 12;

                #[inline(always)]
                unsafe fn load_part(s: Neon, p: *const $t, n: usize) -> Self::V {
                    let mut lanes = [0.0; Self::V::LEN];
                    // SAFETY: the caller's promise.
                    unsafe { std::ptr::copy_nonoverlapping(p, lanes.as_mut_ptr(), n) };
                    Self::V::from_slice(s, &lanes)
                }

                #[inline(always)]
                unsafe fn store_part(v: Self::V, p: *mut $t, n: usize) {
                    let mut lanes = [0.0; Self::V::LEN];
                    v.store_slice(&mut lanes);
                    // SAFETY: the caller's promise.
                    unsafe { std::ptr::copy_nonoverlapping(lanes.as_ptr(), p, n) };
                }
            }
        };
    }
    neon!(f32, f32s);
    neon!(f64, f64s);
}
