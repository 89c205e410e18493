//! Down half a cosine wave, again and again.

use serde::{Deserialize, Serialize};

use super::{Cosine, Schedule};
use crate::error::{OptimError, require};
use crate::named::with_name;

/// Waves of [`Cosine`], each `growth` times as long as the one before, each beginning at the full rate.
///
/// `factor(s) = floor + (1 - floor) * (1 + cos(pi * c / n)) / 2`, `c` the steps since the last restart, `n` the length of this wave. The
/// growth is 1 and the floor 0 unless given, as PyTorch's `CosineAnnealingWarmRestarts`; the floor is a share of the base rate.
///
/// Source: I. Loshchilov, F. Hutter, *SGDR: stochastic gradient descent with warm restarts*, arXiv 1608.03983 (2017).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct WarmRestarts {
    /// Steps of the first wave.
    pub steps: u64,
    /// What the length is multiplied by at each restart.
    #[serde(default = "one")]
    pub growth: u64,
    /// The factor which the waves come down to.
    #[serde(default)]
    pub floor: f64,
}

fn one() -> u64 {
    1
}

impl WarmRestarts {
    pub(crate) const NAME: &'static str = "warm_restarts";

    /// Waves of `steps`, `steps * growth`, `steps * growth^2` .. steps, down to 0.
    pub fn new(steps: u64, growth: u64) -> Self {
        Self { steps, growth, floor: 0.0 }
    }

    /// The same schedule with this floor.
    pub fn floor(self, floor: f64) -> Self {
        Self { floor, ..self }
    }
}

impl Schedule for WarmRestarts {
    fn factor(&self, step: u64) -> f64 {
        let (mut since, mut length) = (step, self.steps.max(1));
        if self.growth <= 1 {
            since %= length;
        }
        while since >= length {
            since -= length;
            length = length.saturating_mul(self.growth);
        }
        Cosine::new(length, self.floor).factor(since)
    }

    fn validate(&self) -> Result<(), OptimError> {
        require(self.growth > 0, "growth", "at least 1", self.growth as f64)?;
        Cosine::new(self.steps, self.floor).validate()
    }

    fn config(&self) -> serde_json::Value {
        with_name(Self::NAME, self)
    }
}
