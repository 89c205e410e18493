//! Weighted means of parameters, value by value.

use layerwise_tensor::kernel::{Par, for_chunks_mut};
use layerwise_tensor::{Layout, Scalar, math};

/// `mean += share * (w - mean)`, in parallel; with a share of 1 exactly `w`.
pub(crate) fn blend<T: Scalar>(mean: &mut [T], w: &[T], share: f64) {
    let (take, keep) = (T::of(share), T::of(1.0 - share));
    for_chunks_mut(Par::Auto, w.len(), (mean, w), |_, (mean, w)| {
        math::vectorize(
            #[inline(always)]
            || {
                // From the nearer end, so that neither end is missed by a rounding.
                for (mean, w) in mean.iter_mut().zip(w) {
                    let apart = *w - *mean;
                    *mean = if share < 0.5 { *mean + take * apart } else { *w - keep * apart };
                }
            },
        );
    });
}

/// # Panics
/// If the layouts differ.
#[track_caller]
pub(crate) fn require_layout(what: &str, own: &Layout, given: &Layout) {
    let same = std::ptr::eq(own, given) || own.same_shape(given);
    assert!(same, "{what}: these parameters belong to another model than the one it was made for");
}
