#![doc = include_str!("../README.md")]

mod acts;
mod batch;
mod callback;
mod data;
pub mod diagnostics;
mod divergence;
mod error;
mod evaluate;
mod history;
pub mod metrics;
pub mod model_file;
mod rate_range;
pub mod search;
mod streams;
mod summary;
mod threads;
mod trainer;

#[cfg(feature = "progress")]
pub use callback::Progress;
pub use callback::{Callback, CsvLog, EarlyStopping, EpochEnd, FitBegin, JsonlLog, Monitor, RateLog, StepEnd, Stop};
pub use data::{Samples, Targets};
pub use error::TrainError;
pub use evaluate::{Evaluator, evaluate, predict};
pub use history::{Best, EpochRecord, FitReport, History, StopReason};
pub use rate_range::{RateCurve, RateRange, rate_range};
pub use streams::Streams;
pub use summary::{Summary, SummaryLayer};
pub use trainer::Trainer;
