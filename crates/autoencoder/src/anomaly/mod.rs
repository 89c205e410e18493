//! Anomaly detection by reconstruction: what an autoencoder trained on normal rows cannot reproduce is not normal.
//!
//! A detector is fitted once; thresholds are chosen afterwards and cost nothing to change.

mod detector;
mod ensemble;
mod file;
mod fitted;
mod gaps;
mod preparation;
mod rows;
mod score;
pub mod threshold;

pub use detector::{AutoencoderDetector, DEFAULT_STEPS};
pub use ensemble::{Combine, EnsembleDetector, FittedEnsemble};
pub use fitted::FittedDetector;
pub use gaps::{DEFAULT_HIDDEN_SHARE, Gaps};
pub use preparation::Categories;
pub use rows::Rows;
pub use score::Score;
pub use threshold::{Threshold, ThresholdRule};
