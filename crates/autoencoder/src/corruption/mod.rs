//! What is done to an input in training, so that a denoising autoencoder learns to undo it: one file each, one line in the table.
//!
//! A corruption is a layer that acts under [`layerwise_tensor::Mode::Train`] only. The target stays the clean input.

mod block;
mod check;
mod gaussian;
mod masking;
mod salt_and_pepper;
mod swap;
mod table;

pub use block::{Block, BlockConfig};
pub use gaussian::{GaussianNoise, GaussianNoiseConfig};
pub use masking::{Masking, MaskingConfig};
pub use salt_and_pepper::{SaltAndPepper, SaltAndPepperConfig};
pub use swap::{Swap, SwapConfig};
pub use table::table;
