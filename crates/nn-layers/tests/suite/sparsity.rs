//! Penalties on activations, and the layer that keeps the largest of them.

use layerwise_autograd::{Tape, gradcheck::GradCheck};
use layerwise_nn_layers::{ActivityConfig, KSparseConfig, KlSparsityConfig, LayerConfig, Module};
use layerwise_tensor::ndarray::{Array2, arr2};
use layerwise_tensor::{Accum, Gradients, Layout, Mode, Params, Scalar, Stream};
use serde_json::json;

use crate::support::{build, close, normal, run};

/// The total with nothing but the penalty, and the gradient of the input.
fn total<T: Scalar>(layer: &dyn Module<T>, x: &Array2<T>) -> (f64, Array2<T>) {
    let params = Params::<T>::init(Layout::new(), &Stream::new(0));
    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
    let x = g.leaf(x.view());
    let y = layer.forward(&mut g, x);
    assert_eq!(y, x, "a penalty lets its input pass");
    let nothing = g.constant(1, 1, 0.0);
    let value = g.backward(nothing, &mut grads, Accum::Replace);
    (value, tape.grad(x).expect("the input wants a gradient").to_owned())
}

#[test]
fn an_activity_penalty_by_hand() {
    let x = arr2(&[[1.0, -2.0, 0.0], [0.5, 0.0, -4.0]]);
    let (layer, _) = build(3, &LayerConfig::of(&ActivityConfig::new().l1(0.5)));
    let (value, dx) = total::<f64>(&layer, &x);
    assert_eq!(value, 0.5 * 7.5 / 2.0);
    assert_eq!(dx, arr2(&[[0.25, -0.25, 0.0], [0.25, 0.0, -0.25]]), "the slope at 0 is 0");
    let (layer, _) = build(3, &LayerConfig::of(&ActivityConfig::new().l2(0.5)));
    let (value, dx) = total::<f64>(&layer, &x);
    assert_eq!(value, 0.5 * 21.25 / 2.0);
    assert_eq!(dx, &x * 0.5);
}

#[test]
fn a_divergence_by_hand_and_its_clamp() {
    let kl = |rho: f64, p: f64| rho * (rho / p).ln() + (1.0 - rho) * ((1.0 - rho) / (1.0 - p)).ln();
    let (layer, _) = build(2, &LayerConfig::of(&KlSparsityConfig::new().rho(0.2).weight(3.0)));
    let x = arr2(&[[0.1, 0.9], [0.3, 0.5]]);
    let (value, dx) = total::<f64>(&layer, &x);
    close(value, 3.0 * kl(0.2, 0.7), 1e-14);
    let slope = 1.5 * (0.8 / 0.3 - 0.2 / 0.7);
    for row in dx.outer_iter() {
        close(row[0], 0.0, 1e-14);
        close(row[1], slope, 1e-14);
    }
    // Beyond the clamp the value is finite and no gradient passes; NaN is not hidden.
    let edge = 3.0 * (kl(0.2, 1e-6) + kl(0.2, 1.0 - 1e-6));
    for (low, high) in [(0.0, 1.0), (-7.0, 8.0), (f64::NEG_INFINITY, f64::INFINITY)] {
        let (value, dx) = total::<f64>(&layer, &arr2(&[[low, high], [low, high]]));
        close(value, edge, 1e-12);
        assert_eq!(dx, Array2::<f64>::zeros((2, 2)));
        let (value, _) = total::<f32>(&layer, &arr2(&[[low as f32, high as f32]]));
        // The distance of the clamp from 1 has few digits of its own, but this sum is made in `f64`.
        close(value, edge, 1e-6 * edge);
    }
    let (value, _) = total::<f64>(&layer, &arr2(&[[0.5, f64::NAN]]));
    assert!(value.is_nan());
}

#[test]
fn a_penalty_costs_nothing_without_rows_or_where_nobody_asks() {
    for config in [LayerConfig::of(&ActivityConfig::new().l1(1.0)), LayerConfig::of(&KlSparsityConfig::new())] {
        let (layer, _) = build(3, &config);
        assert_eq!(total::<f64>(&layer, &Array2::<f64>::zeros((0, 3))).0, 0.0);
        let params = Params::<f64>::init(Layout::new(), &Stream::new(0));
        let mut tape = Tape::new();
        let mut g = tape.graph(&params, Mode::Eval, Stream::new(0));
        g.skip_penalties();
        let x = g.input(normal::<f64>(4, 3, 0).view());
        assert_eq!(Module::<f64>::forward(&*layer, &mut g, x), x);
        assert_eq!(tape.len(), 1, "{config:?} works for nobody");
    }
}

#[test]
fn the_largest_are_kept_and_ties_go_to_the_left() {
    let (layer, layout) = build(5, &LayerConfig::of(&KSparseConfig::new(2).alpha(1.5)));
    let params = Params::<f64>::init(layout, &Stream::new(0));
    let nan = f64::NAN;
    let x = arr2(&[
        [1.0, 5.0, -9.0, 4.0, 2.0],
        [3.0, 3.0, 3.0, 3.0, 3.0],
        [0.0, -0.0, 0.0, -1.0, -2.0],
        [-1.0, -2.0, -3.0, -4.0, -5.0],
        [f64::INFINITY, 1.0, f64::NEG_INFINITY, 2.0, 1.0],
        [7.0, nan, 8.0, 9.0, 1.0],
    ]);
    let kept = |mode| run(&*layer, &params, mode, 0, x.view());
    let expected = arr2(&[
        [0.0, 5.0, 0.0, 4.0, 0.0],
        [3.0, 3.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [-1.0, -2.0, 0.0, 0.0, 0.0],
        [f64::INFINITY, 0.0, 0.0, 2.0, 0.0],
        [0.0, nan, 0.0, 9.0, 0.0],
    ]);
    assert!(kept(Mode::Train).iter().zip(&expected).all(|(a, b)| a == b || (a.is_nan() && b.is_nan())));
    // 1.5 times 2.
    let in_use = kept(Mode::Eval);
    assert_eq!(in_use.row(0), arr2(&[[0.0, 5.0, 0.0, 4.0, 2.0]]).row(0));
    assert_eq!(in_use.row(1), arr2(&[[3.0, 3.0, 3.0, 0.0, 0.0]]).row(0));

    // The gradient passes through what was kept, a kept zero too.
    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
    let leaf = g.leaf(x.view());
    let y = Module::<f64>::forward(&*layer, &mut g, leaf);
    let ones = vec![1.0; x.len()];
    g.backward_from(y, &ones, &mut grads, Accum::Replace);
    let dx = tape.grad(leaf).unwrap();
    assert!(dx.outer_iter().all(|row| row.sum() == 2.0), "{dx}");
    assert_eq!(dx.row(2), arr2(&[[1.0, 1.0, 0.0, 0.0, 0.0]]).row(0));
    assert_eq!(dx.row(5), arr2(&[[0.0, 1.0, 0.0, 1.0, 0.0]]).row(0));
}

#[test]
fn a_code_that_is_penalised_twice_has_both_gradients() {
    let config = json!({"layer": "sequential", "layers": [
        {"layer": "linear", "outputs": 4}, {"layer": "activation", "activation": "sigmoid"},
        {"layer": "activity", "l1": 0.3, "l2": 0.1}, {"layer": "kl_sparsity", "rho": 0.2}, {"layer": "linear", "outputs": 3}]});
    let (layer, layout) = build(3, &serde_json::from_value(config).unwrap());
    let params = Params::<f64>::init(layout, &Stream::new(1));
    for mode in [Mode::Train, Mode::Eval] {
        GradCheck::new()
            .mode(mode)
            .run(&params, &[normal(9, 3, 1)], |g, x| Module::<f64>::forward(&*layer, g, x[0]))
            .unwrap_or_else(|failure| panic!("{mode:?}: {failure}"));
    }
}

#[test]
fn what_no_penalty_can_be_is_refused() {
    let refused = |config: serde_json::Value| {
        let config: LayerConfig = serde_json::from_value(config).unwrap();
        config.build(&mut Layout::new().scope().child(7), 4).map(|_| ()).unwrap_err().to_string()
    };
    for (config, part) in [
        (json!({"layer": "activity", "l1": -1.0}), "`l1` must be finite and at least 0, found -1"),
        (json!({"layer": "kl_sparsity", "rho": 1.0}), "`rho` must be above 0 and below 1, found 1"),
        (json!({"layer": "kl_sparsity", "weight": -0.5}), "`weight` must be finite and at least 0"),
        (json!({"layer": "k_sparse", "k": 0}), "`k` must be at least 1 and at most the width (4), found 0"),
        (json!({"layer": "k_sparse", "k": 5}), "found 5"),
        (json!({"layer": "k_sparse", "k": 2, "alpha": 0.5}), "`alpha` must be finite and at least 1"),
    ] {
        let text = refused(config);
        assert!(text.contains("layer `7`") && text.contains(part), "`{text}`: no `{part}`");
    }
}
