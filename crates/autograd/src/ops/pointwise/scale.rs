//! `y = factor x`.

use layerwise_tensor::Scalar;

use crate::act::{Act, Needs, PointwiseFn};
use crate::graph::Graph;
use crate::var::Var;

impl<T: Scalar> Graph<'_, T> {
    /// `y = factor x` by element.
    ///
    /// Gradient: `dx = factor dy`.
    #[track_caller]
    pub fn scale(&mut self, x: Var, factor: f64) -> Var {
        self.activate(x, Act::new(&Scale, [factor, 0.0]))
    }

    /// `y = -x`.
    ///
    /// Gradient: `dx = -dy`.
    #[track_caller]
    pub fn neg(&mut self, x: Var) -> Var {
        self.scale(x, -1.0)
    }
}

struct Scale;

impl PointwiseFn for Scale {
    const NEEDS: Needs = Needs::Input;

    fn name() -> &'static str {
        "scale"
    }

    #[inline(always)]
    fn f<T: Scalar>(args: [T; 2], x: T) -> T {
        args[0] * x
    }

    #[inline(always)]
    fn df<T: Scalar>(args: [T; 2], _s: T) -> T {
        args[0]
    }
}
