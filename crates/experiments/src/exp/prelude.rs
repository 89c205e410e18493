//! What nearly every experiment names.

pub(super) use super::common::{self, DIGITS};
pub(super) use super::learner::{Learning, adam, momentum, sgd};
pub(super) use super::rebuilder::{Rebuilding, pictures};
pub(super) use crate::criterion::{Criterion, Estimate, Side};
pub(super) use crate::error::ExperimentError;
pub(super) use crate::experiment::{
    Anchor, Experiment, Grain, Metrics, Need, Profile, Run, Settings, Tag, Variant, metrics,
};
pub(super) use crate::figure::{Axis, Chart, Figure, Series, bars, lines, scatter};
pub(super) use crate::results::{Results, estimate};
pub(super) use crate::stats;
pub(super) use layerwise::datasets::Labelled;
pub(super) use layerwise::nn::{Activation, BuildModel, Init, Mlp, Norm, SoftmaxCrossEntropy};
pub(super) use layerwise::tensor::ndarray::{Array1, Array2, ArrayView2, s};
pub(super) use layerwise::tensor::{Mode, Params, Stream};
pub(super) use layerwise::train::{Samples, Trainer, evaluate, predict};
pub(super) use serde::{Deserialize, Serialize};
pub(super) use serde_json::{Value, json};
