//! No change.

use serde::{Deserialize, Serialize};

use super::Schedule;
use crate::named::with_name;

/// The factor 1 at every step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constant {}

impl Constant {
    pub(crate) const NAME: &'static str = "constant";
}

impl Schedule for Constant {
    fn factor(&self, _step: u64) -> f64 {
        1.0
    }

    fn config(&self) -> serde_json::Value {
        with_name(Self::NAME, self)
    }
}
