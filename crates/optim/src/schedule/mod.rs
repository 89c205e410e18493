//! Schedules: how the rate changes from step to step.
//!
//! A schedule is one file that holds a struct and a formula ([`Schedule::factor`]), and one line in [`table()`]. It multiplies the base
//! rate, so that parameter groups and changes by hand go together with it. Steps are optimizer steps, counted from 0.

mod constant;
mod cosine;
mod shared;
mod step;
mod table;
mod warmup;

use std::fmt::Debug;

use crate::error::OptimError;

pub use constant::Constant;
pub use cosine::Cosine;
pub use shared::SharedSchedule;
pub use step::Step;
pub use table::{ScheduleEntry, from_config, table};
pub use warmup::Warmup;

/// A factor on the base rate for each step.
pub trait Schedule: Debug + Send + Sync {
    /// The factor at `step`, counted from 0.
    fn factor(&self, step: u64) -> f64;

    /// Whether the numbers are in range.
    fn validate(&self) -> Result<(), OptimError> {
        Ok(())
    }

    /// The schedule as an object `{"name": .., ..}`, from which [`from_config`] builds it again.
    fn config(&self) -> serde_json::Value;
}
