//! The experiments, one file each.

pub(crate) mod activations;
pub(crate) mod adaptive_generalisation;
pub(crate) mod anomaly_tabular;
mod common;
pub(crate) mod depth_vs_width;
pub(crate) mod dying_relu;
pub(crate) mod l1_l2;
pub(crate) mod linear_ae_pca;
pub(crate) mod mnist_mlp;
pub(crate) mod normalisation;
pub(crate) mod optimizer_quadratic;
pub(crate) mod optimizers;
pub(crate) mod regions_by_depth;
mod stack;
pub(crate) mod vanishing_gradients;
