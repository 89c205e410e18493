//! Momentum that grows as the training goes on.

use serde::{Deserialize, Serialize};

use super::Schedule;
use crate::error::{OptimError, require, require_fraction};
use crate::named::with_name;

/// The momentum `min(1 - 1 / (2 (floor(s / every) + 1)), max)`: 0.5, 0.75, 0.83, 0.875 .. up to `max`; the rate stays.
///
/// Every 250 steps and up to 0.99 unless given. For a rate that falls as well: [`Chained`](super::Chained). The rule must have momentum.
///
/// Source: I. Sutskever, J. Martens, G. Dahl, G. Hinton, *On the importance of initialization and momentum in deep learning* (2013),
/// equation 5: `min(1 - 2^(-1 - log2(floor(s / 250) + 1)), max)`, with Nesterov's momentum and max among 0.9, 0.99, 0.995, 0.999. There the
/// rate stands inside the velocity; here, as in PyTorch, outside: at a constant rate it is the same.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Sutskever {
    /// Steps between two changes.
    pub every: u64,
    /// The highest momentum.
    pub max: f64,
}

impl Default for Sutskever {
    fn default() -> Self {
        Self { every: 250, max: 0.99 }
    }
}

impl Sutskever {
    pub(crate) const NAME: &'static str = "sutskever";

    /// A momentum that grows every `every` steps up to `max`.
    pub fn new(every: u64, max: f64) -> Self {
        Self { every, max }
    }
}

impl Schedule for Sutskever {
    fn factor(&self, _step: u64) -> f64 {
        1.0
    }

    fn momentum(&self, step: u64) -> Option<f64> {
        let stage = (step / self.every.max(1)) as f64;
        Some((1.0 - 0.5 / (stage + 1.0)).min(self.max))
    }

    fn moves_momentum(&self) -> bool {
        true
    }

    fn validate(&self) -> Result<(), OptimError> {
        require(self.every > 0, "every", "at least 1", self.every as f64)?;
        require_fraction("max", self.max)
    }

    fn config(&self) -> serde_json::Value {
        with_name(Self::NAME, self)
    }
}
