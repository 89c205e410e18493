//! What is done to an input in training, so that a denoising autoencoder learns to undo it: one file each, one line in the table.
//!
//! A corruption is a layer that acts under [`layerwise_tensor::Mode::Train`] only. The target stays the clean input.

mod gaussian;
mod table;

pub use gaussian::{GaussianNoise, GaussianNoiseConfig};
pub use table::table;
