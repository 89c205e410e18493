//! `y = x^(1/2)`.

use layerwise_tensor::Scalar;

use crate::act::{Act, Needs, PointwiseFn};
use crate::graph::Graph;
use crate::var::Var;

impl<T: Scalar> Graph<'_, T> {
    /// `y = x^(1/2)` by element.
    ///
    /// Gradient: `dx = dy / (2 y)`.
    #[track_caller]
    pub fn sqrt(&mut self, x: Var) -> Var {
        self.activate(x, Act::new(&Sqrt, [0.0; 2]))
    }
}

struct Sqrt;

impl PointwiseFn for Sqrt {
    const NEEDS: Needs = Needs::Output;

    fn name() -> &'static str {
        "sqrt"
    }

    #[inline(always)]
    fn f<T: Scalar>(_args: [T; 2], x: T) -> T {
        x.sqrt()
    }

    #[inline(always)]
    fn df<T: Scalar>(_args: [T; 2], s: T) -> T {
        T::of(0.5) / s
    }
}
