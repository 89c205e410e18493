//! Which parameters get which rate and which decay.

use std::fmt;

use layerwise_tensor::{ParamKind, ParamSpec};
use serde::{Deserialize, Serialize};

use crate::constraint::SharedConstraint;
use crate::error::{OptimError, require_not_negative};
use crate::rule::SharedRule;

/// Which kinds of parameters `weight_decay` and `l1` act on, where no group says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DecayOn {
    /// Weights only: not biases, gains of norms and learned slopes.
    #[default]
    Weights,
    /// All that is trained, as PyTorch does with one parameter group.
    All,
}

impl DecayOn {
    /// Whether parameters of this kind are decayed. Buffers never are.
    pub fn includes(self, kind: ParamKind) -> bool {
        match self {
            DecayOn::Weights => kind == ParamKind::Weight,
            DecayOn::All => kind != ParamKind::Buffer,
        }
    }
}

/// Parameters that are treated apart: those below a path, of certain kinds, or both.
///
/// A parameter belongs to the first group that takes it, or to none.
///
/// ```
/// use layerwise_optim::{AdamW, Group};
/// use layerwise_tensor::ParamKind;
///
/// let slow_encoder = Group::below("encoder").rate_factor(0.1);
/// let free_biases = Group::of_kinds(&[ParamKind::Bias]).no_decay();
/// let first_layer_of_muon = Group::below("0").rule(AdamW::default()).rate_factor(0.05);
/// # let _ = (slow_encoder, free_biases, first_layer_of_muon);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Group {
    /// Path at or below which the parameters lie, by whole components: `encoder.1` takes `encoder.1.weight`, not `encoder.10.weight`.
    /// Empty for every path.
    pub prefix: String,
    /// Kinds of parameters; empty for every kind.
    pub kinds: Vec<ParamKind>,
    /// Their rule, with its own weight decay where none is given, at the optimizer's rate; `None` for that of the optimizer.
    pub rule: Option<SharedRule>,
    /// What the rate is multiplied by.
    pub rate_factor: f64,
    /// Weight decay of every parameter of the group, whatever its kind; `None` for that of the optimizer.
    pub weight_decay: Option<f64>,
    /// L1 penalty of every parameter of the group, whatever its kind; `None` for that of the optimizer.
    pub l1: Option<f64>,
    /// What its weights must fulfil after every step; `None` for the constraints of the optimizer.
    pub constraints: Option<Vec<SharedConstraint>>,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            kinds: Vec::new(),
            rule: None,
            rate_factor: 1.0,
            weight_decay: None,
            l1: None,
            constraints: None,
        }
    }
}

impl Group {
    /// The parameters at or below a path.
    pub fn below(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..Self::default() }
    }

    /// The parameters of these kinds.
    pub fn of_kinds(kinds: &[ParamKind]) -> Self {
        Self { kinds: kinds.to_vec(), ..Self::default() }
    }

    /// Only those of these kinds.
    pub fn kinds(self, kinds: &[ParamKind]) -> Self {
        Self { kinds: kinds.to_vec(), ..self }
    }

    /// Their rule, in place of the optimizer's.
    pub fn rule(self, rule: impl Into<SharedRule>) -> Self {
        Self { rule: Some(rule.into()), ..self }
    }

    /// Their rate as a multiple of the optimizer's.
    pub fn rate_factor(self, rate_factor: f64) -> Self {
        Self { rate_factor, ..self }
    }

    /// Their weight decay, whatever their kind.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay: Some(weight_decay), ..self }
    }

    /// Their L1 penalty, whatever their kind.
    pub fn l1(self, l1: f64) -> Self {
        Self { l1: Some(l1), ..self }
    }

    /// Neither weight decay nor L1 penalty.
    pub fn no_decay(self) -> Self {
        self.weight_decay(0.0).l1(0.0)
    }

    /// One more constraint on their weights, in place of those of the optimizer.
    pub fn constraint(mut self, constraint: impl Into<SharedConstraint>) -> Self {
        self.constraints.get_or_insert_default().push(constraint.into());
        self
    }

    /// No constraint on their weights, whatever those of the optimizer.
    pub fn no_constraint(self) -> Self {
        Self { constraints: Some(Vec::new()), ..self }
    }

    /// Whether a parameter belongs to this group.
    pub fn takes(&self, spec: &ParamSpec) -> bool {
        let below = spec
            .name
            .strip_prefix(self.prefix.as_str())
            .is_some_and(|rest| self.prefix.is_empty() || rest.is_empty() || rest.starts_with('.'));
        let kind = self.kinds.is_empty() || self.kinds.contains(&spec.kind);
        below && kind && !spec.is_buffer()
    }

    pub(crate) fn check(&self) -> Result<(), OptimError> {
        self.rule.iter().try_for_each(|rule| rule.validate())?;
        require_not_negative("rate_factor", self.rate_factor)?;
        require_not_negative("weight_decay", self.weight_decay.unwrap_or(0.0))?;
        require_not_negative("l1", self.l1.unwrap_or(0.0))?;
        self.constraints.iter().flatten().try_for_each(|c| c.validate())
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kinds.as_slice() {
            [] => write!(f, "all below `{}`", self.prefix),
            kinds => write!(f, "{kinds:?} below `{}`", self.prefix),
        }
    }
}
