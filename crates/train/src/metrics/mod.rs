//! Numbers that say how good a model is.
//!
//! Every metric takes plain slices or views and returns `f64`. Scores that are NaN are an error, never a silent rank: a model that
//! diverged must not look like a model that is merely bad.

mod classes;
mod error_measures;
mod ranking;
mod table;

pub use classes::{ConfusionMatrix, accuracy, classify};
pub use error_measures::{mae, mse};
pub use ranking::{RocPoint, average_precision, roc_auc, roc_curve};
pub use table::{Metric, Outcome, table};
