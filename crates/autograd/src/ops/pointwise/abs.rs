//! `y = |x|`.

use layerwise_tensor::Scalar;

use crate::act::{Act, Needs, PointwiseFn};
use crate::graph::Graph;
use crate::var::Var;

impl<T: Scalar> Graph<'_, T> {
    /// `y = |x|` by element.
    ///
    /// Gradient: `dx = dy sign(x)`, 0 at 0.
    #[track_caller]
    pub fn abs(&mut self, x: Var) -> Var {
        self.activate(x, Act::new(&Abs, [0.0; 2]))
    }
}

struct Abs;

impl PointwiseFn for Abs {
    const NEEDS: Needs = Needs::Input;

    fn name() -> &'static str {
        "abs"
    }

    #[inline(always)]
    fn f<T: Scalar>(_args: [T; 2], x: T) -> T {
        x.abs()
    }

    #[inline(always)]
    fn df<T: Scalar>(_args: [T; 2], s: T) -> T {
        if s > T::zero() {
            T::one()
        } else if s < T::zero() {
            -T::one()
        } else {
            T::zero()
        }
    }
}
