//! Losses by hand, their targets, their extremes.

use layerwise_autograd::Tape;
use layerwise_nn_layers::loss::{self, NamedLoss};
use layerwise_nn_layers::{AnyLoss, BceWithLogits, Loss, Mse, SoftmaxCrossEntropy, Target, TargetKind};
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
        let loss = loss::from_value(&json!(entry.name)).unwrap();
        assert_eq!(Loss::<f32>::target(&loss), entry.target);
        assert!(loss::from_value(&json!({"name": entry.name})).is_ok());
    }
    assert_eq!(SoftmaxCrossEntropy::TARGET, TargetKind::Labels);
    let e = loss::parse("msee", &Map::new()).unwrap_err().to_string();
    assert!(e.contains("did you mean `mse`?"), "{e}");
    let e = loss::from_value(&json!({"name": "mse", "reduction": "sum"})).unwrap_err().to_string();
    assert!(e.contains("loss `mse` has no option `reduction`"), "{e}");
}
