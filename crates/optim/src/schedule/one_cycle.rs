//! Up to a high rate and down to almost nothing, the momentum the other way.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::Schedule;
use crate::error::{OptimError, require, require_fraction};
use crate::named::with_name;

/// One cycle, as PyTorch's `OneCycleLR`: the rate rises from `1 / div` to 1 in the first `rise` of the steps, then falls to
/// `1 / (div * final_div)`, while the momentum falls and rises; both along half cosine waves, or straight lines.
///
/// The base rate is the highest one. With `three_phases` the fall takes as long as the rise and ends at `1 / div`, and what remains of the
/// steps goes on to the last factor. PyTorch's defaults: rise 0.3, div 25, final div 1e4, cosine, two phases, momentum 0.95 to 0.85 and
/// back (beta1 of Adam and its kin). A rule without momentum refuses it: ask for [`OneCycle::without_momentum`]. Where we differ from
/// PyTorch: after the last step the factor stays, where PyTorch's raises an error.
///
/// Source: L. N. Smith, N. Topin, *Super-convergence: very fast training of neural networks using large learning rates*, arXiv 1708.07120
/// (2018).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OneCycle {
    /// Steps of the whole cycle.
    pub steps: u64,
    /// Share of the steps in which the rate rises.
    #[serde(default = "default_rise")]
    pub rise: f64,
    /// The first factor is `1 / div`.
    #[serde(default = "default_div")]
    pub div: f64,
    /// The last factor is `1 / (div * final_div)`.
    #[serde(default = "default_final_div")]
    pub final_div: f64,
    /// The form of rise and fall.
    #[serde(default)]
    pub anneal: Anneal,
    /// Whether the fall stops at the first factor before it goes on to the last.
    #[serde(default)]
    pub three_phases: bool,
    /// Lowest and highest momentum; `None` leaves the momentum to the rule.
    #[serde(default = "default_momentum")]
    pub momentum: Option<(f64, f64)>,
}

/// How a value goes from one to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Anneal {
    /// Along half a cosine wave.
    #[default]
    Cosine,
    /// Along a straight line.
    Linear,
}

fn default_rise() -> f64 {
    0.3
}

fn default_div() -> f64 {
    25.0
}

fn default_final_div() -> f64 {
    1e4
}

fn default_momentum() -> Option<(f64, f64)> {
    Some((0.85, 0.95))
}

impl OneCycle {
    pub(crate) const NAME: &'static str = "one_cycle";

    /// A cycle of `steps` steps with PyTorch's defaults.
    pub fn new(steps: u64) -> Self {
        Self {
            steps,
            rise: default_rise(),
            div: default_div(),
            final_div: default_final_div(),
            anneal: Anneal::Cosine,
            three_phases: false,
            momentum: default_momentum(),
        }
    }

    /// The same cycle with this share of the steps in which the rate rises.
    pub fn rise(self, rise: f64) -> Self {
        Self { rise, ..self }
    }

    /// The same cycle between these factors: it begins at `1 / div` and ends at `1 / (div * final_div)`.
    pub fn divs(self, div: f64, final_div: f64) -> Self {
        Self { div, final_div, ..self }
    }

    /// The same cycle along straight lines or half waves.
    pub fn anneal(self, anneal: Anneal) -> Self {
        Self { anneal, ..self }
    }

    /// The same cycle in three phases.
    pub fn three_phases(self) -> Self {
        Self { three_phases: true, ..self }
    }

    /// The same cycle with this lowest and highest momentum.
    pub fn momentum(self, low: f64, high: f64) -> Self {
        Self { momentum: Some((low, high)), ..self }
    }

    /// The same cycle for the rate alone.
    pub fn without_momentum(self) -> Self {
        Self { momentum: None, ..self }
    }

    /// What goes from `first` to `peak` and ends at `last`, at `step`.
    fn value(&self, step: u64, first: f64, peak: f64, last: f64) -> f64 {
        let step = step.min(self.steps.saturating_sub(1)) as f64;
        let (steps, end) = (self.steps as f64, self.steps as f64 - 1.0);
        // PyTorch's edges of the phases, which need not be whole numbers.
        let top = self.rise * steps - 1.0;
        let back = 2.0 * self.rise * steps - 2.0;
        let along = |from: f64, to: f64, start: f64, end: f64| {
            let share = if end > start { (step - start) / (end - start) } else { 1.0 };
            match self.anneal {
                Anneal::Cosine => to + (from - to) / 2.0 * (1.0 + (PI * share).cos()),
                Anneal::Linear => from + (to - from) * share,
            }
        };
        match self.three_phases {
            _ if step <= top => along(first, peak, 0.0, top),
            true if step <= back => along(peak, first, top, back),
            true => along(first, last, back, end),
            false => along(peak, last, top, end),
        }
    }
}

impl Schedule for OneCycle {
    fn factor(&self, step: u64) -> f64 {
        self.value(step, 1.0 / self.div, 1.0, 1.0 / (self.div * self.final_div))
    }

    fn momentum(&self, step: u64) -> Option<f64> {
        self.momentum.map(|(low, high)| self.value(step, high, low, high))
    }

    fn moves_momentum(&self) -> bool {
        self.momentum.is_some()
    }

    fn validate(&self) -> Result<(), OptimError> {
        require(self.steps > 0, "steps", "at least 1", self.steps as f64)?;
        let longest = if self.three_phases { 0.5 } else { 1.0 };
        require((0.0..=longest).contains(&self.rise), "rise", "in [0, 1], with three phases in [0, 0.5]", self.rise)?;
        require(self.div >= 1.0 && self.div.is_finite(), "div", "finite and at least 1", self.div)?;
        let last = self.final_div;
        require(last > 0.0 && last.is_finite(), "final_div", "finite and above 0", last)?;
        let (low, high) = self.momentum.unwrap_or_default();
        require_fraction("momentum", low)?;
        require_fraction("momentum", high)
    }

    fn config(&self) -> serde_json::Value {
        with_name(Self::NAME, self)
    }
}
