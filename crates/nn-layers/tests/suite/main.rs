//! What holds for every activation, initializer, layer, loss and model, and what PyTorch says by hand.

mod activation;
mod config;
mod custom;
mod gradient;
mod init;
mod layer;
mod layer_noise;
mod loss;
mod lsuv;
mod mlp;
mod sparsity;
mod support;
mod twice;
mod weight_norms;
mod weights;
