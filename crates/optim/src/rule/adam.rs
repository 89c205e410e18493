//! Adam.

use layerwise_tensor::Scalar;
use serde::{Deserialize, Serialize};

use super::{RuleFn, RuleStep, State};
use crate::error::{OptimError, require_fraction, require_not_negative};

/// Adam: the running mean of the gradient over the root of the running mean of its square, both freed of their start at zero.
///
/// ```text
/// m_t = m_{t-1} + (1 - beta1) * (g_t - m_{t-1})
/// v_t = beta2 * v_{t-1} + (1 - beta2) * g_t^2
/// x_t = v_t, or with AMSGrad max(x_{t-1}, v_t)
/// w  -= rate / (1 - beta1^t) * m_t / (sqrt(x_t / (1 - beta2^t)) + eps)
/// ```
///
/// Defaults (PyTorch's and the paper's): rate 1e-3, beta1 0.9, beta2 0.999, eps 1e-8, no AMSGrad. Weight decay is coupled: an L2 penalty, which the
/// division by `sqrt(v)` weakens where gradients are large; [`AdamW`](super::AdamW) decays beside the rule.
///
/// Source: D. P. Kingma, J. Ba, *Adam: a method for stochastic optimization*, arXiv 1412.6980 (2015); AMSGrad, whose rates never
/// grow: S. J. Reddi, S. Kale, S. Kumar, *On the convergence of Adam and beyond* (2018), as in PyTorch with the correction after the
/// maximum. `t` counts the updates of the
/// single parameter, as in PyTorch: one that was frozen or unused for a while goes on with the correction where it stopped.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Adam {
    /// Share of the mean of the gradient that is kept, in `[0, 1)`.
    pub beta1: f64,
    /// Share of the mean of its square that is kept, in `[0, 1)`.
    pub beta2: f64,
    /// Added to the root, against division by zero.
    pub eps: f64,
    /// Whether to divide by the largest mean of the square so far.
    pub amsgrad: bool,
}

impl Default for Adam {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8, amsgrad: false }
    }
}

impl Adam {
    /// The same rule with these betas.
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self { beta1, beta2, ..self }
    }

    /// The same rule with this eps.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// The same rule with AMSGrad.
    pub fn amsgrad(self) -> Self {
        Self { amsgrad: true, ..self }
    }
}

impl RuleFn for Adam {
    const NAME: &'static str = "adam";
    const RATE: f64 = 1e-3;

    fn slots(&self) -> &'static [&'static str] {
        if self.amsgrad { &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"] } else { &["exp_avg", "exp_avg_sq"] }
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
    fn update<T: Scalar>(&self, step: &RuleStep, w: &mut [T], g: &[T], [m, v, largest]: State<'_, T>) {
        let s = step.prepare::<T>();
        let (t, beta1) = (step.t as f64, step.momentum.unwrap_or(self.beta1));
        let rate = T::of(step.rate / (1.0 - beta1.powf(t)));
        let correct = T::of(1.0 / (1.0 - self.beta2.powf(t)).sqrt());
        let (new1, keep2, new2) = (T::of(1.0 - beta1), T::of(self.beta2), T::of(1.0 - self.beta2));
        let eps = T::of(self.eps);
        let average = |g: T, m: &mut T, v: &mut T| {
            *m = s.faded(*m + new1 * (g - *m));
            *v = s.held(keep2 * *v + new2 * (g * g));
        };
        if self.amsgrad {
            for ((((w, g), m), v), x) in w.iter_mut().zip(g).zip(m).zip(v).zip(largest) {
                average(s.gradient(*w, *g), m, v);
                *x = if *v > *x { *v } else { *x };
                *w = s.decayed(*w) - rate * (*m / (x.sqrt() * correct + eps));
            }
            return;
        }
        for (((w, g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
            average(s.gradient(*w, *g), m, v);
            *w = s.decayed(*w) - rate * (*m / (v.sqrt() * correct + eps));
        }
    }
}
