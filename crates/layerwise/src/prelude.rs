//! The names that most programs need: `use layerwise::prelude::*;`.

pub use layerwise_autoencoder::{Autoencoder, AutoencoderConfig, AutoencoderDetector, FittedDetector, Threshold};
pub use layerwise_autograd::{Graph, Tape, Var};
pub use layerwise_datasets::{Batches, Labelled, Scaler, ScalerKind, Table, split, synthetic};
pub use layerwise_nn_layers::{
    Activation, BceWithLogits, BuildModel, Init, Linear, LinearConfig, Loss, Mlp, MlpConfig, Module, Mse, Norm,
    SoftmaxCrossEntropy, Target,
};
pub use layerwise_optim::{AdaGrad, Adam, AdamW, Clip, Cosine, Optimizer, OptimizerConfig, RmsProp, Sgd, Step, Warmup};
pub use layerwise_tensor::ndarray;
pub use layerwise_tensor::{Accum, Gradients, Layout, Mode, ParamKind, Params, Scalar, Scope, Stream};
pub use layerwise_train::{Checkpoint, EarlyStopping, FitReport, Samples, Trainer, metrics, model_file, predict};
