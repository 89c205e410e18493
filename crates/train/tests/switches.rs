//! The trainer's switches: accumulation, averages, trials, and where a number that is none came from.

use std::ops::ControlFlow;

use layerwise_autograd::{Graph, Var};
use layerwise_nn_layers::{
    Activation, BuildModel, Linear, LinearConfig, Mlp, MlpConfig, Module, Mse, Norm, SoftmaxCrossEntropy,
};
use layerwise_optim::{Ema, Sgd, Swa};
use layerwise_tensor::{Layout, Params, Scalar, Stream};
use layerwise_train::metrics::Metric;
use layerwise_train::{Checkpoint, EarlyStopping, FitReport, Samples, StopReason, Trainer, evaluate};
use ndarray::{Array2, Axis, s};

fn data<T: Scalar>(rows: usize) -> (Array2<T>, Vec<u32>) {
    let mut x = Array2::zeros((rows, 6));
    Stream::new(5).child("data").normal(0, x.as_slice_mut().unwrap());
    let y = x.outer_iter().map(|r| u32::from(r[0] * r[1] > T::zero())).collect();
    (x, y)
}

fn network() -> MlpConfig {
    Mlp::builder(6).hidden(&[12, 9]).outputs(2).activation(Activation::TANH)
}

/// The averages, or where there are none the parameters, after each epoch.
type Seen<T> = Vec<Params<T>>;

/// Trains `network` on `rows` rows.
fn fit<T: Scalar>(
    network: MlpConfig,
    rows: usize,
    how: impl for<'a> FnOnce(Trainer<'a, T>) -> Trainer<'a, T>,
) -> (Params<T>, FitReport, Seen<T>) {
    let ((x, y), (held, held_y)) = (data::<T>(rows), data::<T>(20));
    let (samples, validation) =
        (Samples::labels(x.view(), &y).unwrap(), Samples::labels(held.view(), &held_y).unwrap());
    let (mlp, mut params) = network.create::<T>(3).unwrap();
    let mut seen = Vec::new();
    let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).rule(Sgd::default()).rate(0.1).epochs(3);
    let trainer = how(trainer.validation(validation)).on_epoch(|e| {
        seen.push(e.average.unwrap_or(e.params).clone());
        ControlFlow::Continue(())
    });
    let report = trainer.fit(&mut params, &samples).unwrap();
    (params, report, seen)
}

/// Nine steps, of which each adds the rounding of two orders of one sum of at most 12 terms: some hundred units in the last place of
/// numbers of order one, which the smooth network does not magnify much. A wrong weight of a batch is off by percents.
#[test]
fn small_batches_make_the_step_of_one_large_batch() {
    fn law<T: Scalar>() {
        let tolerance = 1e3 * T::epsilon().as_f64();
        // 29 rows: the last step has 5, so its last batch has 1, 2 or all.
        for (batch, accumulate) in [(4, 3), (3, 4), (1, 12), (6, 2), (12, 1)] {
            let (large, straight, _) = fit::<T>(network(), 29, |t| t.batch(12));
            let (small, report, _) = fit::<T>(network(), 29, |t| t.batch(batch).accumulate(accumulate));
            assert_eq!(straight.steps, report.steps);
            for (a, b) in large.trainable().iter().zip(small.trainable()) {
                assert!((a.as_f64() - b.as_f64()).abs() <= tolerance, "{batch} x {accumulate}: {a} and {b}");
            }
            for (a, b) in straight.history.epochs.iter().zip(&report.history.epochs) {
                assert!((a.loss - b.loss).abs() <= tolerance && (a.gradient_norm - b.gradient_norm).abs() <= tolerance);
            }
        }
    }
    law::<f32>();
    law::<f64>();
    let dropped = fit::<f32>(network(), 29, |t| t.batch(4).accumulate(3).drop_last(true)).1;
    assert_eq!(dropped.steps, 6);
}

/// As above, with rows that weigh 0, 1 or 2, so that small batches weigh differently, and some nothing at all.
#[test]
fn small_batches_make_the_step_of_one_large_batch_with_weights_too() {
    let (x, y) = data::<f64>(24);
    let weights: Vec<f64> = (0..24).map(|i| f64::from(i * i % 7 % 4)).collect();
    let fit = |batch: usize, accumulate: usize| {
        let samples = Samples::labels(x.view(), &y).unwrap().weights(&weights).unwrap();
        let (mlp, mut params) = network().create::<f64>(3).unwrap();
        let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).rule(Sgd::default()).rate(0.1).epochs(3);
        let report = trainer.batch(batch).accumulate(accumulate).fit(&mut params, &samples).unwrap();
        (params, report)
    };
    let (large, straight) = fit(12, 1);
    for (batch, accumulate) in [(4, 3), (3, 4), (1, 12)] {
        let (small, report) = fit(batch, accumulate);
        for (a, b) in large.trainable().iter().zip(small.trainable()) {
            assert!((a - b).abs() <= 1e3 * f64::EPSILON, "{batch} x {accumulate}: {a} and {b}");
        }
        for (a, b) in straight.history.losses().iter().zip(report.history.losses()) {
            assert!((a - b).abs() <= 1e3 * f64::EPSILON, "{batch} x {accumulate}: {a} and {b}");
        }
    }
}

#[test]
fn the_exponential_average_is_what_is_validated_and_returned() {
    let (held, held_y) = data::<f32>(20);
    let validation = Samples::labels(held.view(), &held_y).unwrap();
    let network = || network().norm(Norm::Batch).dropout(0.1);
    let (mlp, start) = network().create::<f32>(3).unwrap();
    let loss = |params: &Params<f32>| evaluate(&mlp, &SoftmaxCrossEntropy, params, &validation, 256);

    let (x, y) = data::<f32>(40);
    let samples = Samples::labels(x.view(), &y).unwrap();
    let (mut raw, mut by_hand) = (start.clone(), Ema::new(0.9, &start));
    let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).rule(Sgd::default()).rate(0.1).epochs(3);
    let trainer = trainer.on_step(|s| {
        by_hand.update(s.params);
        ControlFlow::Continue(())
    });
    trainer.fit(&mut raw, &samples).unwrap();

    let (averaged, report, seen) = fit::<f32>(network(), 40, |t| t.ema(0.9));
    assert_eq!(averaged.to_le_bytes(), by_hand.params().to_le_bytes());
    assert_ne!(averaged.to_le_bytes(), raw.to_le_bytes());
    assert_eq!(report.history.validation_losses(), seen.iter().map(loss).collect::<Vec<_>>());
    assert_eq!(seen[2].to_le_bytes(), averaged.to_le_bytes());

    let (beside, report, seen_beside) = fit::<f32>(network(), 40, |t| t.ema(0.9).evaluate_average(false));
    let (plain, straight, _) = fit::<f32>(network(), 40, |t| t);
    assert!(beside.to_le_bytes() == plain.to_le_bytes() && report == straight, "averages beside leave no trace");
    assert_eq!(plain.to_le_bytes(), raw.to_le_bytes());
    assert!(seen.iter().zip(&seen_beside).all(|(a, b)| a.to_le_bytes() == b.to_le_bytes()));

    // Early stopping keeps and puts back averages too.
    let (best, report, _) = fit::<f32>(network(), 40, |t| t.ema(0.9).callback(EarlyStopping::new(9)));
    assert_eq!(report.best.unwrap().value, loss(&best));
}

#[test]
fn the_equal_average_begins_when_told() {
    let (_, start) = network().create::<f64>(3).unwrap();
    let mut by_hand = Swa::new(&start);
    let (_, plain, seen) = fit::<f64>(network(), 40, |t| t.epochs(5));
    seen[2..].iter().for_each(|params| by_hand.update(params));
    let (averaged, report, _) = fit::<f64>(network(), 40, |t| t.epochs(5).swa(2));
    assert_eq!(averaged.to_le_bytes(), by_hand.params().to_le_bytes());
    let (own, other) = (report.history.validation_losses(), plain.history.validation_losses());
    // The average of one epoch is that epoch.
    assert!(own[..3] == other[..3] && own[3..] != other[3..]);
}

/// With all rows in one batch each of the 100 passes sees the same mean: what is left of the old one is `0.9^100 < 3e-5` of the distance.
#[test]
fn the_equal_average_gathers_statistics_of_its_own() {
    let (x, _) = data::<f64>(40);
    let (averaged, ..) = fit::<f64>(network().norm(Norm::Batch), 40, |t| t.batch(40).epochs(6).swa(1));
    let get = |name: &str| averaged.layout().find(name).map(|id| averaged.view(id).to_owned()).unwrap();
    let z = x.dot(&get("0.weight")) + get("0.bias");
    let expected = z.mean_axis(Axis(0)).unwrap();
    let scale = expected.iter().fold(1.0f64, |m, v| m.max(v.abs()));
    for (found, expected) in get("1.running_mean").iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-4 * scale, "{found} and {expected}");
    }
}

#[test]
fn lookahead_draws_back_as_far_as_told() {
    let (start, plain) = (network().create::<f32>(3).unwrap().1, fit::<f32>(network(), 40, |t| t).0);
    assert_eq!(fit::<f32>(network(), 40, |t| t.lookahead(1, 0.0)).0.to_le_bytes(), start.to_le_bytes());
    assert_eq!(fit::<f32>(network(), 40, |t| t.lookahead(1, 1.0)).0.to_le_bytes(), plain.to_le_bytes());
    let half = fit::<f32>(network(), 40, |t| t.lookahead(2, 0.5)).0;
    assert!(half.to_le_bytes() != plain.to_le_bytes() && half.to_le_bytes() != start.to_le_bytes());
}

#[test]
fn a_trial_takes_one_step_and_writes_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last");
    let (trained, report, _) = fit::<f32>(network(), 40, |t| {
        t.batch(8).metric(Metric::ROC_AUC).checkpoint(Checkpoint::new(&path).every_steps(1)).fast_dev_run(true)
    });
    assert_eq!((report.steps, report.history.epochs.len()), (1, 1));
    assert_eq!(report.stop, StopReason::FastDevRun);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    let (held, held_y) = data::<f32>(20);
    let first = held.slice(s![..8, ..]);
    let validation = Samples::labels(first, &held_y[..8]).unwrap();
    let (mlp, _) = network().create::<f32>(3).unwrap();
    let loss = evaluate(&mlp, &SoftmaxCrossEntropy, &trained, &validation, 256);
    assert_eq!(report.history.epochs[0].validation_loss, Some(loss));
}

#[test]
fn overfitting_sees_the_first_batches_in_their_order() {
    let (mut x, y) = data::<f32>(40);
    x.slice_mut(s![16.., ..]).fill(f32::NAN);
    let samples = Samples::labels(x.view(), &y).unwrap();
    let (mlp, mut params) = network().create::<f32>(3).unwrap();
    let mut losses = Vec::new();
    let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).rule(Sgd::default()).rate(0.0).batch(8).epochs(3);
    let trainer = trainer.overfit_batches(2).on_step(|s| {
        losses.push(s.loss);
        ControlFlow::Continue(())
    });
    assert_eq!(trainer.fit(&mut params, &samples).unwrap().steps, 6);
    assert!(losses[..2] == losses[2..4] && losses[..2] == losses[4..] && losses[0] != losses[1]);
    let first = x.slice(s![..8, ..]);
    let alone = evaluate(&mlp, &SoftmaxCrossEntropy, &params, &Samples::labels(first, &y[..8]).unwrap(), 8);
    assert!((alone - losses[0]).abs() < 1e-6);
}

#[test]
fn switches_that_cannot_work_are_refused() {
    let (x, y) = data::<f32>(10);
    let (mlp, params) = network().create::<f32>(1).unwrap();
    let refusal = |how: fn(Trainer<'_, f32>) -> Trainer<'_, f32>| {
        let samples = Samples::labels(x.view(), &y).unwrap();
        how(Trainer::new(&mlp, SoftmaxCrossEntropy)).fit(&mut params.clone(), &samples).unwrap_err().to_string()
    };
    assert!(refusal(|t| t.accumulate(0)).contains("`accumulate`"));
    assert!(refusal(|t| t.overfit_batches(0)).contains("`overfit_batches`"));
    assert!(refusal(|t| t.ema(1.5)).contains("in [0, 1], found 1.5"));
    assert!(refusal(|t| t.ema(0.9).swa(1)).contains("choose one"));
    assert!(refusal(|t| t.epochs(3).swa(3)).contains("begins with epoch 3"));
    assert!(refusal(|t| t.lookahead(0, 0.5)).contains("`every` must be at least 1"));
    assert!(refusal(|t| t.lookahead(2, -0.5)).contains("alpha"));
    assert!(refusal(|t| t.drop_last(true).batch(6).accumulate(2)).contains("one batch of 12"));
}

/// `y + clamp(log(|y|))` with `y = x w + b`, without gradient through the logarithm: the clamp hides its infinity.
struct Hidden(Linear);

impl<T: Scalar> Module<T> for Hidden {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        let y = self.0.forward(g, x);
        g.enter("measure");
        let size = g.detach(y);
        let size = g.abs(size);
        let size = g.log(size);
        let size = g.clamp(size, -5.0, 5.0);
        g.leave();
        g.add(y, size)
    }
}

/// `sqrt(|x w + b|)`, whose slope at 0 is infinite.
struct Steep(Linear);

impl<T: Scalar> Module<T> for Steep {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        let y = self.0.forward(g, x);
        g.enter("root");
        let y = g.abs(y);
        let y = g.sqrt(y);
        g.leave();
        y
    }
}

/// What a fit of the model of `of` says, whose output is 0 at first.
fn says<M: Module<f32>>(of: impl Fn(Linear) -> M, detect: bool) -> String {
    let mut layout = Layout::new();
    let model = of(LinearConfig::new(1).build(&mut layout.scope().child("0"), 2).unwrap());
    let mut params = Params::<f32>::zeros(layout);
    let (x, t) = (Array2::from_elem((4, 2), 0.5f32), Array2::ones((4, 1)));
    let samples = Samples::values(x.view(), t.view()).unwrap();
    let trainer = Trainer::new(&model, Mse).epochs(1).detect_anomaly(detect);
    trainer.fit(&mut params, &samples).map_or_else(|e| e.to_string(), |_| "trained".into())
}

#[test]
fn an_infinity_that_the_loss_hides_is_found_and_named() {
    assert_eq!(says(Hidden, false), "trained");
    let found = says(Hidden, true);
    assert!(found.contains("arose in log (slot") && found.contains("of `measure`"), "{found}");
}

#[test]
fn the_first_gradient_that_is_none_is_named() {
    let plain = says(Steep, false);
    assert!(plain.contains("the loss is finite, but the gradient is not") && !plain.contains("sqrt"), "{plain}");
    let found = says(Steep, true);
    assert!(found.contains("the backward pass of sqrt (slot") && found.contains("of `root`"), "{found}");
}

#[test]
fn looking_changes_no_bit() {
    let plain = fit::<f32>(network().norm(Norm::Batch).dropout(0.1), 40, |t| t);
    let watched = fit::<f32>(network().norm(Norm::Batch).dropout(0.1), 40, |t| t.detect_anomaly(true));
    assert!(plain.0.to_le_bytes() == watched.0.to_le_bytes() && plain.1 == watched.1);
}
