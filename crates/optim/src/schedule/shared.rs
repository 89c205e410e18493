//! A schedule behind a pointer, with its configuration.
//! (not an entry of the table)

use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::{Constant, Schedule};

/// Any schedule: cheap to clone, written as `{"name": .., ..}`, read through the table. Constant by default.
#[derive(Clone, Debug)]
pub struct SharedSchedule(Arc<dyn Schedule>);

impl<S: Schedule + 'static> From<S> for SharedSchedule {
    fn from(schedule: S) -> Self {
        Self(Arc::new(schedule))
    }
}

impl Default for SharedSchedule {
    fn default() -> Self {
        Constant {}.into()
    }
}

impl Deref for SharedSchedule {
    type Target = dyn Schedule;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl Serialize for SharedSchedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.config().serialize(serializer)
    }
}
