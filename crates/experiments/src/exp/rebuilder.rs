//! An autoencoder that learns to repeat rows: what many experiments do with each of their variants.

use crate::error::ExperimentError;
use crate::experiment::Run;
use layerwise::autoencoder::{Autoencoder, AutoencoderConfig};
use layerwise::nn::{Activation, BuildModel, Init, Mse};
use layerwise::optim::OptimizerConfig;
use layerwise::tensor::Params;
use layerwise::tensor::ndarray::ArrayView2;
use layerwise::train::{Samples, TrainError, Trainer, evaluate};
use std::ops::ControlFlow;

/// An autoencoder of pictures of 784 pixels between 0 and 1: linear code, sigmoid output.
pub(super) fn pictures(hidden: &[usize], code: usize, activation: Activation, init: Init) -> AutoencoderConfig {
    let net = AutoencoderConfig::new(784, code).hidden(hidden).activation(activation);
    net.output_activation(Activation::SIGMOID).init(init)
}

/// How it is trained on the mean squared error.
pub(super) struct Rebuilding {
    pub(super) optimizer: OptimizerConfig,
    pub(super) epochs: usize,
    pub(super) batch: usize,
}

impl Rebuilding {
    /// Draws the network from `seed` and trains it on `x`.
    pub(super) fn learn(
        self,
        net: &AutoencoderConfig,
        x: ArrayView2<'_, f32>,
        seed: u64,
    ) -> Result<Rebuilder, ExperimentError> {
        let (model, params) = net.create(seed)?;
        self.go_on(model, params, x, seed)
    }

    /// Trains a network that has its weights.
    pub(super) fn go_on(
        self,
        model: Autoencoder,
        mut params: Params<f32>,
        x: ArrayView2<'_, f32>,
        seed: u64,
    ) -> Result<Rebuilder, ExperimentError> {
        let (columns, mut errors) = (x.ncols() as f64, Vec::with_capacity(self.epochs));
        let fit = Trainer::new(&model, Mse)
            .epochs(self.epochs)
            .batch(self.batch)
            .seed(seed)
            .optimizer(self.optimizer)
            .on_epoch(|e| {
                errors.push(columns * e.record.loss);
                ControlFlow::Continue(())
            })
            .fit(&mut params, &Samples::reconstruct(x)?);
        let diverged = match fit {
            Ok(_) => false,
            Err(TrainError::Diverged { .. }) => true,
            Err(e) => return Err(e.into()),
        };
        Ok(Rebuilder { model, params, errors, diverged })
    }
}

/// What came of it.
pub(super) struct Rebuilder {
    pub(super) model: Autoencoder,
    pub(super) params: Params<f32>,
    /// Squared error a row, summed over columns, mean over each epoch's batches, each before its step.
    pub(super) errors: Vec<f64>,
    pub(super) diverged: bool,
}

impl Rebuilder {
    /// Squared error a row of `x`, summed over columns; that of a training that diverged is none.
    pub(super) fn error(&self, x: ArrayView2<'_, f32>) -> Result<f64, ExperimentError> {
        if self.diverged {
            return Err(ExperimentError::Training("the autoencoder diverged".into()));
        }
        rebuilding_error(&self.model, &self.params, x)
    }

    /// Leaves the training error by epoch for the figures, under `curve`, and in the log.
    pub(super) fn draw(&self, curve: &str, run: &mut Run<'_>) {
        run.curve(curve, (1..=self.errors.len()).map(|e| e as f64), self.errors.iter().copied());
        for (e, error) in self.errors.iter().enumerate() {
            run.log(e as u64 + 1, &[("error", *error)]);
        }
    }
}

/// Squared error a row of `x`, summed over columns.
pub(super) fn rebuilding_error(
    model: &Autoencoder,
    params: &Params<f32>,
    x: ArrayView2<'_, f32>,
) -> Result<f64, ExperimentError> {
    Ok(x.ncols() as f64 * evaluate(model, &Mse, params, &Samples::reconstruct(x)?, 512))
}
