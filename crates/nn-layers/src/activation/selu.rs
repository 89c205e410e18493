//! Scaled ELU: `y = scale * x` for `x > 0`, else `scale * alpha (e^x - 1)`; `dy/dx = scale` for `x > 0`, else `y + scale * alpha`.
//!
//! G. Klambauer, T. Unterthiner, A. Mayr and S. Hochreiter, "Self-normalizing neural networks", 2017, arXiv:1706.02515.
//! Its fixed point (mean 0, variance 1) asks for `lecun_normal` weights; the gain 3/4 is PyTorch's, found by experiment.

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::{Scalar, math};

use super::entry::ActivationEntry;

const ALPHA: f64 = 1.673_263_242_354_377_2;
const SCALE: f64 = 1.050_700_987_355_480_5;

#[derive(Debug)]
struct Selu;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "selu",
    doc: "y = scale * x for x > 0, else scale * alpha (e^x - 1), with scale = 1.0507... and alpha = 1.6733...",
    args: &[],
    function: &Selu,
    kinks: |_| vec![0.0],
    gain: |_| 0.75,
};

impl PointwiseFn for Selu {
    const NEEDS: Needs = Needs::Output;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>(_: [T; 2], x: T) -> T {
        let below = if x < T::zero() { x } else { T::zero() };
        let below = T::of(SCALE * ALPHA) * math::exp_m1(below);
        if x <= T::zero() { below } else { T::of(SCALE) * x }
    }

    #[inline(always)]
    fn df<T: Scalar>(_: [T; 2], y: T) -> T {
        if y <= T::zero() { y + T::of(SCALE * ALPHA) } else { T::of(SCALE) }
    }

    #[inline(always)]
    fn d2f<T: Scalar>(_: [T; 2], y: T) -> T {
        if y <= T::zero() { y + T::of(SCALE * ALPHA) } else { T::zero() }
    }
}
