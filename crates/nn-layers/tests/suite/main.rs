//! What holds for every activation, initializer, layer, loss and model, and what PyTorch says by hand.

mod activation;
mod config;
mod custom;
mod gradient;
mod init;
mod layer;
mod layer_noise;
mod loss;
mod mlp;
mod support;
mod weights;
