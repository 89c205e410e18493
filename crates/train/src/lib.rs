#![doc = include_str!("../README.md")]

mod callback;
mod data;
mod error;
mod history;
pub mod metrics;
pub mod model_file;

#[cfg(feature = "progress")]
pub use callback::Progress;
pub use callback::{Callback, EarlyStopping, EpochEnd, FitBegin, Monitor, StepEnd, Stop};
pub use data::{Samples, Targets};
pub use error::TrainError;
pub use history::{Best, EpochRecord, FitReport, History, StopReason};
