//! The state of an optimizer as it goes into a checkpoint.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::plateau::PlateauState;

/// All of an optimizer's state but its tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct StateMeta {
    /// The rule with its hyperparameters.
    pub rule: serde_json::Value,
    /// The rules of parameters that have another one, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, serde_json::Value>,
    /// Steps taken: where the schedule stands.
    pub steps: u64,
    /// The base rate, which may have been changed since the start.
    pub rate: f64,
    /// What the plateau has seen; nothing yet if missing.
    #[serde(default)]
    pub plateau: PlateauState,
    /// Updates of each parameter, by name.
    pub updates: BTreeMap<String, u64>,
}

/// One buffer of an optimizer's state for one parameter.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StateTensor<'a, T> {
    /// Path of the parameter and name of the buffer, such as `0.weight.exp_avg`.
    pub name: String,
    /// Rows of the parameter.
    pub rows: usize,
    /// Columns of the parameter.
    pub cols: usize,
    /// The values, row-major, laid out as the parameter is in memory: a weight `(in, out)`.
    pub values: &'a [T],
}
