//! What L-BFGS is made from, as data.

use serde::{Deserialize, Serialize};

use crate::error::{OptimError, require, require_not_negative};

/// How far to go along a direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LineSearch {
    /// As far as the rate says. Nothing keeps the loss from rising.
    #[default]
    None,
    /// To a point where the loss has fallen by at least 1e-4 of what the slope promised, and the slope is at most 0.9 of what it was: the
    /// strong Wolfe conditions, found by bracketing and cubic interpolation. The rate is the first trial.
    StrongWolfe,
}

/// The configuration of [`Lbfgs`](super::Lbfgs): built by hand or read from a file; unknown keys are errors.
///
/// Defaults are PyTorch's, no line search included; with [`LbfgsConfig::strong_wolfe`] the method is the one of the textbooks, and rarely
/// worse.
///
/// ```
/// use layerwise_optim::LbfgsConfig;
///
/// let short: LbfgsConfig = serde_json::from_str(r#"{"line_search": "strong_wolfe", "history": 10}"#)?;
/// assert_eq!(short, LbfgsConfig::default().strong_wolfe().history(10));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LbfgsConfig {
    /// Length of a step as a multiple of the direction, or of its first trial: 1.
    pub rate: f64,
    /// Most iterations of one step: 20.
    pub max_iter: u64,
    /// Most evaluations of one step, to which a line search may add one; `None` for five quarters of `max_iter`.
    pub max_eval: Option<u64>,
    /// A step ends when no component of the gradient is larger: 1e-7.
    pub tolerance_grad: f64,
    /// A step ends when neither a parameter nor the loss changes by more, or the slope is no steeper: 1e-9.
    pub tolerance_change: f64,
    /// Pairs of steps and changes of the gradient that are remembered: 100.
    pub history: usize,
    /// How far to go along a direction.
    pub line_search: LineSearch,
}

impl Default for LbfgsConfig {
    fn default() -> Self {
        Self {
            rate: 1.0,
            max_iter: 20,
            max_eval: None,
            tolerance_grad: 1e-7,
            tolerance_change: 1e-9,
            history: 100,
            line_search: LineSearch::None,
        }
    }
}

impl LbfgsConfig {
    /// With this rate.
    pub fn rate(self, rate: f64) -> Self {
        Self { rate, ..self }
    }

    /// With at most so many iterations in a step.
    pub fn max_iter(self, max_iter: u64) -> Self {
        Self { max_iter, ..self }
    }

    /// With at most so many evaluations in a step.
    pub fn max_eval(self, max_eval: u64) -> Self {
        Self { max_eval: Some(max_eval), ..self }
    }

    /// With these tolerances of the gradient and of changes.
    pub fn tolerances(self, grad: f64, change: f64) -> Self {
        Self { tolerance_grad: grad, tolerance_change: change, ..self }
    }

    /// With so many remembered pairs.
    pub fn history(self, history: usize) -> Self {
        Self { history, ..self }
    }

    /// With the strong Wolfe line search.
    pub fn strong_wolfe(self) -> Self {
        Self { line_search: LineSearch::StrongWolfe, ..self }
    }

    /// Most evaluations of one step.
    pub(super) fn evaluations(&self) -> u64 {
        self.max_eval.unwrap_or(self.max_iter.saturating_mul(5) / 4)
    }

    /// Whether every number is in range.
    ///
    /// # Errors
    /// If one is not.
    pub fn check(&self) -> Result<(), OptimError> {
        require_not_negative("rate", self.rate)?;
        require(self.max_iter >= 1, "max_iter", "at least 1", self.max_iter as f64)?;
        require(self.evaluations() >= 1, "max_eval", "at least 1", self.evaluations() as f64)?;
        require_not_negative("tolerance_grad", self.tolerance_grad)?;
        require_not_negative("tolerance_change", self.tolerance_change)?;
        require(self.history >= 1, "history", "at least 1", self.history as f64)
    }
}

/// Configurations that differ in form: the laws run on each.
pub fn samples() -> Vec<LbfgsConfig> {
    let searching = LbfgsConfig::default().strong_wolfe();
    vec![
        LbfgsConfig::default().rate(0.5),
        searching,
        searching.history(3).max_iter(4),
        searching.max_iter(1).max_eval(10),
    ]
}
