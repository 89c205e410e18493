//! A rate that falls when a metric stops getting better.

use serde::{Deserialize, Serialize};

use crate::error::{OptimError, require, require_not_negative};

/// Multiplies the rate by `factor` once a metric has not got better for more than `patience` observations, as PyTorch's
/// `ReduceLROnPlateau`.
///
/// It is no [`Schedule`](crate::Schedule), which is a function of the step alone: its factor comes on top of any schedule, and it moves
/// only when [`Optimizer::observe`](crate::Optimizer::observe) is told a value, say the validation loss after each epoch. What it has seen
/// is part of the optimizer's state.
///
/// Defaults (PyTorch's): factor 0.1, patience 10, better by a share of 1e-4, no cooldown, floor 0. Where we differ: the floor is a share of
/// the rate, and changes below 1e-8 are made too. A value that is not finite is never better.
///
/// ```
/// use layerwise_optim::{OptimizerConfig, Plateau, Sgd};
/// # use layerwise_tensor::{Constant, Layout, ParamKind, Params, Stream};
/// # let mut layout = Layout::new();
/// # layout.scope().param("w", ParamKind::Weight, 1, 1, Constant(1.0));
/// # let params = Params::<f64>::init(layout, &Stream::new(0));
/// let config = OptimizerConfig::new(Sgd::default()).rate(0.5).plateau(Plateau::default().patience(1));
/// let mut optimizer = config.build(&params)?;
/// for loss in [3.0, 2.0, 2.0, 2.0] {
///     optimizer.observe(loss);
/// }
/// assert_eq!(optimizer.rate(), 0.05);
/// # Ok::<(), layerwise_optim::OptimError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Plateau {
    /// Which way is better.
    pub goal: Goal,
    /// What the rate is multiplied by, in `[0, 1)`.
    pub factor: f64,
    /// Observations without anything better that are borne.
    pub patience: u64,
    /// By how much a value must be better to count.
    pub margin: Margin,
    /// Observations after a fall that do not count as bad.
    pub cooldown: u64,
    /// The factor below which the rate does not fall.
    pub floor: f64,
}

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Small, as a loss.
    #[default]
    Min,
    /// Large, as an accuracy.
    Max,
}

/// By how much a value must be better than the best so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Margin {
    /// By this share of the best: below `best * (1 - share)`, or above `best * (1 + share)`; meant for positive metrics.
    Relative(f64),
    /// By this much.
    Absolute(f64),
}

/// What a [`Plateau`] has seen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlateauState {
    /// The factor on the rate.
    pub factor: f64,
    /// The best value so far.
    pub best: Option<f64>,
    /// Observations since then, or since the last fall.
    pub bad: u64,
    /// Observations of the cooldown that are left.
    pub resting: u64,
}

impl Default for Plateau {
    fn default() -> Self {
        Self { goal: Goal::Min, factor: 0.1, patience: 10, margin: Margin::Relative(1e-4), cooldown: 0, floor: 0.0 }
    }
}

impl Default for PlateauState {
    fn default() -> Self {
        Self { factor: 1.0, best: None, bad: 0, resting: 0 }
    }
}

impl Plateau {
    /// With this direction.
    pub fn goal(self, goal: Goal) -> Self {
        Self { goal, ..self }
    }

    /// With this factor.
    pub fn factor(self, factor: f64) -> Self {
        Self { factor, ..self }
    }

    /// With this patience.
    pub fn patience(self, patience: u64) -> Self {
        Self { patience, ..self }
    }

    /// With this margin.
    pub fn margin(self, margin: Margin) -> Self {
        Self { margin, ..self }
    }

    /// With this cooldown.
    pub fn cooldown(self, cooldown: u64) -> Self {
        Self { cooldown, ..self }
    }

    /// With this floor.
    pub fn floor(self, floor: f64) -> Self {
        Self { floor, ..self }
    }

    /// Takes note of a value; says whether the rate fell.
    pub(crate) fn observe(&self, state: &mut PlateauState, value: f64) -> bool {
        if self.is_better(value, state.best) {
            (state.best, state.bad) = (Some(value), 0);
        } else {
            state.bad += 1;
        }
        if state.resting > 0 {
            state.resting -= 1;
            state.bad = 0;
        }
        if state.bad <= self.patience {
            return false;
        }
        let before = state.factor;
        state.factor = (before * self.factor).max(self.floor);
        (state.resting, state.bad) = (self.cooldown, 0);
        state.factor < before
    }

    fn is_better(&self, value: f64, best: Option<f64>) -> bool {
        let Some(best) = best else { return value.is_finite() };
        match (self.goal, self.margin) {
            _ if !value.is_finite() => false,
            (Goal::Min, Margin::Relative(share)) => value < best * (1.0 - share),
            (Goal::Min, Margin::Absolute(by)) => value < best - by,
            (Goal::Max, Margin::Relative(share)) => value > best * (1.0 + share),
            (Goal::Max, Margin::Absolute(by)) => value > best + by,
        }
    }

    pub(crate) fn check(&self) -> Result<(), OptimError> {
        require((0.0..1.0).contains(&self.factor), "plateau.factor", "in [0, 1)", self.factor)?;
        require((0.0..=1.0).contains(&self.floor), "plateau.floor", "in [0, 1]", self.floor)?;
        let (Margin::Relative(margin) | Margin::Absolute(margin)) = self.margin;
        require_not_negative("plateau.margin", margin)
    }
}
