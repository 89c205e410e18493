//! The shelf of schedules.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Schedule;
use super::constant::Constant;
use super::cosine::Cosine;
use super::shared::SharedSchedule;
use super::step::Step;
use super::warmup::Warmup;
use crate::error::OptimError;
use crate::named::{self, Named};

/// One schedule of the table.
#[derive(Debug)]
pub struct ScheduleEntry {
    /// The name in configurations.
    pub name: &'static str,
    /// The schedule in one line.
    pub summary: &'static str,
    build: fn(Value) -> Result<SharedSchedule, serde_json::Error>,
    samples: fn() -> Vec<SharedSchedule>,
}

impl ScheduleEntry {
    /// Schedules of this entry: the laws run on each.
    pub fn samples(&self) -> Vec<SharedSchedule> {
        (self.samples)()
    }
}

impl Named for ScheduleEntry {
    fn name(&self) -> &'static str {
        self.name
    }
}

/// Every schedule there is, in alphabetical order.
pub fn table() -> &'static [ScheduleEntry] {
    &TABLE
}

static TABLE: [ScheduleEntry; 4] = [
    ScheduleEntry {
        name: Constant::NAME,
        summary: "no change",
        build: build::<Constant>,
        samples: || vec![Constant {}.into()],
    },
    ScheduleEntry {
        name: Cosine::NAME,
        summary: "down half a cosine wave to a floor",
        build: build::<Cosine>,
        samples: || vec![Cosine::new(100, 0.0).into(), Cosine::new(7, 0.1).into()],
    },
    ScheduleEntry {
        name: Step::NAME,
        summary: "down by a factor every so many steps",
        build: build::<Step>,
        samples: || vec![Step::new(30, 0.1).into()],
    },
    ScheduleEntry {
        name: Warmup::NAME,
        summary: "up from a small rate, then another schedule",
        build: build::<Warmup>,
        samples: || vec![Warmup::new(10, Constant {}).into(), Warmup::new(5, Cosine::new(50, 0.01)).start(0.1).into()],
    },
];

fn build<S: Schedule + DeserializeOwned + 'static>(options: Value) -> Result<SharedSchedule, serde_json::Error> {
    Ok(SharedSchedule::from(serde_json::from_value::<S>(options)?))
}

/// Builds a schedule from `{"name": "cosine", "steps": 1000}`; keys left out take their defaults.
///
/// # Errors
/// If the name is not in the table, a key is not known or of the wrong type, or a value is out of range.
pub fn from_config(config: &Value) -> Result<SharedSchedule, OptimError> {
    let (name, options) = named::split_name("schedule", config)?;
    let entry = named::find("schedule", table(), name)?;
    let schedule = (entry.build)(options)
        .map_err(|e| OptimError::Config { what: format!("schedule `{name}`"), reason: e.to_string() })?;
    schedule.validate()?;
    Ok(schedule)
}

impl<'de> Deserialize<'de> for SharedSchedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_config(&serde_json::Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
