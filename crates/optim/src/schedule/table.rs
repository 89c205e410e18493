//! The shelf of schedules.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Schedule;
use super::chained::Chained;
use super::constant::Constant;
use super::cosine::Cosine;
use super::exponential::Exponential;
use super::linear::Linear;
use super::multi_step::MultiStep;
use super::one_cycle::{Anneal, OneCycle};
use super::polynomial::Polynomial;
use super::sequential::Sequential;
use super::shared::SharedSchedule;
use super::step::Step;
use super::sutskever::Sutskever;
use super::warm_restarts::WarmRestarts;
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

static TABLE: [ScheduleEntry; 13] = [
    ScheduleEntry {
        name: Chained::NAME,
        summary: "the product of several schedules",
        build: build::<Chained>,
        samples: || {
            vec![Chained::new(Linear::new(5, 0.5, 1.0)).with(Exponential::new(0.95)).with(Sutskever::default()).into()]
        },
    },
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
        name: Exponential::NAME,
        summary: "down by the same factor at every step",
        build: build::<Exponential>,
        samples: || vec![Exponential::new(0.97).into()],
    },
    ScheduleEntry {
        name: Linear::NAME,
        summary: "along a straight line, then level",
        build: build::<Linear>,
        samples: || vec![Linear::new(5, 1.0 / 3.0, 1.0).into(), Linear::new(100, 1.0, 0.0).into()],
    },
    ScheduleEntry {
        name: MultiStep::NAME,
        summary: "down by a factor at steps that are listed",
        build: build::<MultiStep>,
        samples: || vec![MultiStep::new(&[10, 10, 60], 0.5).into()],
    },
    ScheduleEntry {
        name: OneCycle::NAME,
        summary: "up to a high rate and down to almost nothing, the momentum the other way",
        build: build::<OneCycle>,
        samples: || {
            vec![
                OneCycle::new(100).into(),
                OneCycle::new(50).rise(0.25).divs(10.0, 100.0).anneal(Anneal::Linear).without_momentum().into(),
                OneCycle::new(80).three_phases().into(),
            ]
        },
    },
    ScheduleEntry {
        name: Polynomial::NAME,
        summary: "down along a power of what is left",
        build: build::<Polynomial>,
        samples: || vec![Polynomial::new(5, 1.0).into(), Polynomial::new(90, 2.0).floor(0.1).into()],
    },
    ScheduleEntry {
        name: Sequential::NAME,
        summary: "one schedule after another",
        build: build::<Sequential>,
        samples: || {
            vec![
                Sequential::new(Linear::new(8, 0.1, 1.0))
                    .then(8, Cosine::new(40, 0.0))
                    .then(60, OneCycle::new(20))
                    .into(),
            ]
        },
    },
    ScheduleEntry {
        name: Step::NAME,
        summary: "down by a factor every so many steps",
        build: build::<Step>,
        samples: || vec![Step::new(30, 0.1).into()],
    },
    ScheduleEntry {
        name: Sutskever::NAME,
        summary: "momentum that grows as the training goes on",
        build: build::<Sutskever>,
        samples: || vec![Sutskever::default().into(), Sutskever::new(10, 0.9).into()],
    },
    ScheduleEntry {
        name: WarmRestarts::NAME,
        summary: "cosine waves one after another",
        build: build::<WarmRestarts>,
        samples: || vec![WarmRestarts::new(10, 1).into(), WarmRestarts::new(7, 2).floor(0.05).into()],
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
