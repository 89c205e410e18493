//! Layer after layer, before the whole: how deep autoencoders, and deep classifiers, are given first values.
//!
//! Each layer of the encoder, with the layer of the decoder that undoes it, is trained as an autoencoder of its own on the codes of the
//! layers below. Then the layers are stacked and trained together.

mod pretrained;
mod pretraining;

pub use pretrained::{PretrainReport, Pretrained};
pub use pretraining::Pretraining;
