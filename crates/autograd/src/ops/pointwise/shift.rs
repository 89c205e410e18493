//! `y = x + offset`.

use layerwise_tensor::Scalar;

use crate::act::{Act, Needs, PointwiseFn};
use crate::graph::Graph;
use crate::var::Var;

impl<T: Scalar> Graph<'_, T> {
    /// `y = x + offset` by element.
    ///
    /// Gradient: `dx = dy`.
    #[track_caller]
    pub fn shift(&mut self, x: Var, offset: f64) -> Var {
        self.activate(x, Act::new(&Shift, [offset, 0.0]))
    }
}

struct Shift;

impl PointwiseFn for Shift {
    const NEEDS: Needs = Needs::Input;

    fn name() -> &'static str {
        "shift"
    }

    #[inline(always)]
    fn f<T: Scalar>(args: [T; 2], x: T) -> T {
        x + args[0]
    }

    #[inline(always)]
    fn df<T: Scalar>(_args: [T; 2], _s: T) -> T {
        T::one()
    }
}
