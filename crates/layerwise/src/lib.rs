#![doc = include_str!("../README.md")]

#[doc(inline)]
pub use layerwise_autoencoder as autoencoder;
#[doc(inline)]
pub use layerwise_autograd as autograd;
#[doc(inline)]
pub use layerwise_datasets as datasets;
#[doc(inline)]
pub use layerwise_nn_layers as nn;
#[doc(inline)]
pub use layerwise_optim as optim;
#[doc(inline)]
pub use layerwise_tensor as tensor;
#[doc(inline)]
pub use layerwise_train as train;

pub mod prelude;
