//! AdaGrad.

use layerwise_tensor::Scalar;
use serde::{Deserialize, Serialize};

use super::{RuleFn, RuleStep, State};
use crate::error::{OptimError, require_not_negative};

/// AdaGrad: each component's rate falls with the squares of all its gradients so far.
///
/// ```text
/// a_t = a_{t-1} + g_t^2
/// w  -= rate * g_t / (sqrt(a_t) + eps)
/// ```
///
/// Defaults (PyTorch's): rate 1e-2, eps 1e-10, accumulator starting at 0.
///
/// Source: J. Duchi, E. Hazan, Y. Singer, *Adaptive subgradient methods* (2011), the diagonal form. PyTorch's `lr_decay` is not here:
/// a [`Schedule`](crate::Schedule) does it for every rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AdaGrad {
    /// Added to the root, against division by zero.
    pub eps: f64,
    /// What the accumulator holds before the first step.
    pub initial_accumulator: f64,
}

impl Default for AdaGrad {
    fn default() -> Self {
        Self { eps: 1e-10, initial_accumulator: 0.0 }
    }
}

impl AdaGrad {
    /// The same rule with this eps.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// The same rule with an accumulator that starts here.
    pub fn initial_accumulator(self, initial_accumulator: f64) -> Self {
        Self { initial_accumulator, ..self }
    }
}

impl RuleFn for AdaGrad {
    const NAME: &'static str = "adagrad";
    const RATE: f64 = 1e-2;

    fn slots(&self) -> &'static [&'static str] {
        &["sum"]
    }

    fn first_state(&self, _slot: usize) -> f64 {
        self.initial_accumulator
    }

    fn check(&self) -> Result<(), OptimError> {
        require_not_negative("eps", self.eps)?;
        require_not_negative("initial_accumulator", self.initial_accumulator)
    }

    #[inline(always)]
    fn update<T: Scalar>(&self, step: &RuleStep, w: &mut [T], g: &[T], [a, ..]: State<'_, T>) {
        let s = step.prepare::<T>();
        let eps = T::of(self.eps);
        for ((w, g), a) in w.iter_mut().zip(g).zip(a) {
            let g = s.gradient(*w, *g);
            *a += g * g;
            *w = s.decayed(*w) - s.rate * (g / (a.sqrt() + eps));
        }
    }
}
