//! Rectified linear unit: `y = max(0, x)`; `dy/dx = 1` for `x > 0`, else 0, at zero itself too (PyTorch's convention).
//!
//! V. Nair and G. Hinton, "Rectified linear units improve restricted Boltzmann machines", 2010.

use std::f64::consts::SQRT_2;

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::Scalar;

use super::entry::ActivationEntry;

#[derive(Debug)]
struct Relu;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "relu",
    doc: "y = max(0, x)",
    args: &[],
    function: &Relu,
    kinks: |_| vec![0.0],
    gain: |_| SQRT_2,
};

impl PointwiseFn for Relu {
    const NEEDS: Needs = Needs::Output;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>(_: [T; 2], x: T) -> T {
        // Asked this way round, a NaN passes.
        if x <= T::zero() { T::zero() } else { x }
    }

    #[inline(always)]
    fn df<T: Scalar>(_: [T; 2], y: T) -> T {
        if y <= T::zero() { T::zero() } else { T::one() }
    }

    #[inline(always)]
    fn d2f<T: Scalar>(_: [T; 2], _: T) -> T {
        T::zero()
    }
}
