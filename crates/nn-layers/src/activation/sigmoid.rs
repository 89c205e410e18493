//! Logistic sigmoid: `y = 1 / (1 + e^-x)`, `dy/dx = y (1 - y)`.
//!
//! As the activation of neurons: H. R. Wilson and J. D. Cowan, 1972.

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::{Scalar, math};

use super::entry::ActivationEntry;

#[derive(Debug)]
struct Sigmoid;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "sigmoid",
    doc: "y = 1 / (1 + e^-x)",
    args: &[],
    function: &Sigmoid,
    kinks: |_| Vec::new(),
    gain: |_| 1.0,
};

impl PointwiseFn for Sigmoid {
    const NEEDS: Needs = Needs::Output;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>(_: [T; 2], x: T) -> T {
        math::sigmoid(x)
    }

    #[inline(always)]
    fn df<T: Scalar>(_: [T; 2], y: T) -> T {
        y * (T::one() - y)
    }

    #[inline(always)]
    fn d2f<T: Scalar>(_: [T; 2], y: T) -> T {
        y * (T::one() - y) * (T::one() - y - y)
    }
}
