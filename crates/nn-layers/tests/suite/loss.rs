//! Losses by hand, their targets, their extremes.

use layerwise_autograd::Tape;
use layerwise_nn_layers::loss::{self, NamedLoss};
use layerwise_nn_layers::{
    AnyLoss, BceWithLogits, GaussianNll, Huber, KlDiv, Loss, Mae, Mse, PoissonNll, SmoothL1, SoftmaxCrossEntropy,
    Target, TargetKind,
};
use layerwise_tensor::ndarray::{Array2, arr2};
use layerwise_tensor::{Accum, Gradients, Layout, Mode, Params, Stream};
use serde_json::{Map, json};

use crate::support::{all_close, close};

/// The loss of `z` and its gradient.
#[track_caller]
fn value_and_gradient(loss: &dyn AnyLoss, z: &Array2<f64>, target: Target<'_, f64>) -> (f64, Array2<f64>) {
    let params = Params::init(Layout::new(), &Stream::new(0));
    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
    let z = g.leaf(z.view());
    let l = Loss::<f64>::loss(loss, &mut g, z, target);
    assert_eq!(g.shape(l), (1, 1));
    let value = g.backward(l, &mut grads, Accum::Replace);
    (value, tape.grad(z).expect("a leaf has a gradient").to_owned())
}

#[test]
fn mean_squared_error_by_hand() {
    let (y, t) = (arr2(&[[1.0, 2.0], [3.0, 4.0]]), arr2(&[[1.0, 0.0], [0.0, 8.0]]));
    let (value, dy) = value_and_gradient(&Mse, &y, Target::Values(t.view()));
    close(value, (0.0 + 4.0 + 9.0 + 16.0) / 4.0, 1e-15);
    all_close(dy.view(), ((&y - &t) / 2.0).view(), 1e-15);
}

#[test]
fn binary_cross_entropy_by_hand() {
    let (z, t) = (arr2(&[[0.0, 2.0]]), arr2(&[[1.0, 0.0]]));
    let (value, dz) = value_and_gradient(&BceWithLogits, &z, Target::Values(t.view()));
    close(value, (2f64.ln() + (1.0 + 2f64.exp()).ln()) / 2.0, 1e-15);
    let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
    all_close(dz.view(), arr2(&[[(0.5 - 1.0) / 2.0, sigmoid(2.0) / 2.0]]).view(), 1e-15);
}

#[test]
fn binary_cross_entropy_of_sure_logits_is_finite() {
    let (z, t) = (arr2(&[[1e4, -1e4, 88.0]]), arr2(&[[0.0, 1.0, 1.0]]));
    let (value, dz) = value_and_gradient(&BceWithLogits, &z, Target::Values(t.view()));
    close(value, 2e4 / 3.0, 1e-9);
    assert!(dz.iter().all(|d| d.is_finite()));
}

#[test]
fn cross_entropy_by_hand() {
    let z = arr2(&[[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]);
    let (value, dz) = value_and_gradient(&SoftmaxCrossEntropy, &z, Target::Labels(&[2, 0]));
    let sum = 1f64.exp() + 2f64.exp() + 3f64.exp();
    close(value, ((sum.ln() - 3.0) + 3f64.ln()) / 2.0, 1e-15);
    let p = |z: f64| z.exp() / sum / 2.0;
    let expected = [[p(1.0), p(2.0), p(3.0) - 0.5], [1.0 / 6.0 - 0.5, 1.0 / 6.0, 1.0 / 6.0]];
    all_close(dz.view(), arr2(&expected).view(), 1e-15);
}

#[test]
fn robust_errors_by_hand() {
    let (y, t) = (arr2(&[[1.0, 2.0, 3.0, 4.0]]), arr2(&[[1.0, 1.5, 5.0, 0.0]]));
    let check = |loss: &dyn AnyLoss, expected: f64, slope: [f64; 4]| {
        let (value, dy) = value_and_gradient(loss, &y, Target::Values(t.view()));
        close(value, expected / 4.0, 1e-15);
        all_close(dy.view(), (arr2(&[slope]) / 4.0).view(), 1e-15);
    };
    check(&Mae, 0.0 + 0.5 + 2.0 + 4.0, [0.0, 1.0, -1.0, 1.0]);
    check(&Huber::default(), 0.0 + 0.125 + 1.5 + 3.5, [0.0, 0.5, -1.0, 1.0]);
    check(&Huber::new(2.0).unwrap(), 0.0 + 0.125 + 2.0 + 6.0, [0.0, 0.5, -2.0, 2.0]);
    check(&SmoothL1::new(2.0).unwrap(), 0.0 + 0.0625 + 1.0 + 3.0, [0.0, 0.25, -1.0, 1.0]);
}

#[test]
fn a_divergence_of_a_distribution_from_itself_is_zero() {
    let t = arr2(&[[0.25, 0.75, 0.0], [1.0, 0.0, 0.0], [0.2, 0.3, 0.5]]);
    let y = t.mapv(|p: f64| p.max(1e-300).ln());
    let (value, dy) = value_and_gradient(&KlDiv::new(), &y, Target::Values(t.view()));
    close(value, 0.0, 1e-15);
    all_close(dy.view(), (&t / -3.0).view(), 1e-15);
    // Of logits, any shift by row is the same distribution.
    let (value, dz) = value_and_gradient(&KlDiv::of_logits(), &(&y + 5.0), Target::Values(t.view()));
    close(value, 0.0, 1e-14);
    all_close(dz.view(), Array2::zeros((3, 3)).view(), 1e-15);
}

#[test]
fn likelihoods_by_hand() {
    // Means 1 and 4, variances e^0 and e^2; targets 2 and 4.
    let (y, t) = (arr2(&[[1.0, 4.0, 0.0, 2.0]]), arr2(&[[2.0, 4.0]]));
    let (value, dy) = value_and_gradient(&GaussianNll::new(), &y, Target::Values(t.view()));
    close(value, (0.5 * (0.0 + 1.0) + 0.5 * (2.0 + 0.0)) / 2.0, 1e-15);
    all_close(dy.view(), arr2(&[[-0.5, 0.0, 0.0, 0.25]]).view(), 1e-15);
    // A variance that collapses is stopped at eps, and so is its gradient.
    let sure = arr2(&[[1.0, -1e4]]);
    let (value, dy) = value_and_gradient(&GaussianNll::new(), &sure, Target::Values(arr2(&[[1.001]]).view()));
    close(value, 0.5 * (1e-6f64.ln() + 1.0), 1e-9);
    assert_eq!(dy[[0, 1]], 0.0);

    let (y, t) = (arr2(&[[0.0, 1.0]]), arr2(&[[0.0, 3.0]]));
    let e = std::f64::consts::E;
    let (value, dy) = value_and_gradient(&PoissonNll::new(), &y, Target::Values(t.view()));
    close(value, (1.0 + (e - 3.0)) / 2.0, 1e-15);
    all_close(dy.view(), arr2(&[[0.5, (e - 3.0) / 2.0]]).view(), 1e-15);
    let stirling = 3.0 * 3f64.ln() - 3.0 + 0.5 * (std::f64::consts::TAU * 3.0).ln();
    let (full, same) = value_and_gradient(&PoissonNll::full(), &y, Target::Values(t.view()));
    close(full, value + stirling / 2.0, 1e-15);
    assert_eq!(same, dy);
}

#[test]
fn weights_of_one_and_no_smoothing_change_nothing() {
    let z = arr2(&[[1.0, 2.0, 3.0], [0.5, -0.25, 0.0]]);
    let plain = value_and_gradient(&SoftmaxCrossEntropy, &z, Target::Labels(&[2, 0]));
    let ones = SoftmaxCrossEntropy.class_weights(&[1.0; 3]).unwrap();
    let weighted = value_and_gradient(&ones, &z, Target::Labels(&[2, 0]));
    close(weighted.0, plain.0, 1e-15);
    all_close(weighted.1.view(), plain.1.view(), 1e-15);
    let t = arr2(&[[0.0, 1.0, 0.25], [1.0, 0.5, 0.0]]);
    let plain = value_and_gradient(&BceWithLogits, &z, Target::Values(t.view()));
    let one = BceWithLogits.pos_weight(1.0).unwrap();
    let weighted = value_and_gradient(&one, &z, Target::Values(t.view()));
    close(weighted.0, plain.0, 1e-15);
    all_close(weighted.1.view(), plain.1.view(), 1e-15);
}

#[test]
fn a_weight_is_as_good_as_repeated_rows() {
    let (z, labels) = (arr2(&[[1.0, 2.0], [0.5, -0.25]]), [1, 0]);
    let weighted = SoftmaxCrossEntropy.class_weights(&[3.0, 1.0]).unwrap();
    let (value, _) = value_and_gradient(&weighted, &z, Target::Labels(&labels));
    let rows = arr2(&[[1.0, 2.0], [0.5, -0.25], [0.5, -0.25], [0.5, -0.25]]);
    let (repeated, _) = value_and_gradient(&SoftmaxCrossEntropy, &rows, Target::Labels(&[1, 0, 0, 0]));
    close(value, repeated, 1e-15);
}

#[test]
fn options_out_of_range_are_refused() {
    let refused = |value| loss::from_value(&value).unwrap_err().to_string();
    let e = refused(json!({"name": "huber", "delta": 0}));
    assert!(e.contains("`delta` of loss `huber` must be a finite number above 0, found 0"), "{e}");
    let e = refused(json!({"name": "gaussian_nll", "eps": -1.0}));
    assert!(e.contains("`eps` of loss `gaussian_nll`"), "{e}");
    let e = refused(json!({"name": "softmax_cross_entropy", "label_smoothing": 1.5}));
    assert!(e.contains("in [0, 1], found 1.5"), "{e}");
    let e = refused(json!({"name": "softmax_cross_entropy", "class_weights": [1.0, -2.0]}));
    assert!(e.contains("finite and at least 0, found -2"), "{e}");
    let e = refused(json!({"name": "softmax_cross_entropy", "class_weight": [1.0]}));
    assert!(e.contains("did you mean `class_weights`?"), "{e}");
    let e = refused(json!({"name": "bce_with_logits", "pos_weight": "much"}));
    assert!(e.contains("`pos_weight` of loss `bce_with_logits`"), "{e}");
}

#[test]
#[should_panic(expected = "one class weight for each column")]
fn class_weights_must_fit_the_width() {
    let loss = SoftmaxCrossEntropy.class_weights(&[1.0, 2.0, 3.0]).unwrap();
    value_and_gradient(&loss, &arr2(&[[1.0, 2.0]]), Target::Labels(&[0]));
}

#[test]
#[should_panic(expected = "twice as wide as the target")]
fn means_without_variances_are_refused() {
    let y = arr2(&[[1.0, 2.0]]);
    value_and_gradient(&GaussianNll::new(), &y, Target::Values(y.view()));
}

#[test]
fn a_target_on_the_graph_is_a_target() {
    let params = Params::init(Layout::new(), &Stream::new(0));
    let mut tape = Tape::<f64>::new();
    let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
    let x = g.input(arr2(&[[3.0]]).view());
    let y = g.input(arr2(&[[1.0]]).view());
    let l = Mse.loss(&mut g, y, Target::Var(x));
    assert_eq!(g.scalar(l), 4.0);
}

#[test]
#[should_panic(expected = "loss `softmax_cross_entropy` needs a class for each row")]
fn the_wrong_kind_of_target_is_named() {
    let z = arr2(&[[1.0, 2.0]]);
    value_and_gradient(&SoftmaxCrossEntropy, &z, Target::Values(z.view()));
}

#[test]
fn losses_are_found_by_name() {
    for entry in loss::table() {
        // A loss whose options are not all optional has no sample without any.
        let mut options: Map<String, serde_json::Value> = serde_json::from_str(entry.samples[0]).unwrap();
        if options.is_empty() {
            assert!(loss::from_value(&json!(entry.name)).is_ok());
        }
        options.insert("name".into(), json!(entry.name));
        let loss = loss::from_value(&options.into()).unwrap();
        assert_eq!(Loss::<f32>::target(&loss), entry.target);
    }
    assert_eq!(SoftmaxCrossEntropy::TARGET, TargetKind::Labels);
    let e = loss::parse("msee", &Map::new()).unwrap_err().to_string();
    assert!(e.contains("did you mean `mse`?"), "{e}");
    let e = loss::from_value(&json!({"name": "mse", "reduction": "sum"})).unwrap_err().to_string();
    assert!(e.contains("loss `mse` has no option `reduction`"), "{e}");
}
