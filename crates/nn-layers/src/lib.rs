#![doc = include_str!("../README.md")]

pub mod activation;
mod error;
pub mod init;
pub mod layer;
pub mod loss;
mod lsuv;
mod mlp;
pub mod model;
mod module;
mod options;
pub mod special;

pub use activation::Activation;
pub use error::ConfigError;
pub use init::Init;
pub use layer::{
    ActivationConfig, ActivationLayer, Activity, ActivityConfig, AlphaDropout, AlphaDropoutConfig, BatchNorm,
    BatchNormConfig, BuildLayer, DropConnect, DropConnectConfig, DropConnectUse, Dropout, DropoutConfig,
    GaussianDropout, GaussianDropoutConfig, GaussianNoise, GaussianNoiseConfig, Glu, GluConfig, GroupNorm,
    GroupNormConfig, Highway, HighwayConfig, KSparse, KSparseConfig, KlSparsity, KlSparsityConfig, LayerConfig,
    LayerNorm, LayerNormConfig, Linear, LinearConfig, PRelu, PReluConfig, Residual, ResidualConfig, RmsNorm,
    RmsNormConfig, Sequential, SequentialConfig, SpectralNorm, SpectralNormConfig, SwiGlu, SwiGluConfig, WeightNorm,
    WeightNormConfig,
};
pub use loss::{
    AnyLoss, BceWithLogits, GaussianNll, Huber, KlDiv, Likelihood, Loss, Mae, Mixed, Mse, NegativeBinomial, PoissonNll,
    SmoothL1, SoftmaxCrossEntropy, Target, TargetKind, Terms, Weighted, WeightedBceWithLogits,
    WeightedSoftmaxCrossEntropy, Weights,
};
pub use lsuv::{Lsuv, LsuvLayer, LsuvReport, lsuv};
pub use mlp::{Mlp, MlpConfig, Norm};
pub use model::{BuildModel, ModelConfig, SequentialModelConfig};
pub use module::{AnyModule, Ending, Module};
pub use options::{ArgSpec, Args, Domain};
