//! Gradient descent with momentum.

use layerwise_tensor::Scalar;
use serde::{Deserialize, Serialize};

use super::{RuleFn, RuleStep, State};
use crate::error::{OptimError, require, require_fraction, require_not_negative};

/// Stochastic gradient descent, with heavy-ball or Nesterov momentum if asked.
///
/// ```text
/// v_1 = g_1,   v_t = momentum * v_{t-1} + (1 - dampening) * g_t
/// w  -= rate * v_t                       (heavy ball)
/// w  -= rate * (g_t + momentum * v_t)    (Nesterov)
/// ```
///
/// Without momentum `w -= rate * g`, and no state is kept. Defaults (PyTorch's): rate 1e-3, momentum 0, dampening 0, no Nesterov.
///
/// Sources: B. T. Polyak, *Some methods of speeding up the convergence of iteration methods* (1964); Yu. Nesterov (1983) in the form
/// of I. Sutskever, J. Martens, G. Dahl, G. Hinton, *On the importance of initialization and momentum in deep learning* (2013).
/// As in PyTorch, and unlike Sutskever et al., the rate stands outside the velocity: a change of rate acts at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Sgd {
    /// Share of the velocity that is kept, in `[0, 1)`.
    pub momentum: f64,
    /// Share of the gradient that does not enter the velocity, in `[0, 1]`.
    pub dampening: f64,
    /// Whether to look ahead along the velocity; needs momentum, and no dampening.
    pub nesterov: bool,
}

impl Sgd {
    /// The same rule with this momentum.
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// The same rule with this dampening.
    pub fn dampening(self, dampening: f64) -> Self {
        Self { dampening, ..self }
    }

    /// The same rule with Nesterov's momentum.
    pub fn nesterov(self, momentum: f64) -> Self {
        Self { momentum, nesterov: true, ..self }
    }
}

impl RuleFn for Sgd {
    const NAME: &'static str = "sgd";
    const RATE: f64 = 1e-3;

    fn slots(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["momentum_buffer"] }
    }

    fn takes_momentum(&self) -> bool {
        self.momentum > 0.0
    }

    fn check(&self) -> Result<(), OptimError> {
        require_fraction("momentum", self.momentum)?;
        require_not_negative("dampening", self.dampening)?;
        require(self.dampening <= 1.0, "dampening", "at most 1", self.dampening)?;
        let ahead = !self.nesterov || (self.momentum > 0.0 && self.dampening == 0.0);
        require(ahead, "momentum", "above 0, with dampening 0, for nesterov", self.momentum)
    }

    #[inline(always)]
    fn update<T: Scalar>(&self, step: &RuleStep, w: &mut [T], g: &[T], [v, ..]: State<'_, T>) {
        let s = step.prepare::<T>();
        if self.momentum == 0.0 {
            for (w, g) in w.iter_mut().zip(g) {
                let g = s.gradient(*w, *g);
                *w = s.decayed(*w) - s.rate * g;
            }
            return;
        }
        let (first, momentum) = (step.t == 1, step.momentum.unwrap_or(self.momentum));
        let keep = T::of(if first { 0.0 } else { momentum });
        let take = T::of(if first { 1.0 } else { 1.0 - self.dampening });
        let (ahead, along) = if self.nesterov { (1.0, momentum) } else { (0.0, 1.0) };
        let (ahead, along) = (T::of(ahead), T::of(along));
        for ((w, g), v) in w.iter_mut().zip(g).zip(v) {
            let g = s.gradient(*w, *g);
            *v = s.faded(keep * *v + take * g);
            *w = s.decayed(*w) - s.rate * (ahead * g + along * *v);
        }
    }
}
