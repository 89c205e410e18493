//! The loop: the same bits as by hand and at any number of threads, and what it refuses.

use std::ops::ControlFlow;

use layerwise_autograd::Tape;
use layerwise_datasets::Batches;
use layerwise_nn_layers::{
    Activation, BuildModel, Loss, Mlp, MlpConfig, Module, Mse, Norm, SoftmaxCrossEntropy, Target,
};
use layerwise_optim::{Adam, Clip, Cosine, Margin, OptimizerConfig, Plateau, Sgd};
use layerwise_tensor::{Accum, Gradients, Mode, Params, Scalar, Stream};
use layerwise_train::metrics::{Metric, accuracy, classify};
use layerwise_train::{
    EarlyStopping, Evaluator, FitReport, Samples, Stop, StopReason, Streams, TrainError, Trainer, evaluate, predict,
};
use ndarray::{Array2, Axis, array};

/// Normal rows with labels: class 1 where the product of the first two features is positive.
fn data<T: Scalar>(rows: usize, cols: usize) -> (Array2<T>, Vec<u32>) {
    let mut x = Array2::zeros((rows, cols));
    Stream::new(5).child("data").normal(0, x.as_slice_mut().unwrap());
    let y = x.outer_iter().map(|r| u32::from(r[0] * r[1] > T::zero())).collect();
    (x, y)
}

fn network() -> MlpConfig {
    Mlp::builder(6).hidden(&[24, 16]).outputs(2).activation(Activation::TANH).norm(Norm::Batch).dropout(0.1)
}

fn config() -> OptimizerConfig {
    OptimizerConfig::new(Adam::default()).rate(0.01).schedule(Cosine::new(40, 0.1)).clip(Clip::GlobalNorm(1.0))
}

fn by_hand<T: Scalar>(seed: u64, x: &Array2<T>, y: &[u32]) -> Params<T> {
    let (mlp, mut params) = network().create::<T>(seed).unwrap();
    let mut tape = Tape::new();
    let mut grads = Gradients::new(&params);
    let mut optimizer = config().build(&params).unwrap();
    let streams = Streams::new(seed);
    let mut batches = Batches::new(y.len(), 16, streams.shuffle);
    for epoch in 0..3 {
        for rows in batches.epoch(epoch) {
            let labels: Vec<u32> = rows.iter().map(|i| y[*i]).collect();
            let mut g = tape.graph(&params, Mode::Train, streams.step.at(optimizer.steps()));
            let input = g.input(x.select(Axis(0), rows).view());
            let output = mlp.forward(&mut g, input);
            let loss = SoftmaxCrossEntropy.loss(&mut g, output, Target::Labels(&labels));
            g.backward(loss, &mut grads, Accum::Replace);
            optimizer.step(&mut params, &mut grads);
        }
    }
    params
}

fn by_trainer<T: Scalar>(seed: u64, x: &Array2<T>, y: &[u32]) -> Params<T> {
    let (mlp, mut params) = network().create::<T>(seed).unwrap();
    let samples = Samples::labels(x.view(), y).unwrap();
    let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).optimizer(config());
    // Validation and callbacks look on and leave no trace in the bits.
    let trainer = trainer.validation(samples).metric(Metric::ACCURACY).on_step(|_| ControlFlow::Continue(()));
    trainer.epochs(3).batch(16).seed(seed).fit(&mut params, &samples).unwrap();
    params
}

#[test]
fn the_same_bits_as_by_hand() {
    let (x, y) = data::<f32>(70, 6);
    assert_eq!(by_hand(3, &x, &y).to_le_bytes(), by_trainer(3, &x, &y).to_le_bytes());
    assert_ne!(by_trainer(3, &x, &y).to_le_bytes(), by_trainer(4, &x, &y).to_le_bytes());
    let (x, y) = data::<f64>(70, 6);
    assert_eq!(by_hand(3, &x, &y).to_le_bytes(), by_trainer(3, &x, &y).to_le_bytes());
}

#[test]
fn the_same_bits_at_any_number_of_threads() {
    let (x, y) = data::<f32>(70, 6);
    let at = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| by_trainer(9, &x, &y)).to_le_bytes()
    };
    let one = at(1);
    for threads in [2, 3, 8] {
        assert!(one == at(threads), "{threads} threads give other bits than one");
    }
}

#[test]
fn a_fit_and_a_prediction_bring_their_own_threads() {
    // Outside any pool; large enough for its products, passes and predictions to be shared.
    let (x, y) = data::<f32>(4096, 64);
    let samples = Samples::labels(x.view(), &y).unwrap();
    let fit = |threads: usize| {
        let (mlp, mut params) = Mlp::builder(64).hidden(&[512]).outputs(2).create::<f32>(4).unwrap();
        let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).epochs(1).batch(2048);
        let mut seen = Vec::new();
        let trainer = trainer.on_step(|_| {
            seen.push(rayon::current_thread_index().map(|_| rayon::current_num_threads()));
            ControlFlow::Continue(())
        });
        trainer.threads(threads).fit(&mut params, &samples).unwrap();
        let y = predict(&mlp, &params, x.view(), 1024);
        (seen, params.to_le_bytes(), y)
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (seen, bits, outputs) = fit(0);
    assert!(seen.iter().all(|n| n.unwrap_or(1) == cores), "{seen:?} threads on {cores} cores");
    for threads in [1, 2, 3] {
        let (seen, again, y) = fit(threads);
        assert!(seen.iter().all(|n| n.unwrap_or(1) == threads), "{seen:?} threads where {threads} were asked for");
        assert!(bits == again && outputs == y, "{threads} threads give other bits");
    }
}

#[test]
fn rows_of_other_strides_train_the_same() {
    let (x, y) = data::<f32>(70, 6);
    let turned = x.t().as_standard_layout().into_owned();
    let (mlp, params) = network().create::<f32>(1).unwrap();
    let fit = |view: ndarray::ArrayView2<'_, f32>| {
        let mut params = params.clone();
        let samples = Samples::labels(view, &y).unwrap();
        Trainer::new(&mlp, SoftmaxCrossEntropy).epochs(1).fit(&mut params, &samples).unwrap();
        params.to_le_bytes()
    };
    assert_eq!(fit(x.view()), fit(turned.t()));
}

#[test]
fn a_plateau_watches_the_loss_of_each_epoch() {
    let (x, y) = data::<f64>(64, 6);
    let rates = |plateau: Plateau| -> Vec<f64> {
        let samples = Samples::labels(x.view(), &y).unwrap();
        let (mlp, mut params) = Mlp::builder(6).hidden(&[8]).outputs(2).create::<f64>(1).unwrap();
        let optimizer = OptimizerConfig::new(Sgd::default()).rate(0.1).plateau(plateau.patience(0));
        let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).optimizer(optimizer).epochs(4).batch(64);
        let report = trainer.validation(samples).fit(&mut params, &samples).unwrap();
        report.history.epochs.iter().map(|e| e.rate).collect()
    };
    // The loss falls by less than 10 an epoch, but by more than nothing.
    assert_eq!(rates(Plateau::default().factor(0.5).margin(Margin::Absolute(10.0))), [0.1, 0.1, 0.05, 0.025]);
    assert_eq!(rates(Plateau::default().margin(Margin::Absolute(0.0))), [0.1; 4]);
}

#[test]
fn learns_and_reports() {
    let (x, y) = data::<f32>(400, 2);
    let (mlp, mut params) = Mlp::builder(2).hidden(&[32]).outputs(2).create::<f32>(1).unwrap();
    let samples = Samples::labels(x.view(), &y).unwrap();
    let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).rate(0.01).epochs(30);
    let report = trainer.validation(samples).metric(Metric::ACCURACY).fit(&mut params, &samples).unwrap();
    assert_eq!((report.steps, report.history.epochs.len()), (30 * 13, 30));
    assert_eq!(report.stop, StopReason::Finished);
    let last = report.history.last().unwrap();
    assert!(last.loss < 0.2 && last.gradient_norm > 0.0 && last.rate == 0.01, "{last:?}");
    let outputs = predict(&mlp, &params, x.view(), 64);
    let by_metric = accuracy(&classify(outputs.view()).unwrap(), &y).unwrap();
    assert_eq!(last.metric("accuracy"), Some(by_metric));
    assert!(by_metric > 0.95, "{by_metric}");
    let loss = evaluate(&mlp, &SoftmaxCrossEntropy, &params, &samples, 64);
    assert!((loss - last.validation_loss.unwrap()).abs() < 1e-6);
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<layerwise_train::FitReport>(&json).unwrap(), report);
}

#[test]
fn an_autoencoder_has_its_inputs_as_targets() {
    let (x, _) = data::<f64>(50, 4);
    let (mlp, mut copied) = Mlp::builder(4).hidden(&[8]).outputs(4).create::<f64>(1).unwrap();
    let mut own = copied.clone();
    let fit = |params: &mut Params<f64>, samples: Samples<'_, f64>| {
        Trainer::new(&mlp, Mse).epochs(4).batch(20).drop_last(true).fit(params, &samples).unwrap()
    };
    let first = fit(&mut copied, Samples::values(x.view(), x.view()).unwrap());
    let second = fit(&mut own, Samples::reconstruct(x.view()).unwrap());
    assert_eq!(first, second);
    assert_eq!(first.steps, 8);
    assert_eq!(copied.to_le_bytes(), own.to_le_bytes());
}

#[test]
fn predictions_do_not_depend_on_the_batch() {
    let (x, _) = data::<f64>(23, 6);
    let (mlp, params) = network().create::<f64>(1).unwrap();
    let whole = predict(&mlp, &params, x.view(), 100);
    for batch in [1, 5, 23] {
        let parts = predict(&mlp, &params, x.view(), batch);
        assert!(parts.iter().zip(&whole).all(|(a, b)| (a - b).abs() < 1e-12));
    }
    let mut evaluator = Evaluator::new(4);
    assert_eq!(evaluator.predict(&mlp, &params, Array2::zeros((0, 6)).view()).dim(), (0, 2));
}

#[test]
fn early_stopping_restores_the_best_epoch() {
    let (x, y) = data::<f32>(60, 6);
    let (held, held_y) = data::<f32>(90, 6);
    let samples = Samples::labels(x.view(), &y).unwrap();
    let validation = Samples::labels(held.view(), &held_y).unwrap();
    let (mlp, mut params) = Mlp::builder(6).hidden(&[64]).outputs(2).create::<f32>(2).unwrap();
    let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).rate(0.03).epochs(200).validation(validation);
    let report = trainer.callback(EarlyStopping::new(8)).fit(&mut params, &samples).unwrap();
    let best = report.best.unwrap();
    let losses = report.history.validation_losses();
    let smallest = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(best.value, smallest);
    assert_eq!(losses[best.epoch], smallest);
    let again = evaluate(&mlp, &SoftmaxCrossEntropy, &params, &validation, 256);
    assert_eq!(again, smallest, "the parameters are those of the best epoch");
}

#[test]
fn a_callback_stops_after_its_step() {
    let (x, y) = data::<f32>(64, 6);
    let (mlp, mut params) = network().create::<f32>(2).unwrap();
    let samples = Samples::labels(x.view(), &y).unwrap();
    let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).batch(8);
    let trainer = trainer.on_step(|s| {
        assert!((s.grads.norm() - s.gradient_norm).abs() < 1e-9, "the gradients shown are those of the step");
        if s.step == 10 { ControlFlow::Break(Stop::new("ten is enough")) } else { ControlFlow::Continue(()) }
    });
    let report = trainer.fit(&mut params, &samples).unwrap();
    assert_eq!(report.steps, 11);
    assert_eq!(report.stop, StopReason::Callback { reason: "ten is enough".into() });
    assert_eq!(report.history.epochs.len(), 2);
}

#[test]
fn divergence_names_its_place_and_keeps_the_parameters() {
    let (x, t) = (Array2::<f32>::from_elem((8, 3), 2.0), Array2::<f32>::zeros((8, 1)));
    let samples = Samples::values(x.view(), t.view()).unwrap();
    let (mlp, mut params) = Mlp::builder(3).hidden(&[4, 4]).outputs(1).create::<f32>(1).unwrap();
    for (name, value) in [("0.weight", 1.0), ("2.weight", f32::MAX)] {
        let id = params.layout().find(name).unwrap();
        params.get_mut(id).fill(value);
    }
    let before = params.to_le_bytes();
    let error = Trainer::new(&mlp, Mse).fit(&mut params, &samples).unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, TrainError::Diverged { step: 0, epoch: 0, .. }));
    assert!(message.contains("`2.weight`") && message.contains("Lower the rate"), "{message}");
    assert_eq!(params.to_le_bytes(), before);
}

#[test]
fn a_rate_that_is_too_large_diverges_with_the_last_good_parameters() {
    let (x, t) = (Array2::<f32>::from_elem((8, 3), 2.0), Array2::<f32>::ones((8, 1)));
    let samples = Samples::values(x.view(), t.view()).unwrap();
    let (mlp, mut params) = Mlp::builder(3).hidden(&[4, 4]).outputs(1).create::<f32>(1).unwrap();
    let trainer = Trainer::new(&mlp, Mse).rule(Sgd::default()).rate(1e6).epochs(500);
    let error = trainer.fit(&mut params, &samples).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { .. }), "{error}");
    assert!(params.trainable().iter().all(|v| v.is_finite()));
}

#[test]
fn missing_values_are_found_in_the_data() {
    let (mut x, y) = data::<f32>(10, 6);
    x[[7, 3]] = f32::NAN;
    let (mlp, mut params) = Mlp::builder(6).outputs(2).create::<f32>(1).unwrap();
    let samples = Samples::labels(x.view(), &y).unwrap();
    let error = Trainer::new(&mlp, SoftmaxCrossEntropy).fit(&mut params, &samples).unwrap_err();
    assert!(error.to_string().contains("row 7, feature 3"), "{error}");
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let (x, y) = data::<f32>(10, 6);
    let (mlp, params) = Mlp::builder(6).outputs(2).create::<f32>(1).unwrap();
    let samples = Samples::labels(x.view(), &y).unwrap();
    let refusal = |trainer: Trainer<'_, f32>| {
        let mut params = params.clone();
        trainer.fit(&mut params, &samples).unwrap_err().to_string()
    };
    let trainer = || Trainer::new(&mlp, SoftmaxCrossEntropy);
    assert!(refusal(trainer().batch(0)).contains("batch"));
    assert!(refusal(trainer().batch(11).drop_last(true)).contains("10 rows do not fill"));
    assert!(refusal(trainer().rate(f64::NAN)).contains("rate"));
    assert!(refusal(trainer().metric(Metric::ACCURACY)).contains("validation"));
    assert!(refusal(trainer().callback(EarlyStopping::new(3))).contains("no validation samples"));
    assert!(refusal(Trainer::new(&mlp, Mse)).contains("choose another loss"));
}

#[test]
fn no_epoch_changes_nothing() {
    let (x, y) = data::<f32>(10, 6);
    let (mlp, mut params) = Mlp::builder(6).outputs(2).create::<f32>(1).unwrap();
    let before = params.to_le_bytes();
    let samples = Samples::labels(x.view(), &y).unwrap();
    let report = Trainer::new(&mlp, SoftmaxCrossEntropy).epochs(0).fit(&mut params, &samples).unwrap();
    assert_eq!((report.steps, params.to_le_bytes()), (0, before));
}

#[test]
fn a_row_of_weight_two_is_two_rows() {
    // One batch holds all rows, so nothing depends on how they are shuffled but the order of sums.
    let x = array![[1.0, 0.5], [-0.5, 2.0], [0.25, -1.0]];
    let y = array![[1.0], [0.0], [-2.0]];
    let twice = [0, 1, 1, 1];
    let (mlp, start) = Mlp::builder(2).hidden(&[4]).outputs(1).activation(Activation::TANH).create::<f64>(1).unwrap();
    fn fit<'a>(mlp: &'a Mlp, start: &Params<f64>, samples: &Samples<'a, f64>) -> (Params<f64>, FitReport) {
        let mut params = start.clone();
        let trainer = Trainer::new(mlp, Mse).epochs(20).batch(8).rate(0.05).validation(*samples);
        let report = trainer.fit(&mut params, samples).unwrap();
        (params, report)
    }
    let (many_x, many_y) = (x.select(Axis(0), &twice), y.select(Axis(0), &twice));
    let many = Samples::values(many_x.view(), many_y.view()).unwrap();
    let (plain, expected) = fit(&mlp, &start, &many);
    let mut hidden = y.clone();
    hidden[[2, 0]] = f64::NAN;
    let weights = [1.0, 3.0, 0.0];
    let weighted = Samples::values(x.view(), hidden.view()).unwrap().weights(&weights).unwrap();
    let (found, report) = fit(&mlp, &start, &weighted);
    for (a, b) in found.trainable().iter().zip(plain.trainable()) {
        assert!((a - b).abs() < 1e-10, "{a} against {b}");
    }
    for (a, b) in report.history.epochs.iter().zip(&expected.history.epochs) {
        assert!((a.loss - b.loss).abs() < 1e-10 && (a.gradient_norm - b.gradient_norm).abs() < 1e-10);
        assert!((a.validation_loss.unwrap() - b.validation_loss.unwrap()).abs() < 1e-10);
    }
}

#[test]
fn a_weighted_mean_does_not_depend_on_how_the_rows_are_batched() {
    let x = Array2::from_shape_fn((7, 2), |(i, j)| (i as f64 - 3.0) * (j as f64 + 0.5));
    let mask = Array2::from_shape_fn((7, 2), |(i, j)| f64::from(u8::from((i * 3 + j) % 4 != 0)));
    let weights: Vec<f64> = (0..7).map(|i| f64::from(i % 3)).collect();
    let (mlp, params) = Mlp::builder(2).outputs(2).create::<f64>(1).unwrap();
    let samples = Samples::reconstruct(x.view()).unwrap().weights(&weights).unwrap().mask(mask.view()).unwrap();
    let whole = evaluate(&mlp, &Mse, &params, &samples, 7);
    let y = predict(&mlp, &params, x.view(), 7);
    let (mut sum, mut total) = (0.0, 0.0);
    for ((i, j), m) in mask.indexed_iter() {
        sum += weights[i] * m * (y[[i, j]] - x[[i, j]]).powi(2);
        total += weights[i] * m;
    }
    assert!((whole - sum / total).abs() < 1e-12 * whole);
    // Batches of one row have rows that count nothing among them.
    for batch in [1, 2, 3, 4] {
        assert!((evaluate(&mlp, &Mse, &params, &samples, batch) - whole).abs() < 1e-12 * whole);
    }
}

#[test]
fn a_masked_fit_learns_from_what_is_known() {
    // Two targets of one input, each known on its own half of the rows: both lines are found.
    let x = Array2::from_shape_fn((40, 1), |(i, _)| (i as f64 - 20.0) / 10.0);
    let truth = Array2::from_shape_fn((40, 2), |(i, j)| if j == 0 { 2.0 * x[[i, 0]] + 1.0 } else { -x[[i, 0]] });
    let mask = Array2::from_shape_fn((40, 2), |(i, j)| f64::from(u8::from(i % 2 == j)));
    let known = Array2::from_shape_fn((40, 2), |at| if mask[at] == 1.0 { truth[at] } else { f64::NAN });
    let (mlp, mut params) = Mlp::builder(1).outputs(2).create::<f64>(1).unwrap();
    let samples = Samples::values(x.view(), known.view()).unwrap().mask(mask.view()).unwrap();
    let trainer = Trainer::new(&mlp, Mse).epochs(300).batch(8).rate(0.05);
    trainer.fit(&mut params, &samples).unwrap();
    let found = predict(&mlp, &params, x.view(), 40);
    assert!((&found - &truth).iter().all(|d| d.abs() < 1e-3));
    // A target that is not a number and counts is named.
    let mut broken = truth.clone();
    broken[[3, 1]] = f64::NAN;

    let ones = Array2::ones((40, 2));
    let samples = Samples::values(x.view(), broken.view()).unwrap().mask(ones.view()).unwrap();
    let message = Trainer::new(&mlp, Mse).epochs(1).fit(&mut params, &samples).unwrap_err().to_string();
    assert!(message.contains("NaN in row 3, column 1"), "{message}");
}
