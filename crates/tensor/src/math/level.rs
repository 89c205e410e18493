//! Which vector instructions a loop is compiled for, decided at run time.

use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
use fearless_simd::{Avx2, Avx512, Level};

/// Runs `f` compiled for the widest vectors this processor has: AVX-512 (Ice Lake's set), AVX2 with FMA, or the target's baseline (NEON on aarch64).
///
/// `f` must be a closure marked `#[inline(always)]` with a plain loop over slices in it, and what it calls must be inlined too
/// (the functions of this module are): only code that ends up inside the copy made for a level is compiled for that level.
///
/// ```
/// use layerwise_tensor::math;
/// let mut x = [0.0f32, 1.0, 2.0];
/// math::vectorize(
///     #[inline(always)]
///     || {
///         for v in &mut x {
///             *v = math::exp(*v);
///         }
///     },
/// );
/// assert_eq!(x[0], 1.0);
/// ```
///
/// The results have the same bits at every level: the formulas are elementwise, and a fused multiply-add is exact everywhere.
/// Below the level of FMA (x86 before 2013) it is emulated, right but slow.
#[inline(always)]
pub fn vectorize<R>(f: impl FnOnce() -> R) -> R {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    {
        use fearless_simd::Simd as _;
        if let Some(avx512) = avx512() {
            return avx512.vectorize(f);
        }
        if let Some(avx2) = avx2() {
            return avx2.vectorize(f);
        }
    }
    f()
}

/// What [`vectorize`] and the products choose on this processor: `"avx512"`, `"avx2"`, `"neon"` or `"baseline"`.
pub fn cpu_level() -> &'static str {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    {
        if avx512().is_some() {
            return "avx512";
        }
        if avx2().is_some() {
            return "avx2";
        }
    }
    if cfg!(target_arch = "aarch64") { "neon" } else { "baseline" }
}

static NARROW: AtomicBool = AtomicBool::new(false);

/// From now on nothing in this process is wider than 256 bits: an AVX-512 processor executes what any with AVX2 does.
///
/// The default build gives the same bits at either width, so this changes the time alone; with it that need not be believed.
pub fn limit_to_avx2() {
    NARROW.store(true, Ordering::Relaxed);
}

/// AVX-512, where the processor has it and [`limit_to_avx2`] was not called.
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
#[inline(always)]
pub(crate) fn avx512() -> Option<Avx512> {
    Level::new().as_avx512().filter(|_| !NARROW.load(Ordering::Relaxed))
}

/// AVX2 with FMA, where the processor has it.
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
#[inline(always)]
pub(crate) fn avx2() -> Option<Avx2> {
    Level::new().as_avx2()
}
