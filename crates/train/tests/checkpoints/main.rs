//! A training that is cut off and goes on: the same bits. Files that are broken, or of another training: clear errors.

mod files;
mod refused;
mod resume;

use std::ops::ControlFlow;
use std::path::Path;

use layerwise_nn_layers::{Activation, BuildModel, Mlp, MlpConfig, Norm, SoftmaxCrossEntropy};
use layerwise_optim::{Adam, Clip, OneCycle, OptimizerConfig, Plateau};
use layerwise_tensor::{Scalar, Stream};
use layerwise_train::metrics::Metric;
use layerwise_train::{Checkpoint, EarlyStopping, FitReport, Samples, Stop, TrainError, Trainer};
use ndarray::Array2;

fn data<T: Scalar>(rows: usize) -> (Array2<T>, Vec<u32>) {
    let mut x = Array2::zeros((rows, 6));
    Stream::new(5).child("data").normal(rows as u64, x.as_slice_mut().unwrap());
    let y = x.outer_iter().map(|r| u32::from(r[0] * r[1] > T::zero())).collect();
    (x, y)
}

fn network() -> MlpConfig {
    Mlp::builder(6).hidden(&[10, 7]).outputs(2).activation(Activation::TANH).norm(Norm::Batch).dropout(0.2)
}

/// What a training leaves behind: the bytes of the parameters it returns, its report, and the bytes of its last checkpoint.
type Outcome = (Vec<u8>, FitReport, Vec<u8>);

/// A training of `network()` on 37 rows in batches of 8 (so the last is smaller), cut off after each of `cuts` steps and begun again.
fn train<T: Scalar>(cuts: &[u64], how: impl for<'a> Fn(Trainer<'a, T>) -> Trainer<'a, T>) -> Outcome {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last.checkpoint");
    let mut outcome = None;
    for cut in cuts.iter().map(|n| Some(*n)).chain([None]) {
        outcome = Some(part(&path, cut, &how).unwrap());
    }
    let (params, report) = outcome.unwrap();
    (params, report, std::fs::read(path).unwrap())
}

/// One process' part of a training: from the beginning or from the checkpoint to step `cut` or the end.
fn part<T: Scalar>(
    path: &Path,
    cut: Option<u64>,
    how: &impl for<'a> Fn(Trainer<'a, T>) -> Trainer<'a, T>,
) -> Result<(Vec<u8>, FitReport), TrainError> {
    let ((x, y), (held, held_y)) = (data::<T>(37), data::<T>(20));
    let (samples, validation) = (Samples::labels(x.view(), &y)?, Samples::labels(held.view(), &held_y)?);
    let (mlp, mut params) = network().create::<T>(3).unwrap();
    let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).epochs(5).batch(8).seed(3).rate(0.02);
    let trainer = how(trainer.validation(validation)).on_step(|s| match cut {
        Some(cut) if s.step + 1 == cut => ControlFlow::Break(Stop::pause("the lights go out")),
        _ => ControlFlow::Continue(()),
    });
    let report = trainer.checkpoint(Checkpoint::new(path).every_steps(3).resume(true)).fit(&mut params, &samples)?;
    Ok((params.to_le_bytes(), report))
}

fn everything<T: Scalar>(trainer: Trainer<'_, T>) -> Trainer<'_, T> {
    let plateau = Plateau::default().patience(0).factor(0.5);
    let optimizer = OptimizerConfig::new(Adam::default()).schedule(OneCycle::new(25)).plateau(plateau);
    let optimizer = optimizer.clip(Clip::GlobalNorm(0.5)).weight_decay(1e-3);
    let trainer = trainer.optimizer(optimizer).ema(0.8).lookahead(4, 0.5).metric(Metric::ACCURACY);
    trainer.callback(EarlyStopping::new(2))
}
