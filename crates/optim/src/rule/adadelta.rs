//! Adadelta.

use layerwise_tensor::Scalar;
use serde::{Deserialize, Serialize};

use super::{RuleFn, RuleStep, State};
use crate::error::{OptimError, require_fraction, require_not_negative};

/// Adadelta: the gradient over its root mean square, times the root mean square of the last changes, so that a change has the unit of
/// the parameter.
///
/// ```text
/// q_t = rho * q_{t-1} + (1 - rho) * g_t^2
/// d_t = sqrt(u_{t-1} + eps) / sqrt(q_t + eps) * g_t
/// u_t = rho * u_{t-1} + (1 - rho) * d_t^2
/// w  -= rate * d_t
/// ```
///
/// Defaults (PyTorch's): rate 1, rho 0.9, eps 1e-6. The first changes have the size of `sqrt(eps)`: a small eps starts slowly. Keras has
/// rate 1e-3 and rho 0.95, which is another rule in effect.
///
/// Source: M. D. Zeiler, *ADADELTA: an adaptive learning rate method*, arXiv 1212.5701 (2012), where the rate is 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Adadelta {
    /// Share of both running means that is kept, in `[0, 1)`.
    pub rho: f64,
    /// Added under both roots.
    pub eps: f64,
}

impl Default for Adadelta {
    fn default() -> Self {
        Self { rho: 0.9, eps: 1e-6 }
    }
}

impl Adadelta {
    /// The same rule with this rho.
    pub fn rho(self, rho: f64) -> Self {
        Self { rho, ..self }
    }

    /// The same rule with this eps.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }
}

impl RuleFn for Adadelta {
    const NAME: &'static str = "adadelta";
    const RATE: f64 = 1.0;

    fn slots(&self) -> &'static [&'static str] {
        &["square_avg", "acc_delta"]
    }

    fn check(&self) -> Result<(), OptimError> {
        require_fraction("rho", self.rho)?;
        require_not_negative("eps", self.eps)
    }

    #[inline(always)]
    fn update<T: Scalar>(&self, step: &RuleStep, w: &mut [T], g: &[T], [q, u, _]: State<'_, T>) {
        let s = step.prepare::<T>();
        let (keep, new, eps) = (T::of(self.rho), T::of(1.0 - self.rho), T::of(self.eps));
        for (((w, g), q), u) in w.iter_mut().zip(g).zip(q).zip(u) {
            let g = s.gradient(*w, *g);
            *q = s.held(keep * *q + new * (g * g));
            let d = (*u + eps).sqrt() / (*q + eps).sqrt() * g;
            *u = s.held(keep * *u + new * (s.faded(d) * s.faded(d)));
            *w = s.decayed(*w) - s.rate * d;
        }
    }
}
