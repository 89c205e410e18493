//! Schedules: how the rate, and the momentum, change from step to step.
//!
//! A schedule is one file that holds a struct and a formula ([`Schedule::factor`]), and one line in [`table()`]. It multiplies the base
//! rate, so that parameter groups and changes by hand go together with it; a momentum takes the place of the rule's. Steps are optimizer steps, counted from 0.

mod chained;
mod constant;
mod cosine;
mod exponential;
mod linear;
mod multi_step;
mod one_cycle;
mod polynomial;
mod sequential;
mod shared;
mod step;
mod sutskever;
mod table;
mod warm_restarts;
mod warmup;

use std::fmt::Debug;

use crate::error::OptimError;

pub use chained::Chained;
pub use constant::Constant;
pub use cosine::Cosine;
pub use exponential::Exponential;
pub use linear::Linear;
pub use multi_step::MultiStep;
pub use one_cycle::{Anneal, OneCycle};
pub use polynomial::Polynomial;
pub use sequential::Sequential;
pub use shared::SharedSchedule;
pub use step::Step;
pub use sutskever::Sutskever;
pub use table::{ScheduleEntry, from_config, table};
pub use warm_restarts::WarmRestarts;
pub use warmup::Warmup;

/// A factor on the base rate for each step, and a momentum if the schedule moves it.
pub trait Schedule: Debug + Send + Sync {
    /// The factor at `step`, counted from 0.
    fn factor(&self, step: u64) -> f64;

    /// The momentum at `step` (beta1 of Adam and its kin); `None` leaves it to the rule.
    fn momentum(&self, _step: u64) -> Option<f64> {
        None
    }

    /// Whether [`Schedule::momentum`] is ever given: such a schedule needs a rule that takes it.
    fn moves_momentum(&self) -> bool {
        false
    }

    /// Whether the numbers are in range.
    fn validate(&self) -> Result<(), OptimError> {
        Ok(())
    }

    /// The schedule as an object `{"name": .., ..}`, from which [`from_config`] builds it again.
    fn config(&self) -> serde_json::Value;
}
