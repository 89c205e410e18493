//! AdamW: Adam with decay beside the rule.

use layerwise_tensor::Scalar;
use serde::{Deserialize, Serialize};

use super::{Adam, DecayStyle, RuleFn, RuleStep, State};
use crate::error::OptimError;

/// AdamW: [`Adam`] whose weight decay does not pass through the adaptive rate.
///
/// ```text
/// w *= 1 - rate * weight_decay
/// w -= Adam's step for the gradient without the penalty
/// ```
///
/// Defaults (PyTorch's): rate 1e-3, beta1 0.9, beta2 0.999, eps 1e-8, weight decay 1e-2. Where we differ from PyTorch: decay acts on
/// weights only unless [`DecayOn::All`](crate::DecayOn::All) is asked for.
///
/// Source: I. Loshchilov, F. Hutter, *Decoupled weight decay regularization*, arXiv 1711.05101 (2019). There the decay is multiplied by
/// the schedule only; here, as in PyTorch, by the rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AdamW(
    /// The rule that works on the decayed parameter.
    pub Adam,
);

impl AdamW {
    /// The same rule with these betas.
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self(self.0.betas(beta1, beta2))
    }

    /// The same rule with this eps.
    pub fn eps(self, eps: f64) -> Self {
        Self(self.0.eps(eps))
    }

    /// The same rule with AMSGrad.
    pub fn amsgrad(self) -> Self {
        Self(self.0.amsgrad())
    }
}

impl RuleFn for AdamW {
    const NAME: &'static str = "adamw";
    const RATE: f64 = 1e-3;
    const DECAY: f64 = 1e-2;
    const DECAY_STYLE: DecayStyle = DecayStyle::Decoupled;

    fn slots(&self) -> &'static [&'static str] {
        self.0.slots()
    }

    fn takes_momentum(&self) -> bool {
        self.0.takes_momentum()
    }

    fn check(&self) -> Result<(), OptimError> {
        self.0.check()
    }

    #[inline(always)]
    fn update<T: Scalar>(&self, step: &RuleStep, w: &mut [T], g: &[T], state: State<'_, T>) {
        self.0.update(step, w, g, state);
    }
}
