#![doc = include_str!("../README.md")]

pub mod anomaly;
mod autoencoder;
mod config;
mod contraction;
pub mod corruption;
mod decoder;
mod encoder;
mod error;
mod likelihood;
pub mod model;
pub mod pretrain;
mod variational;

pub use anomaly::{
    AutoencoderDetector, Categories, Combine, EnsembleDetector, FittedDetector, FittedEnsemble, Gaps, Rows, Score,
    Threshold, ThresholdRule,
};
pub use autoencoder::Autoencoder;
pub use config::AutoencoderConfig;
pub use contraction::Contraction;
pub use corruption::{
    Block, BlockConfig, GaussianNoise, GaussianNoiseConfig, Masking, MaskingConfig, SaltAndPepper, SaltAndPepperConfig,
    Swap, SwapConfig,
};
pub use decoder::Decoder;
pub use encoder::Encoder;
pub use error::AutoencoderError;
pub use pretrain::{PretrainReport, Pretrained, Pretraining};
pub use variational::{ValuesGiven, Variational};
