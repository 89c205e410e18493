//! NAdam.

use layerwise_tensor::Scalar;
use serde::{Deserialize, Serialize};

use super::{RuleFn, RuleStep, State};
use crate::error::{OptimError, require, require_fraction, require_not_negative};

/// NAdam: [`Adam`](super::Adam) with Nesterov's momentum, which grows from `beta1 / 2` towards `beta1`.
///
/// ```text
/// mu_t = beta1 * (1 - 0.96^(t * momentum_decay) / 2)          P_t = mu_1 * mu_2 * .. * mu_t
/// m_t  = m_{t-1} + (1 - beta1) * (g_t - m_{t-1})
/// v_t  = beta2 * v_{t-1} + (1 - beta2) * g_t^2
/// n_t  = (1 - mu_t) / (1 - P_t) * g_t + mu_{t+1} / (1 - P_{t+1}) * m_t
/// w   -= rate * n_t / (sqrt(v_t / (1 - beta2^t)) + eps)
/// ```
///
/// Defaults (PyTorch's): rate 2e-3, beta1 0.9, beta2 0.999, eps 1e-8, momentum decay 4e-3. Weight decay is coupled.
///
/// Source: T. Dozat, *Incorporating Nesterov momentum into Adam* (2016). PyTorch keeps `P_t` as state; here it is computed from `t` (its
/// logarithm is a short series), so there is nothing to store. So the momentum has a schedule of its own, and takes no other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct NAdam {
    /// Share of the mean of the gradient that is kept, in `[0, 1)`.
    pub beta1: f64,
    /// Share of the mean of its square that is kept, in `[0, 1)`.
    pub beta2: f64,
    /// Added to the root, against division by zero.
    pub eps: f64,
    /// How fast the momentum grows; with 0 it stays at `beta1 / 2`.
    pub momentum_decay: f64,
}

impl Default for NAdam {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8, momentum_decay: 4e-3 }
    }
}

impl NAdam {
    /// The same rule with these betas.
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self { beta1, beta2, ..self }
    }

    /// The same rule with this eps.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// The same rule with this growth of the momentum.
    pub fn momentum_decay(self, momentum_decay: f64) -> Self {
        Self { momentum_decay, ..self }
    }

    /// `mu_t`.
    fn momentum(&self, t: f64) -> f64 {
        self.beta1 * (1.0 - 0.5 * 0.96f64.powf(t * self.momentum_decay))
    }

    /// `P_t = beta1^t (1 - q/2) (1 - q^2/2) .. (1 - q^t/2)` with `q = 0.96^momentum_decay`.
    ///
    /// Expanding each logarithm and summing the powers of `q` over the steps gives
    /// `ln P_t = t ln beta1 - sum_n 2^-n / n * q^n (1 - q^(nt)) / (1 - q^n)`, whose terms fall faster than `t 2^-n`.
    fn momentum_product(&self, t: f64) -> f64 {
        let log_q = self.momentum_decay * 0.96f64.ln();
        let mut log = t * self.beta1.ln();
        // Far below one unit in the last place of `1 - P`: what the series would add no longer shows.
        if log < -50.0 {
            return 0.0;
        }
        let mut half = 1.0;
        for n in 1..=60 {
            let n = f64::from(n);
            half *= 0.5;
            let x = n * log_q;
            let sum = if x == 0.0 { t } else { x.exp() * (x * t).exp_m1() / x.exp_m1() };
            log -= half / n * sum;
        }
        log.exp()
    }
}

impl RuleFn for NAdam {
    const NAME: &'static str = "nadam";
    const RATE: f64 = 2e-3;

    fn slots(&self) -> &'static [&'static str] {
        &["exp_avg", "exp_avg_sq"]
    }

    fn check(&self) -> Result<(), OptimError> {
        require_fraction("beta1", self.beta1)?;
        require_fraction("beta2", self.beta2)?;
        require_not_negative("eps", self.eps)?;
        let decay = self.momentum_decay;
        require(decay >= 0.0 && decay.is_finite(), "momentum_decay", "finite and at least 0", decay)
    }

    #[inline(always)]
    fn update<T: Scalar>(&self, step: &RuleStep, w: &mut [T], g: &[T], [m, v, _]: State<'_, T>) {
        let s = step.prepare::<T>();
        let t = step.t as f64;
        let (now, next) = (self.momentum(t), self.momentum(t + 1.0));
        let product = self.momentum_product(t);
        let of_gradient = T::of(step.rate * (1.0 - now) / (1.0 - product));
        let of_mean = T::of(step.rate * next / (1.0 - product * next));
        let correct = T::of(1.0 / (1.0 - self.beta2.powf(t)).sqrt());
        let (new1, keep2, new2) = (T::of(1.0 - self.beta1), T::of(self.beta2), T::of(1.0 - self.beta2));
        let eps = T::of(self.eps);
        for (((w, g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
            let g = s.gradient(*w, *g);
            *m = s.faded(*m + new1 * (g - *m));
            *v = s.held(keep2 * *v + new2 * (g * g));
            *w = s.decayed(*w) - (of_gradient * g + of_mean * *m) / (v.sqrt() * correct + eps);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::NAdam;

    #[test]
    fn the_series_is_the_product() {
        for decay in [0.0, 1e-12, 4e-3, 0.3, 50.0] {
            for beta1 in [0.0, 0.5, 0.9, 0.999] {
                let rule = NAdam::default().betas(beta1, 0.999).momentum_decay(decay);
                let mut product = 1.0;
                for t in 1..3000 {
                    let t = f64::from(t);
                    product *= rule.momentum(t);
                    let found = rule.momentum_product(t);
                    assert!((found - product).abs() < 1e-13, "{rule:?}, {t}: {found} for {product}");
                }
            }
        }
    }
}
