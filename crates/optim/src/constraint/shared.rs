//! A constraint behind a pointer, with its configuration.
//! (not an entry of the table)

use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::Constraint;

/// Any constraint: cheap to clone, written as `{"name": .., ..}`, read through the table. Two are equal if their configurations are.
#[derive(Clone, Debug)]
pub struct SharedConstraint(Arc<dyn Constraint>);

impl<C: Constraint + 'static> From<C> for SharedConstraint {
    fn from(constraint: C) -> Self {
        Self(Arc::new(constraint))
    }
}

impl Deref for SharedConstraint {
    type Target = dyn Constraint;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl PartialEq for SharedConstraint {
    fn eq(&self, other: &Self) -> bool {
        self.config() == other.config()
    }
}

impl Serialize for SharedConstraint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.config().serialize(serializer)
    }
}
