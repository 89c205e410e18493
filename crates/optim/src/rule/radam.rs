//! RAdam.

use layerwise_tensor::Scalar;
use serde::{Deserialize, Serialize};

use super::{RuleFn, RuleStep, State};
use crate::error::{OptimError, require_fraction, require_not_negative};

/// RAdam: [`Adam`](super::Adam) that divides by the root mean square only once enough gradients are in it, and by less of it at first.
///
/// ```text
/// m_t, v_t as Adam
/// rho_inf = 2 / (1 - beta2) - 1
/// rho_t   = rho_inf - 2 t beta2^t / (1 - beta2^t)             (length of the moving average)
/// r_t     = sqrt((rho_t - 4) (rho_t - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho_t))
/// w -= rate / (1 - beta1^t) * m_t * r_t * sqrt(1 - beta2^t) / (sqrt(v_t) + eps)     (rho_t > 5)
/// w -= rate / (1 - beta1^t) * m_t                                                    (else: momentum alone)
/// ```
///
/// Defaults (PyTorch's): rate 1e-3, beta1 0.9, beta2 0.999, eps 1e-8; with them the first five steps go by momentum alone, in the scale of
/// the gradient. Weight decay is coupled.
///
/// Source: L. Liu et al., *On the variance of the adaptive learning rate and beyond*, arXiv 1908.03265 (2020), where the bound is 4;
/// 5 is PyTorch's, after the authors' code.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RAdam {
    /// Share of the mean of the gradient that is kept, in `[0, 1)`.
    pub beta1: f64,
    /// Share of the mean of its square that is kept, in `[0, 1)`.
    pub beta2: f64,
    /// Added to the root, against division by zero.
    pub eps: f64,
}

impl Default for RAdam {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8 }
    }
}

impl RAdam {
    /// The same rule with these betas.
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self { beta1, beta2, ..self }
    }

    /// The same rule with this eps.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// `r_t * sqrt(1 - beta2^t)`, or `None` while the average is too short to divide by.
    fn rectification(&self, t: f64) -> Option<f64> {
        let power = self.beta2.powf(t);
        let longest = 2.0 / (1.0 - self.beta2) - 1.0;
        let rho = longest - 2.0 * t * power / (1.0 - power);
        let share = (rho - 4.0) * (rho - 2.0) * longest / ((longest - 4.0) * (longest - 2.0) * rho);
        (rho > 5.0).then(|| share.sqrt() * (1.0 - power).sqrt())
    }
}

impl RuleFn for RAdam {
    const NAME: &'static str = "radam";
    const RATE: f64 = 1e-3;

    fn slots(&self) -> &'static [&'static str] {
        &["exp_avg", "exp_avg_sq"]
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
    fn update<T: Scalar>(&self, step: &RuleStep, w: &mut [T], g: &[T], [m, v, _]: State<'_, T>) {
        let s = step.prepare::<T>();
        let (t, beta1) = (step.t as f64, step.momentum.unwrap_or(self.beta1));
        let rate = step.rate / (1.0 - beta1.powf(t));
        let (new1, keep2, new2) = (T::of(1.0 - beta1), T::of(self.beta2), T::of(1.0 - self.beta2));
        let average = |g: T, m: &mut T, v: &mut T| {
            *m = s.faded(*m + new1 * (g - *m));
            *v = s.held(keep2 * *v + new2 * (g * g));
        };
        match self.rectification(t) {
            Some(factor) => {
                let (rate, eps) = (T::of(rate * factor), T::of(self.eps));
                for (((w, g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
                    average(s.gradient(*w, *g), m, v);
                    *w = s.decayed(*w) - rate * (*m / (v.sqrt() + eps));
                }
            }
            None => {
                let rate = T::of(rate);
                for (((w, g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
                    average(s.gradient(*w, *g), m, v);
                    *w = s.decayed(*w) - rate * *m;
                }
            }
        }
    }
}
