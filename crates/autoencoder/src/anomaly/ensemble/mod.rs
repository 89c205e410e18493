//! Several detectors that judge together.

mod combine;
mod detector;
mod file;
mod fitted;

pub use combine::Combine;
pub use detector::EnsembleDetector;
pub use fitted::FittedEnsemble;
