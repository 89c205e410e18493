//! What the tangent takes away: `y = x - tanh x`, `dy/dx = tanh^2 x`.
//!
//! Near zero by its Taylor series, since the difference would lose its digits there: PyTorch gives 0 for 1e-8, we 3.3e-25.

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::{Scalar, math};

use super::entry::ActivationEntry;
use super::gain;

/// Below this the series is exact to the last digits of `f64`.
const NEAR: f64 = 0.1;

/// The coefficients of `x^3`, `x^5`, .. in `x - tanh x`.
const SERIES: [f64; 7] = [
    1.0 / 3.0,
    -2.0 / 15.0,
    17.0 / 315.0,
    -62.0 / 2835.0,
    1382.0 / 155_925.0,
    -21_844.0 / 6_081_075.0,
    929_569.0 / 638_512_875.0,
];

#[derive(Debug)]
struct Tanhshrink;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "tanhshrink",
    doc: "y = x - tanh x",
    args: &[],
    function: &Tanhshrink,
    kinks: |_| Vec::new(),
    gain: |args| gain::keeping_second_moment(&Tanhshrink, args),
};

impl PointwiseFn for Tanhshrink {
    const NEEDS: Needs = Needs::Input;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>(_: [T; 2], x: T) -> T {
        let square = x * x;
        let mut series = T::zero();
        for c in SERIES.iter().rev() {
            series = series * square + T::of(*c);
        }
        let far = x - math::tanh(x);
        if x.abs() < T::of(NEAR) { x * square * series } else { far }
    }

    #[inline(always)]
    fn df<T: Scalar>(_: [T; 2], x: T) -> T {
        let t = math::tanh(x);
        t * t
    }

    #[inline(always)]
    fn d2f<T: Scalar>(_: [T; 2], x: T) -> T {
        let t = math::tanh(x);
        T::of(2.0) * t * (T::one() - t * t)
    }
}
