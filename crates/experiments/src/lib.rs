//! The experiments and the report.
//!
//! An [`Experiment`](experiment::Experiment) is plain data: a question, the claim behind it, variants, a function that runs one variant
//! with one seed, and criteria fixed beforehand. The [`runner`] runs it and writes a record; the [`report`] shows the records.
//! A new experiment is a file under `exp/` and a line in `table.rs`.

pub mod baselines;
pub mod cli;
pub mod criterion;
pub mod data;
pub mod environment;
pub mod error;
mod exp;
pub mod experiment;
pub mod figure;
pub mod plan;
pub mod profile;
pub mod record;
pub mod report;
pub mod results;
pub mod runner;
pub mod settings;
mod slides;
pub mod stats;
mod summary;
mod table;

pub use table::{find, table, unknown};
