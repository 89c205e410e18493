#![doc = include_str!("../README.md")]

pub mod anomaly;
mod autoencoder;
mod config;
pub mod corruption;
mod error;
pub mod model;

pub use anomaly::{AutoencoderDetector, FittedDetector, Rows, Score, Threshold, ThresholdRule};
pub use autoencoder::Autoencoder;
pub use config::AutoencoderConfig;
pub use corruption::{GaussianNoise, GaussianNoiseConfig};
pub use error::AutoencoderError;
