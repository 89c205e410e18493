//! `y = e^x`.

use layerwise_tensor::{Scalar, math};

use crate::act::{Act, Needs, PointwiseFn};
use crate::graph::Graph;
use crate::var::Var;

impl<T: Scalar> Graph<'_, T> {
    /// `y = e^x` by element.
    ///
    /// Gradient: `dx = dy y`.
    #[track_caller]
    pub fn exp(&mut self, x: Var) -> Var {
        self.activate(x, Act::new(&Exp, [0.0; 2]))
    }
}

struct Exp;

impl PointwiseFn for Exp {
    const NEEDS: Needs = Needs::Output;

    fn name() -> &'static str {
        "exp"
    }

    #[inline(always)]
    fn f<T: Scalar>(_args: [T; 2], x: T) -> T {
        math::exp(x)
    }

    #[inline(always)]
    fn df<T: Scalar>(_args: [T; 2], s: T) -> T {
        s
    }
}
