//! The shelf of constraints.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::ConstraintFn;
use super::max_norm::MaxNorm;
use super::non_negative::NonNegative;
use super::shared::SharedConstraint;
use super::unit_norm::UnitNorm;
use crate::error::OptimError;
use crate::named::{self, Named};

/// One constraint of the table.
#[derive(Debug)]
pub struct ConstraintEntry {
    /// The name in configurations.
    pub name: &'static str,
    /// The constraint in one line.
    pub summary: &'static str,
    build: fn(Value) -> Result<SharedConstraint, serde_json::Error>,
    samples: fn() -> Vec<SharedConstraint>,
}

impl ConstraintEntry {
    /// Constraints of this entry: the laws run on each.
    pub fn samples(&self) -> Vec<SharedConstraint> {
        (self.samples)()
    }
}

impl Named for ConstraintEntry {
    fn name(&self) -> &'static str {
        self.name
    }
}

/// Every constraint there is, in alphabetical order.
pub fn table() -> &'static [ConstraintEntry] {
    &TABLE
}

static TABLE: [ConstraintEntry; 3] = [
    ConstraintEntry {
        name: MaxNorm::NAME,
        summary: "a largest norm of the incoming weights of each unit",
        build: build::<MaxNorm>,
        samples: || vec![MaxNorm::default().into(), MaxNorm::new(0.5).into()],
    },
    ConstraintEntry {
        name: NonNegative::NAME,
        summary: "no negative weights",
        build: build::<NonNegative>,
        samples: || vec![NonNegative {}.into()],
    },
    ConstraintEntry {
        name: UnitNorm::NAME,
        summary: "incoming weights of norm one",
        build: build::<UnitNorm>,
        samples: || vec![UnitNorm {}.into()],
    },
];

fn build<C: ConstraintFn + DeserializeOwned>(options: Value) -> Result<SharedConstraint, serde_json::Error> {
    Ok(SharedConstraint::from(serde_json::from_value::<C>(options)?))
}

/// Builds a constraint from `{"name": "max_norm", "max": 3}`, or from the bare name; keys left out take their defaults.
///
/// # Errors
/// If the name is not in the table, a key is not known or of the wrong type, or a value is out of range.
pub fn from_config(config: &Value) -> Result<SharedConstraint, OptimError> {
    let (name, options) = named::split_name("constraint", config)?;
    let entry = named::find("constraint", table(), name)?;
    let constraint = (entry.build)(options)
        .map_err(|e| OptimError::Config { what: format!("constraint `{name}`"), reason: e.to_string() })?;
    constraint.validate()?;
    Ok(constraint)
}

impl<'de> Deserialize<'de> for SharedConstraint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_config(&serde_json::Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
