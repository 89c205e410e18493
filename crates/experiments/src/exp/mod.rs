//! The experiments, one file each.

pub(crate) mod activations;
pub(crate) mod anomaly_tabular;
mod common;
pub(crate) mod depth_vs_width;
pub(crate) mod mnist_mlp;
pub(crate) mod normalisation;
pub(crate) mod optimizers;
pub(crate) mod regions_by_depth;
