//! Soft thresholding: `y = 0` for `|x| <= lambda`, else `x` moved by `lambda` towards zero; `dy/dx = 0` or 1.
//! It is the proximal step of the penalty `lambda |x|`, and so gives sparse codes.
//!
//! D. L. Donoho, "De-noising by soft-thresholding", 1995.

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::Scalar;

use super::entry::ActivationEntry;
use super::gain;
use crate::options::{ArgSpec, Domain};

#[derive(Debug)]
struct Softshrink;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "softshrink",
    doc: "y = 0 for |x| <= lambda, else x - lambda sign(x)",
    args: &[ArgSpec { name: "lambda", default: 0.5, domain: Domain::NonNegative }],
    function: &Softshrink,
    kinks: |[lambda, _]| vec![-lambda, lambda],
    gain: |args| gain::keeping_second_moment(&Softshrink, args),
};

impl PointwiseFn for Softshrink {
    const NEEDS: Needs = Needs::Output;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>([lambda, _]: [T; 2], x: T) -> T {
        let moved = if x > T::zero() { x - lambda } else { x + lambda };
        if x.abs() <= lambda { T::zero() } else { moved }
    }

    #[inline(always)]
    fn df<T: Scalar>(_: [T; 2], y: T) -> T {
        // The difference of two different numbers is never rounded to zero, so the output tells the pieces apart.
        if y == T::zero() { T::zero() } else { T::one() }
    }

    #[inline(always)]
    fn d2f<T: Scalar>(_: [T; 2], _: T) -> T {
        T::zero()
    }
}
