//! A rule behind a pointer, with its configuration.
//! (not an entry of the table)

use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::UpdateRule;

/// Any rule: cheap to clone, written as `{"name": .., hyperparameters}`, read through the table.
///
/// A rule of one's own is written too, but read only once it stands in the table.
#[derive(Clone, Debug)]
pub struct SharedRule(Arc<dyn UpdateRule>);

impl<R: UpdateRule + 'static> From<R> for SharedRule {
    fn from(rule: R) -> Self {
        Self(Arc::new(rule))
    }
}

/// Two rules are equal if their configurations are.
impl PartialEq for SharedRule {
    fn eq(&self, other: &Self) -> bool {
        self.config() == other.config()
    }
}

impl Deref for SharedRule {
    type Target = dyn UpdateRule;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl Serialize for SharedRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.config().serialize(serializer)
    }
}
