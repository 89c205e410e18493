#![doc = include_str!("../README.md")]

mod acts;
mod averages;
mod batch;
mod callback;
mod checkpoint;
mod data;
pub mod diagnostics;
mod divergence;
mod error;
mod evaluate;
mod history;
pub mod metrics;
pub mod model_file;
mod rate_range;
mod run;
pub mod search;
mod state;
mod streams;
mod summary;
mod threads;
mod trainer;

#[cfg(feature = "progress")]
pub use callback::Progress;
pub use callback::{
    Callback, CallbackState, CsvLog, EarlyStopping, EpochEnd, FitBegin, JsonlLog, Monitor, RateLog, StepEnd, Stop,
};
pub use checkpoint::Checkpoint;
pub use data::{Samples, Targets};
pub use error::TrainError;
pub use evaluate::{Evaluator, evaluate, predict};
pub use history::{Best, EpochRecord, FitReport, History, StopReason};
pub use rate_range::{RateCurve, RateRange, rate_range};
pub use streams::Streams;
pub use summary::{Summary, SummaryLayer};
pub use trainer::Trainer;
