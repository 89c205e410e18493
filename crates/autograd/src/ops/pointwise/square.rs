//! `y = x^2`.

use layerwise_tensor::Scalar;

use crate::act::{Act, Needs, PointwiseFn};
use crate::graph::Graph;
use crate::var::Var;

impl<T: Scalar> Graph<'_, T> {
    /// `y = x^2` by element.
    ///
    /// Gradient: `dx = 2 dy x`.
    #[track_caller]
    pub fn square(&mut self, x: Var) -> Var {
        self.activate(x, Act::new(&Square, [0.0; 2]))
    }
}

struct Square;

impl PointwiseFn for Square {
    const NEEDS: Needs = Needs::Input;

    fn name() -> &'static str {
        "square"
    }

    #[inline(always)]
    fn f<T: Scalar>(_args: [T; 2], x: T) -> T {
        x * x
    }

    #[inline(always)]
    fn df<T: Scalar>(_args: [T; 2], s: T) -> T {
        s + s
    }
}
