//! RMSprop.

use layerwise_tensor::Scalar;
use serde::{Deserialize, Serialize};

use super::{RuleFn, RuleStep, State};
use crate::error::{OptimError, require_fraction, require_not_negative};

/// RMSprop: the gradient over the root of a running mean of its square, centred and with momentum if asked.
///
/// ```text
/// q_t = alpha * q_{t-1} + (1 - alpha) * g_t^2
/// m_t = m_{t-1} + (1 - alpha) * (g_t - m_{t-1})        (centred; else m = 0)
/// d_t = g_t / (sqrt(max(q_t - m_t^2, 0)) + eps)
/// v_t = momentum * v_{t-1} + d_t                       (momentum; else v = d)
/// w  -= rate * v_t
/// ```
///
/// Defaults (PyTorch's): rate 1e-2, alpha 0.99, eps 1e-8, momentum 0, not centred.
///
/// Sources: T. Tieleman, G. Hinton, Coursera lecture 6.5 (2012); centred form: A. Graves, *Generating sequences with recurrent neural
/// networks* (2013). Where we differ from PyTorch: the variance `q - m^2`, which rounding can make negative, is held at 0 or above;
/// PyTorch returns NaN there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RmsProp {
    /// Share of the running means that is kept, in `[0, 1)`.
    pub alpha: f64,
    /// Added to the root, against division by zero.
    pub eps: f64,
    /// Share of the velocity that is kept, in `[0, 1)`.
    pub momentum: f64,
    /// Whether to divide by the standard deviation rather than by the root mean square.
    pub centered: bool,
}

impl Default for RmsProp {
    fn default() -> Self {
        Self { alpha: 0.99, eps: 1e-8, momentum: 0.0, centered: false }
    }
}

impl RmsProp {
    /// The same rule with this alpha.
    pub fn alpha(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }

    /// The same rule with this eps.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// The same rule with this momentum.
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// The same rule, centred.
    pub fn centered(self) -> Self {
        Self { centered: true, ..self }
    }
}

impl RuleFn for RmsProp {
    const NAME: &'static str = "rmsprop";
    const RATE: f64 = 1e-2;

    fn slots(&self) -> &'static [&'static str] {
        match (self.centered, self.momentum > 0.0) {
            (false, false) => &["square_avg"],
            (false, true) => &["square_avg", "momentum_buffer"],
            (true, false) => &["square_avg", "grad_avg"],
            (true, true) => &["square_avg", "grad_avg", "momentum_buffer"],
        }
    }

    fn takes_momentum(&self) -> bool {
        self.momentum > 0.0
    }

    fn check(&self) -> Result<(), OptimError> {
        require_fraction("alpha", self.alpha)?;
        require_not_negative("eps", self.eps)?;
        require_fraction("momentum", self.momentum)
    }

    #[inline(always)]
    fn update<T: Scalar>(&self, step: &RuleStep, w: &mut [T], g: &[T], [q, second, third]: State<'_, T>) {
        let s = step.prepare::<T>();
        let (alpha, new, eps) = (T::of(self.alpha), T::of(1.0 - self.alpha), T::of(self.eps));
        let momentum = T::of(step.momentum.unwrap_or(self.momentum));
        let scale = |g: T, q: &mut T| {
            *q = s.held(alpha * *q + new * (g * g));
            g / (q.sqrt() + eps)
        };
        let scale_centered = |g: T, q: &mut T, m: &mut T| {
            *q = s.held(alpha * *q + new * (g * g));
            *m = s.faded(*m + new * (g - *m));
            g / ((*q - *m * *m).max(T::zero()).sqrt() + eps)
        };
        match (self.centered, self.momentum > 0.0) {
            (false, false) => {
                for ((w, g), q) in w.iter_mut().zip(g).zip(q) {
                    let d = scale(s.gradient(*w, *g), q);
                    *w = s.decayed(*w) - s.rate * d;
                }
            }
            (false, true) => {
                for (((w, g), q), v) in w.iter_mut().zip(g).zip(q).zip(second) {
                    *v = s.faded(momentum * *v + scale(s.gradient(*w, *g), q));
                    *w = s.decayed(*w) - s.rate * *v;
                }
            }
            (true, false) => {
                for (((w, g), q), m) in w.iter_mut().zip(g).zip(q).zip(second) {
                    let d = scale_centered(s.gradient(*w, *g), q, m);
                    *w = s.decayed(*w) - s.rate * d;
                }
            }
            (true, true) => {
                for ((((w, g), q), m), v) in w.iter_mut().zip(g).zip(q).zip(second).zip(third) {
                    *v = s.faded(momentum * *v + scale_centered(s.gradient(*w, *g), q, m));
                    *w = s.decayed(*w) - s.rate * *v;
                }
            }
        }
    }
}
