//! Adamax.

use layerwise_tensor::Scalar;
use serde::{Deserialize, Serialize};

use super::{RuleFn, RuleStep, State};
use crate::error::{OptimError, require_fraction, require_not_negative};

/// Adamax: [`Adam`](super::Adam) with the largest gradient of late, slowly forgotten, in place of the root mean square.
///
/// ```text
/// m_t = m_{t-1} + (1 - beta1) * (g_t - m_{t-1})
/// u_t = max(beta2 * u_{t-1}, |g_t| + eps)
/// w  -= rate / (1 - beta1^t) * m_t / u_t
/// ```
///
/// Defaults (PyTorch's): rate 2e-3, beta1 0.9, beta2 0.999, eps 1e-8. Weight decay is coupled.
///
/// Source: D. P. Kingma, J. Ba, *Adam: a method for stochastic optimization*, arXiv 1412.6980 (2015), section 7.1; the eps is PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Adamax {
    /// Share of the mean of the gradient that is kept, in `[0, 1)`.
    pub beta1: f64,
    /// What the largest gradient is multiplied by at each step, in `[0, 1)`.
    pub beta2: f64,
    /// Added to the size of the gradient, against division by zero.
    pub eps: f64,
}

impl Default for Adamax {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8 }
    }
}

impl Adamax {
    /// The same rule with these betas.
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self { beta1, beta2, ..self }
    }

    /// The same rule with this eps.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }
}

impl RuleFn for Adamax {
    const NAME: &'static str = "adamax";
    const RATE: f64 = 2e-3;

    fn slots(&self) -> &'static [&'static str] {
        &["exp_avg", "exp_inf"]
    }

    fn takes_momentum(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), OptimError> {
        require_fraction("beta1", self.beta1)?;
        require_fraction("beta2", self.beta2)?;
        require_not_negative("eps", self.eps)
    }

    #[inline(always)]
    fn update<T: Scalar>(&self, step: &RuleStep, w: &mut [T], g: &[T], [m, u, _]: State<'_, T>) {
        let s = step.prepare::<T>();
        let beta1 = step.momentum.unwrap_or(self.beta1);
        let rate = T::of(step.rate / (1.0 - beta1.powf(step.t as f64)));
        let (new1, keep2, eps) = (T::of(1.0 - beta1), T::of(self.beta2), T::of(self.eps));
        for (((w, g), m), u) in w.iter_mut().zip(g).zip(m).zip(u) {
            let g = s.gradient(*w, *g);
            let (faded, now) = (s.held(keep2 * *u), g.abs() + eps);
            *m = s.faded(*m + new1 * (g - *m));
            *u = if faded > now { faded } else { now };
            *w = s.decayed(*w) - rate * (*m / *u);
        }
    }
}
