//! A training that is cut off and goes on: the same bits. Files that are broken, or of another training: clear errors.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::OnceLock;

use layerwise_nn_layers::{
    Activation, BuildModel, Mlp, MlpConfig, Norm, SoftmaxCrossEntropy, WeightedSoftmaxCrossEntropy,
};
use layerwise_optim::{Adam, Clip, OneCycle, OptimizerConfig, Plateau, Sgd, rule, schedule};
use layerwise_tensor::{Scalar, Stream};
use layerwise_train::metrics::Metric;
use layerwise_train::{
    Callback, CallbackState, Checkpoint, EarlyStopping, EpochEnd, FitReport, Samples, Stop, StopReason, TrainError,
    Trainer,
};
use ndarray::Array2;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

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

/// That cutting at any of these places changes nothing: at a checkpoint, beside one, at the end of an epoch, twice.
fn law<T: Scalar>(name: &str, how: impl for<'a> Fn(Trainer<'a, T>) -> Trainer<'a, T>) {
    let straight = train(&[], &how);
    for cuts in [&[1][..], &[6], &[10], &[4, 5, 13], &[20, 21]] {
        let resumed = train(cuts, &how);
        assert_eq!(straight.1, resumed.1, "{name}, cut at {cuts:?}: another report");
        assert!(straight.0 == resumed.0, "{name}, cut at {cuts:?}: other parameters");
        assert!(straight.2 == resumed.2, "{name}, cut at {cuts:?}: another last checkpoint");
    }
}

fn everything<T: Scalar>(trainer: Trainer<'_, T>) -> Trainer<'_, T> {
    let plateau = Plateau::default().patience(0).factor(0.5);
    let optimizer = OptimizerConfig::new(Adam::default()).schedule(OneCycle::new(25)).plateau(plateau);
    let optimizer = optimizer.clip(Clip::GlobalNorm(0.5)).weight_decay(1e-3);
    let trainer = trainer.optimizer(optimizer).ema(0.8).lookahead(4, 0.5).metric(Metric::ACCURACY);
    trainer.callback(EarlyStopping::new(2))
}

#[test]
fn all_at_once_goes_on_as_if_nothing_had_been_in_both_types() {
    law::<f32>("everything", everything);
    law::<f64>("everything", everything);
}

#[test]
fn every_rule_goes_on() {
    for sample in rule::table().iter().flat_map(|entry| entry.samples()) {
        law::<f32>(sample.rule.name(), |t| t.rule(sample.rule.clone()).rate(sample.rate));
    }
}

#[test]
fn every_schedule_goes_on() {
    for sample in schedule::table().iter().flat_map(|entry| entry.samples()) {
        law::<f64>(&sample.config().to_string(), |t| t.rule(Sgd::default().momentum(0.5)).schedule(sample.clone()));
    }
}

#[test]
fn averages_accumulation_and_fixed_batches_go_on() {
    law::<f32>("swa", |t| t.swa(2));
    law::<f32>("swa beside", |t| t.swa(1).evaluate_average(false));
    law::<f32>("ema beside", |t| t.ema(0.9).evaluate_average(false));
    law::<f32>("accumulate", |t| t.batch(3).accumulate(2));
    law::<f64>("overfit", |t| t.overfit_batches(2).epochs(13));
    law::<f64>("drop_last", |t| t.drop_last(true).epochs(6));
}

#[test]
fn a_training_that_was_stopped_early_has_ended() {
    fn how(t: Trainer<'_, f64>) -> Trainer<'_, f64> {
        t.rate(0.5).epochs(40).callback(EarlyStopping::new(2))
    }
    let straight = train::<f64>(&[], how);
    assert!(matches!(straight.1.stop, StopReason::Callback { .. }) && straight.1.history.epochs.len() < 40);
    let steps = straight.1.steps;
    for cuts in [&[steps - 1][..], &[steps], &[7, steps - 2]] {
        assert!(straight == train::<f64>(cuts, how), "cut at {cuts:?}");
    }
    // Begun again after its end: the same report, not one step more.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last");
    let first = part::<f64>(&path, None, &how).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert!(first == part::<f64>(&path, None, &how).unwrap() && bytes == std::fs::read(&path).unwrap());
}

#[test]
fn more_epochs_go_on_from_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last");
    part::<f32>(&path, None, &|t| t.epochs(2)).unwrap();
    let (params, report) = part::<f32>(&path, None, &|t| t).unwrap();
    assert_eq!((params, report), {
        let o = train::<f32>(&[], |t| t);
        (o.0, o.1)
    });
}

#[test]
fn the_files_of_one_training_are_the_same_bytes_at_any_number_of_threads() {
    let one = train::<f32>(&[7], |t| everything(t).threads(1));
    for threads in [2, 3] {
        assert!(one == train::<f32>(&[7], |t| everything(t).threads(threads)), "{threads} threads");
    }
}

/// Counts epochs and sums their losses.
#[derive(Default)]
struct Ledger {
    epochs: u64,
    sum: f64,
    started: bool,
}

impl<T: Scalar> Callback<T> for Ledger {
    fn on_epoch_end(&mut self, e: &EpochEnd<'_, T>) -> ControlFlow<Stop> {
        self.epochs += 1;
        self.sum += e.record.loss;
        ControlFlow::Continue(())
    }
    fn save_state(&self, state: &mut CallbackState<T>) {
        state.put("epochs", &self.epochs);
        state.put_number("sum", self.sum);
    }
    fn load_state(&mut self, state: &CallbackState<T>) -> Result<(), TrainError> {
        (self.epochs, self.sum, self.started) = (state.get("epochs")?, state.number("sum")?, true);
        Ok(())
    }
}

#[test]
fn callbacks_keep_their_state() {
    let (x, y) = data::<f32>(37);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last");
    let fit = |epochs: usize, ledger: &mut Ledger, early: bool| {
        let samples = Samples::labels(x.view(), &y).unwrap();
        let (mlp, mut params) = network().create::<f32>(3).unwrap();
        let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).epochs(epochs).validation(samples).callback(ledger);
        let trainer = if early { trainer.callback(EarlyStopping::new(3)) } else { trainer };
        trainer.checkpoint(Checkpoint::new(&path).resume(true)).fit(&mut params, &samples)
    };
    let (mut first, mut second) = (Ledger::default(), Ledger::default());
    fit(2, &mut first, false).unwrap();
    let report = fit(5, &mut second, false).unwrap();
    assert!(!first.started && second.started && second.epochs == 5);
    assert_eq!(second.sum, report.history.losses().iter().sum::<f64>());
    let message = fit(6, &mut Ledger::default(), true).unwrap_err().to_string();
    assert!(message.contains("1 callbacks with a state") && message.contains("2 here"), "{message}");
}

#[track_caller]
fn refused(path: &Path, how: impl for<'a> Fn(Trainer<'a, f32>) -> Trainer<'a, f32>, expected: &str) {
    let before = std::fs::read(path).unwrap();
    let error = part::<f32>(path, None, &how).unwrap_err();
    assert!(matches!(error, TrainError::OtherTraining { .. } | TrainError::BrokenCheckpoint { .. }), "{error}");
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(before, std::fs::read(path).unwrap());
}

#[test]
fn another_training_is_refused_by_what_differs() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last");
    part::<f32>(&path, Some(7), &|t| t.callback(EarlyStopping::new(2))).unwrap();
    fn own<T: Scalar>(t: Trainer<'_, T>) -> Trainer<'_, T> {
        t.callback(EarlyStopping::new(2))
    }
    refused(&path, |t| own(t).seed(4), "`seed` is 3 in the file and 4 here");
    refused(&path, |t| own(t).batch(9), "`batch` is 8 in the file and 9 here");
    refused(&path, |t| own(t).accumulate(2), "`accumulate` is 1 in the file and 2 here");
    refused(&path, |t| own(t).rate(0.01), "`optimizer.rate` is 0.02 in the file and 0.01 here");
    refused(&path, |t| own(t).rule(Sgd::default()), "`optimizer.rule.name` is adam in the file and sgd here");
    refused(&path, |t| own(t).clip(Clip::Value(1.0)), "`optimizer.clip");
    refused(&path, |t| own(t).ema(0.9), "`ema` is null in the file and 0.9 here");
    refused(&path, |t| own(t).metric(Metric::ACCURACY), "`metrics");
    refused(
        &path,
        |t| t.callback(EarlyStopping::new(3)),
        "patience 2, min_delta 0.0, restore_best true, here it is set",
    );
    refused(&path, |t| t, "1 callbacks with a state, such as early stopping, in the file and 0 here");
    let error = part::<f64>(&path, None, &own).unwrap_err().to_string();
    assert!(error.contains("`element type` is f32 in the file and f64 here"), "{error}");
    // What was refused changed nothing: the right one still goes on.
    part::<f32>(&path, None, &own).unwrap();
}

#[test]
fn other_data_models_and_losses_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last");
    let ((x, y), (more, more_y)) = (data::<f32>(37), data::<f32>(38));
    let mut other = x.clone();
    other[[30, 2]] += 1.0;
    let fit = |network: MlpConfig, x: &Array2<f32>, y: &[u32], weigh: bool| {
        let samples = Samples::labels(x.view(), y).unwrap();
        let (mlp, mut params) = network.create::<f32>(3).unwrap();
        let checkpoint = Checkpoint::new(&path).resume(true);
        let trainer = match weigh {
            true => Trainer::new(&mlp, WeightedSoftmaxCrossEntropy::new().label_smoothing(0.2).unwrap()),
            false => Trainer::new(&mlp, SoftmaxCrossEntropy),
        };
        let before = params.to_le_bytes();
        let result = trainer.epochs(1).checkpoint(checkpoint).fit(&mut params, &samples);
        assert!(result.is_ok() || before == params.to_le_bytes(), "a refused fit must change nothing");
        result.map_or_else(|e| e.to_string(), |_| "went on".into())
    };
    assert_eq!(fit(network(), &x, &y, false), "went on");
    let message = fit(network(), &more, &more_y, false);
    assert!(message.contains("`data.rows` is 37 in the file and 38 here"), "{message}");
    let message = fit(network(), &other, &y, false);
    assert!(message.contains("`data.hash`"), "{message}");
    let message = fit(network().hidden(&[10, 8]), &x, &y, false);
    assert!(message.contains("`parameters[") && message.contains("7 x 2") && message.contains("8 x 2"), "{message}");
    let message = fit(network().activation(Activation::RELU), &x, &y, false);
    assert!(message.contains("parameters are alike") && message.contains("activation"), "{message}");
    assert!(fit(network().dropout(0.3), &x, &y, false).contains("dropout"));
    assert!(fit(network(), &x, &y, true).contains("the loss is another"));
    assert_eq!(fit(network(), &x, &y, false), "went on");
}

#[test]
fn a_file_that_is_there_is_not_overwritten_unasked() {
    let (x, y) = data::<f32>(37);
    let samples = Samples::labels(x.view(), &y).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last");
    let fit = || {
        let (mlp, mut params) = network().create::<f32>(3).unwrap();
        let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).epochs(1).checkpoint(Checkpoint::new(&path));
        trainer.fit(&mut params, &samples)
    };
    fit().unwrap();
    let message = fit().unwrap_err().to_string();
    assert!(message.contains("resume(true)") && message.contains(".previous"), "{message}");
}

/// The newest and the previous checkpoint of a training that was cut off.
fn two_files() -> (Vec<u8>, Vec<u8>) {
    static FILES: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    let files = FILES.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("last");
        part::<f32>(&path, Some(8), &everything).unwrap();
        (std::fs::read(&path).unwrap(), std::fs::read(dir.path().join("last.previous")).unwrap())
    });
    files.clone()
}

/// What goes on from these bytes.
fn go_on(newest: &[u8], previous: Option<&[u8]>) -> Result<(Vec<u8>, FitReport), TrainError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last");
    std::fs::write(&path, newest).unwrap();
    previous.into_iter().for_each(|bytes| std::fs::write(dir.path().join("last.previous"), bytes).unwrap());
    part::<f32>(&path, None, &everything)
}

#[test]
fn a_broken_newest_file_is_replaced_by_the_one_before() {
    let (newest, previous) = two_files();
    assert_ne!(newest, previous);
    let straight = train::<f32>(&[], everything);
    for broken in [&newest[..newest.len() / 2], &[], b"something else entirely, long enough to be hashed"] {
        assert_eq!(go_on(broken, Some(&previous)).unwrap(), (straight.0.clone(), straight.1.clone()));
        let error = go_on(broken, None).unwrap_err();
        assert!(matches!(error, TrainError::BrokenCheckpoint { .. }), "{error}");
        assert!(error.to_string().contains("restore it from a copy or delete it"), "{error}");
    }
}

#[test]
fn the_file_opens_in_other_programs() {
    let file = two_files().0;
    let parsed = safetensors::SafeTensors::deserialize(&file).unwrap();
    let weight = parsed.tensor("params/0.weight").unwrap();
    assert_eq!((weight.shape(), weight.dtype()), (&[6, 10][..], safetensors::Dtype::F32));
    for name in
        ["optimizer/0.weight.exp_avg", "ema/0.weight", "lookahead/0.weight", "callback.0/best/0.weight", "sha256"]
    {
        assert!(parsed.tensor(name).is_ok(), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happens to a file: a clear error and no panic, and with the one before at hand not even an error.
    #[test]
    fn damage_is_found(place in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<bool>(), first in any::<bool>()) {
        let (newest, previous) = two_files();
        let mut bytes = newest.clone();
        // Half of the damage goes to the header, which is much shorter than the tensors.
        let place = place.index(if first { 2000 } else { bytes.len() });
        if cut { bytes.truncate(place) } else { bytes[place] ^= 1 << bit }
        let error = go_on(&bytes, None).unwrap_err();
        prop_assert!(matches!(error, TrainError::BrokenCheckpoint { .. }), "{error}");
        prop_assert!(error.to_string().contains("last"), "{error}");
        prop_assert!(go_on(&bytes, Some(&previous)).is_ok());
    }

    /// A file whose hash was made to fit its changed content: it may go on or be refused, but nothing panics.
    #[test]
    fn forged_files_do_not_panic(place in any::<prop::sample::Index>(), byte in prop_oneof![any::<u8>(), b'0'..=b'9'], n in 1usize..12) {
        let mut bytes = two_files().0;
        let end = bytes.len() - 32;
        let header = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
        let place = place.index(header);
        bytes[place..(place + n).min(end)].fill(byte);
        let hash = Sha256::digest(&bytes[..end]);
        bytes[end..].copy_from_slice(&hash);
        if let Err(error) = go_on(&bytes, None) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}

/// A folder that this process cannot write into, whoever it runs as; `None` where there is none.
#[cfg(unix)]
fn closed(dir: &Path) -> Option<std::path::PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o555)).unwrap();
    // The superuser writes anywhere but where the system itself has no files to make.
    let candidates = [dir, Path::new("/sys")].into_iter();
    candidates.filter(|d| d.is_dir()).find(|d| std::fs::File::create(d.join("try")).is_err()).map(Path::to_path_buf)
}

#[test]
#[cfg(unix)]
fn a_folder_that_cannot_be_written_is_known_before_the_first_step() {
    let dir = tempfile::tempdir().unwrap();
    let Some(closed) = closed(dir.path()) else { return };
    for path in [closed.join("last"), dir.path().join("nowhere").join("last")] {
        let steps = std::sync::atomic::AtomicU64::new(0);
        let (x, y) = data::<f32>(37);
        let samples = Samples::labels(x.view(), &y).unwrap();
        let (mlp, mut params) = network().create::<f32>(3).unwrap();
        let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).checkpoint(Checkpoint::new(&path).resume(true));
        let trainer = trainer.on_step(|_| {
            steps.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            ControlFlow::Continue(())
        });
        let error = trainer.fit(&mut params, &samples).unwrap_err();
        assert!(matches!(error, TrainError::CheckpointNotWritten { .. }), "{error}");
        assert!(error.to_string().contains("there was none before"), "{error}");
        assert_eq!(steps.into_inner(), 0);
    }
}

#[test]
#[cfg(unix)]
fn a_folder_that_goes_away_leaves_the_last_good_file() {
    let dir = tempfile::tempdir().unwrap();
    let (before, after) = (dir.path().join("before"), dir.path().join("after"));
    std::fs::create_dir(&before).unwrap();
    let path = before.join("last");
    let error = part::<f32>(&path, None, &|t| {
        let (before, after) = (before.clone(), after.clone());
        t.on_step(move |s| {
            if s.step == 7 {
                std::fs::rename(&before, &after).unwrap();
            }
            ControlFlow::Continue(())
        })
    });
    assert!(matches!(error, Err(TrainError::CheckpointNotWritten { .. })), "{error:?}");
    let (params, report) =
        part::<f32>(&after.join("last"), None, &|t| t.on_step(|_| ControlFlow::Continue(()))).unwrap();
    let straight = train::<f32>(&[], |t| t);
    assert!(params == straight.0 && report == straight.1);
}
