//! Layers: one file each, with a configuration that builds it, and one line in the table.

mod activation;
mod batch_norm;
mod check;
mod dropout;
mod entry;
mod layer_norm;
mod linear;
mod prelu;
mod residual;
mod sequential;
mod table;

pub use activation::{ActivationConfig, ActivationLayer};
pub use batch_norm::{BatchNorm, BatchNormConfig};
pub use dropout::{Dropout, DropoutConfig};
pub use entry::{BuildLayer, Built, LayerConfig, LayerEntry, LayerTraits, Sample, Shelf};
pub use layer_norm::{LayerNorm, LayerNormConfig};
pub use linear::{Linear, LinearConfig};
pub use prelu::{PRelu, PReluConfig};
pub use residual::{Residual, ResidualConfig};
pub use sequential::{Sequential, SequentialConfig};
pub use table::table;

pub(crate) use check::{depth, probability, width};
