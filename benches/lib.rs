//! What the benches share: numbers to work on, the sizes of the kernels, and the workloads.

use layerwise_tensor::{Scalar, Stream};

mod agreement;
mod network;
mod prepared;
mod probe;
mod workload;

pub use prepared::Prepared;
pub use probe::{Limits, probe};
pub use workload::{Activations, Blocks, LossName, Rule, Workload};

/// Batch, inputs and outputs of linear layers from small to bound by the product.
pub const LINEAR_SIZES: &[[usize; 3]] =
    &[[32, 30, 16], [64, 784, 256], [128, 128, 128], [128, 784, 1024], [256, 1000, 500]];

/// `n` standard normal numbers, the same at each call.
pub fn normal<T: Scalar>(name: &str, n: usize) -> Vec<T> {
    let mut values = vec![T::zero(); n];
    Stream::new(1).child(name).normal(0, &mut values);
    values
}
