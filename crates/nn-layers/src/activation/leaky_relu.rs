//! Leaky rectified linear unit: `y = x` for `x > 0`, else `slope * x`; `dy/dx = 1` or `slope` (at zero: `slope`, as PyTorch).
//!
//! A. Maas, A. Hannun and A. Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.
//! The default slope 0.01 is PyTorch's; Keras has 0.2 and 0.3.

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::Scalar;

use super::entry::ActivationEntry;
use crate::options::{ArgSpec, Domain};

#[derive(Debug)]
struct LeakyRelu;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "leaky_relu",
    doc: "y = x for x > 0, else slope * x",
    // A slope above zero keeps the sign of x in y, so that the output alone gives the derivative.
    args: &[ArgSpec { name: "slope", default: 0.01, domain: Domain::Positive }],
    function: &LeakyRelu,
    kinks: |_| vec![0.0],
    gain: |[slope, _]| (2.0 / (1.0 + slope * slope)).sqrt(),
};

impl PointwiseFn for LeakyRelu {
    const NEEDS: Needs = Needs::Output;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>([slope, _]: [T; 2], x: T) -> T {
        if x > T::zero() { x } else { slope * x }
    }

    #[inline(always)]
    fn df<T: Scalar>([slope, _]: [T; 2], y: T) -> T {
        if y > T::zero() { T::one() } else { slope }
    }

    #[inline(always)]
    fn d2f<T: Scalar>(_: [T; 2], _: T) -> T {
        T::zero()
    }
}
