//! Everything an optimizer is made from, as data.

use serde::{Deserialize, Serialize};

use crate::clip::Clip;
use crate::constraint::SharedConstraint;
use crate::error::{OptimError, require_not_negative};
use crate::group::{DecayOn, Group};
use crate::penalty::L1Style;
use crate::plateau::Plateau;
use crate::rule::{DecayStyle, SharedRule};
use crate::schedule::SharedSchedule;

/// The configuration of an [`Optimizer`](crate::Optimizer): built by hand or read from a file; unknown keys are errors.
///
/// ```
/// use layerwise_optim::{Adam, Clip, Cosine, OptimizerConfig};
///
/// let config = OptimizerConfig::new(Adam::default())
///     .rate(3e-3)
///     .schedule(Cosine::new(1000, 0.01))
///     .clip(Clip::GlobalNorm(1.0))
///     .weight_decay(1e-4);
/// let text = serde_json::to_string(&config)?;
/// let again: OptimizerConfig = serde_json::from_str(&text)?;
/// assert_eq!(again.rule.config(), config.rule.config());
///
/// let short: OptimizerConfig = serde_json::from_str(r#"{"rule": {"name": "sgd", "momentum": 0.9}, "rate": 0.1}"#)?;
/// assert_eq!(short.rule.name(), "sgd");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OptimizerConfig {
    /// How a gradient changes a parameter.
    pub rule: SharedRule,
    /// The base rate; the rule's own default if `None`.
    #[serde(default)]
    pub rate: Option<f64>,
    /// How the rate, and the momentum, change from step to step; constant by default.
    #[serde(default)]
    pub schedule: SharedSchedule,
    /// A metric by which the rate falls, on top of the schedule; none by default.
    #[serde(default)]
    pub plateau: Option<Plateau>,
    /// How gradients are bounded; not at all by default.
    #[serde(default)]
    pub clip: Clip,
    /// Weight decay; the rule's own default if `None`.
    #[serde(default)]
    pub weight_decay: Option<f64>,
    /// Whether weight decay is coupled or decoupled; as the rule has it if `None`.
    #[serde(default)]
    pub decay_style: Option<DecayStyle>,
    /// L1 penalty; 0 by default.
    #[serde(default)]
    pub l1: f64,
    /// How the L1 penalty acts; through the gradient by default.
    #[serde(default)]
    pub l1_style: L1Style,
    /// What weight decay and L1 act on; weights only by default.
    #[serde(default)]
    pub decay_on: DecayOn,
    /// What weights must fulfil after every step, projected one after another; nothing by default.
    #[serde(default)]
    pub constraints: Vec<SharedConstraint>,
    /// Parameters that are treated apart; the first group that takes a parameter has it.
    #[serde(default)]
    pub groups: Vec<Group>,
}

impl OptimizerConfig {
    /// A rule with all defaults.
    pub fn new(rule: impl Into<SharedRule>) -> Self {
        Self {
            rule: rule.into(),
            rate: None,
            schedule: SharedSchedule::default(),
            plateau: None,
            clip: Clip::None,
            weight_decay: None,
            decay_style: None,
            l1: 0.0,
            l1_style: L1Style::Subgradient,
            decay_on: DecayOn::Weights,
            constraints: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// With this base rate.
    pub fn rate(self, rate: f64) -> Self {
        Self { rate: Some(rate), ..self }
    }

    /// With this schedule.
    pub fn schedule(self, schedule: impl Into<SharedSchedule>) -> Self {
        Self { schedule: schedule.into(), ..self }
    }

    /// With a rate that falls when what [`Optimizer::observe`](crate::Optimizer::observe) is told gets no better.
    pub fn plateau(self, plateau: Plateau) -> Self {
        Self { plateau: Some(plateau), ..self }
    }

    /// With this clipping.
    pub fn clip(self, clip: Clip) -> Self {
        Self { clip, ..self }
    }

    /// With this weight decay.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay: Some(weight_decay), ..self }
    }

    /// With weight decay that acts in this way, whatever the rule's own is: any rule can decay decoupled, as AdamW.
    pub fn decay_style(self, decay_style: DecayStyle) -> Self {
        Self { decay_style: Some(decay_style), ..self }
    }

    /// With this L1 penalty.
    pub fn l1(self, l1: f64) -> Self {
        Self { l1, ..self }
    }

    /// With an L1 penalty that acts in this way.
    pub fn l1_style(self, l1_style: L1Style) -> Self {
        Self { l1_style, ..self }
    }

    /// With one more constraint on the weights, projected after those already there.
    pub fn constraint(mut self, constraint: impl Into<SharedConstraint>) -> Self {
        self.constraints.push(constraint.into());
        self
    }

    /// With weight decay and L1 on these kinds of parameters.
    pub fn decay_on(self, decay_on: DecayOn) -> Self {
        Self { decay_on, ..self }
    }

    /// With one more parameter group, tried after those already there.
    pub fn group(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }

    /// The base rate: the one given, or the rule's.
    pub fn base_rate(&self) -> f64 {
        self.rate.unwrap_or_else(|| self.rule.default_rate())
    }

    /// The weight decay: the one given, or the rule's.
    pub fn base_decay(&self) -> f64 {
        self.weight_decay.unwrap_or_else(|| self.rule.default_decay())
    }

    /// Whether every number is in range, and the parts go together.
    ///
    /// # Errors
    /// If one is not, or the schedule moves a momentum that the rule does not have.
    pub fn check(&self) -> Result<(), OptimError> {
        self.rule.validate()?;
        require_not_negative("rate", self.base_rate())?;
        self.schedule.validate()?;
        if self.schedule.moves_momentum() && !self.rule.momentum_moves() {
            return Err(OptimError::NoMomentum { rule: self.rule.config().to_string() });
        }
        self.plateau.map_or(Ok(()), |p| p.check())?;
        self.clip.check()?;
        require_not_negative("weight_decay", self.base_decay())?;
        require_not_negative("l1", self.l1)?;
        self.constraints.iter().try_for_each(|c| c.validate())?;
        self.groups.iter().try_for_each(Group::check)
    }
}
