//! `y = ln x`.

use layerwise_tensor::{Scalar, math};

use crate::act::{Act, Needs, PointwiseFn};
use crate::graph::Graph;
use crate::var::Var;

impl<T: Scalar> Graph<'_, T> {
    /// `y = ln x` by element.
    ///
    /// Gradient: `dx = dy / x`.
    #[track_caller]
    pub fn log(&mut self, x: Var) -> Var {
        self.activate(x, Act::new(&Log, [0.0; 2]))
    }
}

struct Log;

impl PointwiseFn for Log {
    const NEEDS: Needs = Needs::Input;

    fn name() -> &'static str {
        "log"
    }

    #[inline(always)]
    fn f<T: Scalar>(_args: [T; 2], x: T) -> T {
        math::log(x)
    }

    #[inline(always)]
    fn df<T: Scalar>(_args: [T; 2], s: T) -> T {
        T::one() / s
    }
}
