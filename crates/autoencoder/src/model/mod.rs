//! Autoencoders: one file for each kind, one line in the table.
//!
//! All kinds are one [`Autoencoder`](crate::Autoencoder) with an encoder and a decoder; a kind is a way to configure it and says what is special about it.

mod bottleneck;
mod contractive;
mod deep;
mod denoising;
mod kind;
mod sparse;
mod table;
mod tied;
mod variational;

pub use kind::ModelKind;
pub use table::table;
