//! The operations, one file each; every one is a method of [`Graph`](crate::Graph).

mod activate;
mod activate_derivative;
mod add;
mod batch_norm;
mod bce_with_logits;
mod broadcast;
mod concat;
mod detach;
mod div;
mod dropout;
mod elementwise;
mod ending;
mod gather_cols;
mod gaussian_kl;
mod layer_norm;
mod linear;
mod log_softmax;
mod log_sum_exp;
mod matmul;
mod mse;
mod mul;
mod pointwise;
mod reparameterise;
mod reshape;
mod slice_cols;
mod softmax;
mod softmax_cross_entropy;
mod sub;
mod sum;
mod table;
mod tied_linear;
mod transpose;

pub use matmul::Trans;
pub use table::{OpEntry, table};
