//! Softplus: `y = ln(1 + e^(beta x)) / beta`, and `y = x` where `beta x > threshold`; `dy/dx = s(beta x)` with the logistic `s`, or 1.
//!
//! C. Dugas, Y. Bengio, F. Bélisle, C. Nadeau and R. Garcia, "Incorporating second-order functional knowledge for better option
//! pricing", 2000. The step at the threshold, 2e-9 for the default 20, is PyTorch's.

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::{Scalar, math};

use super::entry::ActivationEntry;
use super::gain;
use crate::options::{ArgSpec, Domain};

#[derive(Debug)]
struct Softplus;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "softplus",
    doc: "y = ln(1 + e^(beta x)) / beta, and x where beta x > threshold",
    args: &[
        ArgSpec { name: "beta", default: 1.0, domain: Domain::Positive },
        ArgSpec { name: "threshold", default: 20.0, domain: Domain::NonNegative },
    ],
    function: &Softplus,
    kinks: |[beta, threshold]| vec![threshold / beta],
    gain: |args| gain::keeping_second_moment(&Softplus, args),
};

impl PointwiseFn for Softplus {
    const NEEDS: Needs = Needs::Input;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>([beta, threshold]: [T; 2], x: T) -> T {
        let soft = math::softplus(beta * x) / beta;
        if beta * x > threshold { x } else { soft }
    }

    #[inline(always)]
    fn df<T: Scalar>([beta, threshold]: [T; 2], x: T) -> T {
        let s = math::sigmoid(beta * x);
        if beta * x > threshold { T::one() } else { s }
    }

    #[inline(always)]
    fn d2f<T: Scalar>([beta, threshold]: [T; 2], x: T) -> T {
        let s = math::sigmoid(beta * x);
        if beta * x > threshold { T::zero() } else { beta * s * (T::one() - s) }
    }
}
