//! Softsign: `y = x / (1 + |x|)`, `dy/dx = 1 / (1 + |x|)^2`: as tanh, but it approaches its limits slowly.
//!
//! D. L. Elliott, "A better activation function for artificial neural networks", 1993.

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::Scalar;

use super::entry::ActivationEntry;
use super::gain;
use super::gelu::{not_above, not_below};

/// Beyond this `y` is 1 in `f64` too; cutting off there keeps `infinity / infinity` out.
const FAR: f64 = 1e30;

#[derive(Debug)]
struct Softsign;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "softsign",
    doc: "y = x / (1 + |x|)",
    args: &[],
    function: &Softsign,
    // The second derivative jumps.
    kinks: |_| vec![0.0],
    gain: |args| gain::keeping_second_moment(&Softsign, args),
};

impl PointwiseFn for Softsign {
    const NEEDS: Needs = Needs::Input;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>(_: [T; 2], x: T) -> T {
        let x = not_above(not_below(x, -FAR), FAR);
        x / (T::one() + x.abs())
    }

    #[inline(always)]
    fn df<T: Scalar>(_: [T; 2], x: T) -> T {
        let r = T::one() / (T::one() + x.abs());
        r * r
    }

    #[inline(always)]
    fn d2f<T: Scalar>(_: [T; 2], x: T) -> T {
        let r = T::one() / (T::one() + x.abs());
        let below = T::of(2.0) * r * r * r;
        if x <= T::zero() { below } else { -below }
    }
}
