//! What the child does: a training with everything in it.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use layerwise_nn_layers::{Activation, BuildModel, Mlp, Norm, SoftmaxCrossEntropy};
use layerwise_optim::{AdamW, Clip, OneCycle, OptimizerConfig};
use layerwise_tensor::{Params, Stream};
use layerwise_train::metrics::Metric;
use layerwise_train::model_file::write_atomically;
use layerwise_train::{Callback, Checkpoint, EarlyStopping, FitBegin, Samples, Stop, TrainError, Trainer};
use ndarray::Array2;

const FEATURES: usize = 48;
const CLASSES: u32 = 8;
const EPOCHS: usize = 12;

/// The exit status for a fit that failed; its message is on standard output.
pub(crate) const FAILED: i32 = 3;

/// The checkpoint in a folder.
pub(crate) fn checkpoint(folder: &Path) -> PathBuf {
    folder.join("last.checkpoint")
}

/// The file that is there only while a checkpoint is being written.
pub(crate) fn part(folder: &Path) -> PathBuf {
    folder.join("last.checkpoint.part")
}

/// What the finished training leaves: the returned parameters and the report.
pub(crate) fn result(folder: &Path) -> PathBuf {
    folder.join("result")
}

/// Whether there is a checkpoint in a folder, the newest or the one before.
pub(crate) fn has_checkpoint(folder: &Path) -> bool {
    checkpoint(folder).exists() || folder.join("last.checkpoint.previous").exists()
}

/// Says on standard output that a fit goes on from a checkpoint, if there was one.
struct Tell {
    found: bool,
}

impl Callback<f32> for Tell {
    fn on_fit_begin(&mut self, fit: &FitBegin<'_>) -> Result<(), TrainError> {
        if self.found {
            say(&format!("goes on from step={}", fit.steps_done));
        }
        Ok(())
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    // A parent that no longer listens is no reason to stop.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn data(rows: usize, place: u64) -> (Array2<f32>, Vec<u32>) {
    let mut x = Array2::zeros((rows, FEATURES));
    Stream::new(11).at(place).normal(0, x.as_slice_mut().unwrap());
    let class = |r: ndarray::ArrayView1<'_, f32>| {
        let largest = (0..CLASSES as usize).max_by(|a, b| r[*a].total_cmp(&r[*b]));
        largest.unwrap_or(0) as u32
    };
    let y = x.outer_iter().map(class).collect();
    (x, y)
}

/// Trains in `folder`, from the checkpoint that is there to the end or until `pause` steps are taken.
pub(crate) fn run(folder: &Path, pause: Option<u64>) {
    match fit(folder, pause) {
        Ok(bytes) => write_atomically(&result(folder), &bytes).unwrap(),
        Err(error) => {
            say(&error.to_string());
            std::process::exit(FAILED);
        }
    }
}

fn fit(folder: &Path, pause: Option<u64>) -> Result<Vec<u8>, TrainError> {
    let ((x, y), (held, held_y)) = (data(400, 0), data(150, 1));
    let (samples, validation) = (Samples::labels(x.view(), &y)?, Samples::labels(held.view(), &held_y)?);
    let network = Mlp::builder(FEATURES).hidden(&[384, 384]).outputs(CLASSES as usize);
    let network = network.norm(Norm::Batch).dropout(0.2).activation(Activation::GELU);
    let (mlp, mut params): (_, Params<f32>) = network.create(7).unwrap();
    let optimizer = OptimizerConfig::new(AdamW::default()).rate(3e-3).clip(Clip::GlobalNorm(1.0));
    let steps = (EPOCHS * 400usize.div_ceil(32)) as u64;
    let report = Trainer::new(&mlp, SoftmaxCrossEntropy)
        .optimizer(optimizer.schedule(OneCycle::new(steps)))
        .epochs(EPOCHS)
        .batch(16)
        .accumulate(2)
        .seed(7)
        .threads(1)
        .ema(0.95)
        .validation(validation)
        .metric(Metric::ACCURACY)
        .callback(EarlyStopping::new(3))
        .callback(Tell { found: has_checkpoint(folder) })
        .on_step(|s| match pause == Some(s.step + 1) {
            true => ControlFlow::Break(Stop::pause("that is enough for now")),
            false => ControlFlow::Continue(()),
        })
        .checkpoint(Checkpoint::new(checkpoint(folder)).every_steps(5).resume(true))
        .fit(&mut params, &samples)?;
    let mut bytes = params.to_le_bytes();
    bytes.extend(serde_json::to_vec(&report).unwrap());
    Ok(bytes)
}
