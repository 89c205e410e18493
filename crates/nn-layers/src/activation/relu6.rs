//! Rectified linear unit with a ceiling: `y = min(max(0, x), 6)`; `dy/dx = 1` for `0 < x < 6`, else 0 (also at the ends, as PyTorch).
//!
//! A. Krizhevsky, "Convolutional deep belief networks on CIFAR-10", 2010.

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::Scalar;

use super::entry::ActivationEntry;
use super::gain;
use super::gelu::{not_above, not_below};

const CEILING: f64 = 6.0;

#[derive(Debug)]
struct Relu6;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "relu6",
    doc: "y = min(max(0, x), 6)",
    args: &[],
    function: &Relu6,
    kinks: |_| vec![0.0, CEILING],
    gain: |args| gain::keeping_second_moment(&Relu6, args),
};

impl PointwiseFn for Relu6 {
    const NEEDS: Needs = Needs::Output;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>(_: [T; 2], x: T) -> T {
        not_above(not_below(x, 0.0), CEILING)
    }

    #[inline(always)]
    fn df<T: Scalar>(_: [T; 2], y: T) -> T {
        let above = if y > T::zero() { T::one() } else { T::zero() };
        if y < T::of(CEILING) { above } else { T::zero() }
    }

    #[inline(always)]
    fn d2f<T: Scalar>(_: [T; 2], _: T) -> T {
        T::zero()
    }
}
