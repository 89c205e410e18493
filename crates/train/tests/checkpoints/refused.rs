//! Another training than that of the file: what differs is named, and nothing is changed.

use std::path::Path;

use layerwise_nn_layers::{Activation, BuildModel, MlpConfig, SoftmaxCrossEntropy, WeightedSoftmaxCrossEntropy};
use layerwise_optim::{Clip, Sgd};
use layerwise_tensor::Scalar;
use layerwise_train::metrics::Metric;
use layerwise_train::{Checkpoint, EarlyStopping, Samples, TrainError, Trainer};
use ndarray::Array2;

use crate::{data, network, part};

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
