//! Swish with the logistic in three straight pieces: `y = x min(max(0, x + 3), 6) / 6`; `dy/dx = x / 3 + 1 / 2` for `-3 < x < 3`,
//! 0 below and 1 above.
//!
//! A. Howard et al., "Searching for MobileNetV3", 2019, arXiv:1905.02244.

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::Scalar;

use super::entry::ActivationEntry;
use super::gain;
use super::gelu::{not_above, not_below};

#[derive(Debug)]
struct Hardswish;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "hardswish",
    doc: "y = x min(max(0, x + 3), 6) / 6",
    args: &[],
    function: &Hardswish,
    kinks: |_| vec![-3.0, 3.0],
    gain: |args| gain::keeping_second_moment(&Hardswish, args),
};

impl PointwiseFn for Hardswish {
    const NEEDS: Needs = Needs::Input;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>(_: [T; 2], x: T) -> T {
        // Cut off below, so that minus infinity meets no zero.
        let x = not_below(x, -3.0);
        x * (not_above(x + T::of(3.0), 6.0) / T::of(6.0))
    }

    #[inline(always)]
    fn df<T: Scalar>(_: [T; 2], x: T) -> T {
        let inside = x / T::of(3.0) + T::of(0.5);
        let below = if x <= T::of(-3.0) { T::zero() } else { inside };
        if x >= T::of(3.0) { T::one() } else { below }
    }

    #[inline(always)]
    fn d2f<T: Scalar>(_: [T; 2], x: T) -> T {
        if x.abs() < T::of(3.0) { T::of(1.0 / 3.0) } else { T::zero() }
    }
}
