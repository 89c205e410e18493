//! Which vector instructions a loop is compiled for, decided at run time.

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
use fearless_simd::{Level, Simd};

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
        let level = Level::new();
        if let Some(avx512) = level.as_avx512() {
            return avx512.vectorize(f);
        }
        if let Some(avx2) = level.as_avx2() {
            return avx2.vectorize(f);
        }
    }
    f()
}

/// What [`vectorize`] chooses on this processor: `"avx512"`, `"avx2"`, `"neon"` or `"baseline"`.
pub fn cpu_level() -> &'static str {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    {
        let level = Level::new();
        if level.as_avx512().is_some() {
            return "avx512";
        }
        if level.as_avx2().is_some() {
            return "avx2";
        }
    }
    if cfg!(target_arch = "aarch64") { "neon" } else { "baseline" }
}
