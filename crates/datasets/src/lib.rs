#![doc = include_str!("../README.md")]

mod anomalies;
mod batches;
pub mod catalog;
mod error;
pub mod format;
mod labelled;
mod limits;
pub mod split;
pub mod synthetic;
pub mod table;

pub use anomalies::AnomalySet;
pub use batches::Batches;
pub use error::DataError;
pub use labelled::Labelled;
pub use limits::Limits;
pub use ndarray;
pub use split::{Split, SplitIndices};
pub use table::{Column, ColumnKind, Encoding, Missing, Scaler, ScalerKind, Schema, Table};
