//! Layers: one file each, with a configuration that builds it, and one line in the table.

mod activation;
mod alpha_dropout;
mod batch_norm;
mod check;
mod drop_connect;
mod dropout;
mod entry;
mod gaussian_dropout;
mod gaussian_noise;
mod glu;
mod group_norm;
mod highway;
mod layer_norm;
mod linear;
mod noise;
mod prelu;
mod residual;
mod rms_norm;
mod sequential;
mod swiglu;
mod table;

pub use activation::{ActivationConfig, ActivationLayer};
pub use alpha_dropout::{AlphaDropout, AlphaDropoutConfig};
pub use batch_norm::{BatchNorm, BatchNormConfig};
pub use drop_connect::{DropConnect, DropConnectConfig};
pub use dropout::{Dropout, DropoutConfig};
pub use entry::{BuildLayer, Built, LayerConfig, LayerEntry, LayerTraits, Sample, Shelf};
pub use gaussian_dropout::{GaussianDropout, GaussianDropoutConfig};
pub use gaussian_noise::{GaussianNoise, GaussianNoiseConfig};
pub use glu::{Glu, GluConfig};
pub use group_norm::{GroupNorm, GroupNormConfig};
pub use highway::{Highway, HighwayConfig};
pub use layer_norm::{LayerNorm, LayerNormConfig};
pub use linear::{Linear, LinearConfig};
pub use prelu::{PRelu, PReluConfig};
pub use residual::{Residual, ResidualConfig};
pub use rms_norm::{RmsNorm, RmsNormConfig};
pub use sequential::{Sequential, SequentialConfig};
pub use swiglu::{SwiGlu, SwiGluConfig};
pub use table::table;

pub(crate) use check::{depth, probability, width};
