//! A network that learns labelled rows: what many experiments do with each of their variants.

use super::common;
use crate::error::ExperimentError;
use crate::experiment::Run;
use layerwise::datasets::Labelled;
use layerwise::nn::{Activation, BuildModel, Init, Mlp, MlpConfig, Module, Norm, SoftmaxCrossEntropy};
use layerwise::optim::{Cosine, OptimizerConfig, rule};
use layerwise::tensor::Params;
use layerwise::tensor::ndarray::ArrayView2;
use layerwise::train::{Samples, StepEnd, TrainError, Trainer, evaluate};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::ops::ControlFlow;

/// A multilayer perceptron and how it is trained on softmax cross-entropy.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Learning {
    pub(super) hidden: Vec<usize>,
    pub(super) activation: Activation,
    pub(super) init: Init,
    pub(super) norm: Norm,
    pub(super) dropout: f64,
    pub(super) rule: Value,
    pub(super) rate: f64,
    pub(super) decay: f64,
    /// Whether the rate falls to zero along a cosine.
    pub(super) cosine: bool,
    pub(super) batch: usize,
    pub(super) epochs: usize,
    /// Training rows at most.
    pub(super) examples: usize,
}

impl Learning {
    /// ReLU, He's weights, Adam at 0.001, batches of 128.
    pub(super) fn new(hidden: &[usize], epochs: usize, examples: usize) -> Self {
        Self {
            hidden: hidden.to_vec(),
            activation: Activation::RELU,
            init: Init::HE_NORMAL,
            norm: Norm::None,
            dropout: 0.0,
            rule: adam(),
            rate: 1e-3,
            decay: 0.0,
            cosine: false,
            batch: 128,
            epochs,
            examples,
        }
    }

    pub(super) fn network(&self, inputs: usize, outputs: usize) -> MlpConfig {
        let net = Mlp::builder(inputs).hidden(&self.hidden).outputs(outputs).activation(self.activation);
        net.norm(self.norm).dropout(self.dropout).init(self.init)
    }

    pub(super) fn optimizer(&self, rows: usize) -> Result<OptimizerConfig, ExperimentError> {
        let rule = rule::from_config(&self.rule).map_err(|e| ExperimentError::Training(e.to_string()))?;
        let config = OptimizerConfig::new(rule).rate(self.rate).weight_decay(self.decay);
        let steps = (self.epochs * rows.div_ceil(self.batch)) as u64;
        Ok(if self.cosine { config.schedule(Cosine::new(steps, 0.0)) } else { config })
    }

    /// Draws the network from `seed` and trains it on the first rows of `train`.
    pub(super) fn learn(&self, train: &Labelled<f32>, seed: u64) -> Result<Learned<Mlp>, ExperimentError> {
        let (model, params) = self.network(train.cols(), train.classes).create(seed)?;
        self.fit(model, params, train, seed)
    }

    /// Trains `params` of any model.
    pub(super) fn fit<M: Module<f32>>(
        &self,
        model: M,
        params: Params<f32>,
        train: &Labelled<f32>,
        seed: u64,
    ) -> Result<Learned<M>, ExperimentError> {
        self.watch(model, params, train, seed, |_| {})
    }

    /// The same, with a look at every step.
    pub(super) fn watch<M: Module<f32>>(
        &self,
        model: M,
        mut params: Params<f32>,
        train: &Labelled<f32>,
        seed: u64,
        mut look: impl FnMut(&StepEnd<'_, f32>) + Send,
    ) -> Result<Learned<M>, ExperimentError> {
        let rows = train.rows().min(self.examples);
        let samples = Samples::labels(train.x.slice(layerwise::tensor::ndarray::s![..rows, ..]), &train.y[..rows])?;
        let mut losses = Vec::with_capacity(self.epochs);
        let fit = Trainer::new(&model, SoftmaxCrossEntropy)
            .epochs(self.epochs)
            .batch(self.batch)
            .seed(seed)
            .optimizer(self.optimizer(rows)?)
            .on_step(|s| {
                look(s);
                ControlFlow::Continue(())
            })
            .on_epoch(|e| {
                losses.push(e.record.loss);
                ControlFlow::Continue(())
            })
            .fit(&mut params, &samples);
        let diverged = match fit {
            Ok(_) => false,
            Err(TrainError::Diverged { .. }) => true,
            Err(e) => return Err(e.into()),
        };
        Ok(Learned { model, params, losses, classes: train.classes, diverged })
    }
}

/// What came of it.
pub(super) struct Learned<M> {
    pub(super) model: M,
    pub(super) params: Params<f32>,
    /// Mean loss over each epoch's batches, each before its step.
    pub(super) losses: Vec<f64>,
    classes: usize,
    pub(super) diverged: bool,
}

impl<M: Module<f32>> Learned<M> {
    /// Mean cross-entropy on `data`, without dropout.
    pub(super) fn loss(&self, data: &Labelled<f32>) -> Result<f64, ExperimentError> {
        let samples = Samples::labels(data.x.view(), &data.y)?;
        Ok(evaluate(&self.model, &SoftmaxCrossEntropy, &self.params, &samples, 512))
    }

    /// Share of the rows that are put into a wrong class.
    pub(super) fn error(&self, data: &Labelled<f32>) -> Result<f64, ExperimentError> {
        self.error_at(data.x.view(), &data.y)
    }

    /// The same for rows and labels.
    pub(super) fn error_at(&self, x: ArrayView2<'_, f32>, y: &[u32]) -> Result<f64, ExperimentError> {
        if self.diverged {
            // What is not a number says nothing: that is chance.
            return Ok(1.0 - 1.0 / self.classes as f64);
        }
        Ok(1.0 - common::accuracy(&self.model, &self.params, x, y)?)
    }

    /// Leaves the training loss by epoch for the figures and the log.
    pub(super) fn draw(&self, run: &mut Run<'_>) {
        run.curve("loss", (1..=self.losses.len()).map(|e| e as f64), self.losses.iter().copied());
        for (e, loss) in self.losses.iter().enumerate() {
            run.log(e as u64 + 1, &[("loss", *loss)]);
        }
    }
}

pub(super) fn adam() -> Value {
    json!({"name": "adam"})
}

pub(super) fn sgd() -> Value {
    json!({"name": "sgd"})
}

pub(super) fn momentum(mu: f64) -> Value {
    json!({"name": "sgd", "momentum": mu})
}
