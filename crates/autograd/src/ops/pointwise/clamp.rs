//! `y = min(max(x, lo), hi)`.

use layerwise_tensor::Scalar;

use crate::act::{Act, Needs, PointwiseFn};
use crate::graph::Graph;
use crate::var::Var;

impl<T: Scalar> Graph<'_, T> {
    /// `y = min(max(x, lo), hi)` by element.
    ///
    /// Gradient: `dx = dy` where `lo <= x <= hi`, else 0 (PyTorch's).
    ///
    /// # Panics
    /// If `lo` is above `hi`.
    #[track_caller]
    pub fn clamp(&mut self, x: Var, lo: f64, hi: f64) -> Var {
        assert!(lo <= hi, "clamp: the lower bound {lo} is not below the upper bound {hi}");
        self.activate(x, Act::new(&Clamp, [lo, hi]))
    }
}

struct Clamp;

impl PointwiseFn for Clamp {
    const NEEDS: Needs = Needs::Input;

    fn name() -> &'static str {
        "clamp"
    }

    #[inline(always)]
    fn f<T: Scalar>(args: [T; 2], x: T) -> T {
        if x < args[0] {
            args[0]
        } else if x > args[1] {
            args[1]
        } else {
            x
        }
    }

    #[inline(always)]
    fn df<T: Scalar>(args: [T; 2], s: T) -> T {
        if s >= args[0] && s <= args[1] { T::one() } else { T::zero() }
    }
}
