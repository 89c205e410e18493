//! Lion.

use layerwise_tensor::Scalar;
use serde::{Deserialize, Serialize};

use super::{DecayStyle, RuleFn, RuleStep, State, sign};
use crate::error::{OptimError, require_fraction};

/// Lion: every component moves by the rate, in the direction of the sign of a mean of gradient and momentum.
///
/// ```text
/// w  = (1 - rate * weight_decay) * w - rate * sign(beta1 * m_{t-1} + (1 - beta1) * g_t)       (sign(0) = 0)
/// m_t = beta2 * m_{t-1} + (1 - beta2) * g_t
/// ```
///
/// Defaults (the authors'): rate 1e-4, beta1 0.9, beta2 0.99, weight decay 0, decoupled; they advise a third to a tenth of Adam's rate and
/// three to ten times its decay. One buffer of state. The sign makes the step blind to the scale of the gradient, so that of the penalties
/// and bounds that ride on the gradient only those count that change a sign: clipping by norm changes nothing but the momentum.
///
/// Source: X. Chen et al., *Symbolic discovery of optimization algorithms*, arXiv 2302.06675 (2023), program 1. PyTorch has no such rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Lion {
    /// Share of the momentum in the direction of the step, in `[0, 1)`.
    pub beta1: f64,
    /// Share of the momentum that is kept, in `[0, 1)`.
    pub beta2: f64,
}

impl Default for Lion {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.99 }
    }
}

impl Lion {
    /// The same rule with these betas.
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self { beta1, beta2, ..self }
    }
}

impl RuleFn for Lion {
    const NAME: &'static str = "lion";
    const RATE: f64 = 1e-4;
    const DECAY_STYLE: DecayStyle = DecayStyle::Decoupled;

    fn slots(&self) -> &'static [&'static str] {
        &["exp_avg"]
    }

    fn check(&self) -> Result<(), OptimError> {
        require_fraction("beta1", self.beta1)?;
        require_fraction("beta2", self.beta2)
    }

    #[inline(always)]
    fn update<T: Scalar>(&self, step: &RuleStep, w: &mut [T], g: &[T], [m, ..]: State<'_, T>) {
        let s = step.prepare::<T>();
        let (keep1, new1) = (T::of(self.beta1), T::of(1.0 - self.beta1));
        let (keep2, new2) = (T::of(self.beta2), T::of(1.0 - self.beta2));
        for ((w, g), m) in w.iter_mut().zip(g).zip(m) {
            let g = s.gradient(*w, *g);
            *w = s.decayed(*w) - s.rate * sign(keep1 * *m + new1 * g);
            *m = s.faded(keep2 * *m + new2 * g);
        }
    }
}
