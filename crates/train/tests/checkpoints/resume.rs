//! Cut off anywhere, begun again: the same bits.

use std::ops::ControlFlow;

use layerwise_nn_layers::{BuildModel, SoftmaxCrossEntropy};
use layerwise_optim::{Sgd, rule, schedule};
use layerwise_tensor::Scalar;
use layerwise_train::{
    Callback, CallbackState, Checkpoint, EarlyStopping, EpochEnd, Samples, Stop, StopReason, TrainError, Trainer,
};

use crate::{data, everything, network, part, train};

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
