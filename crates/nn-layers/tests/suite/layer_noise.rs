//! Layers that draw random numbers in training, and those that mix ways through a network: moments, and values by hand.

use layerwise_nn_layers::{
    Activation, ActivationConfig, AlphaDropoutConfig, DropConnectConfig, GaussianDropoutConfig, GaussianNoiseConfig,
    GluConfig, GroupNormConfig, HighwayConfig, LayerConfig, LayerNormConfig, LinearConfig, ResidualConfig,
    RmsNormConfig, SwiGluConfig,
};
use layerwise_tensor::ndarray::{Array2, Axis, arr2, concatenate, s};
use layerwise_tensor::{Layout, Mode, Params, Stream};
use serde_json::{Value, json};

use crate::support::{all_close, build, close, names, normal, run};

/// Output in training and in use.
fn both(config: &LayerConfig, x: &Array2<f64>) -> [Array2<f64>; 2] {
    let (layer, layout) = build(x.ncols(), config);
    let params = Params::<f64>::init(layout, &Stream::new(0));
    [Mode::Train, Mode::Eval].map(|mode| run(&*layer, &params, mode, 0, x.view()))
}

/// Mean and variance of all values.
fn moments(x: &Array2<f64>) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.sum() / n;
    (mean, x.mapv(|v| (v - mean).powi(2)).sum() / n)
}

#[test]
fn noise_has_its_moments_and_ends_with_training() {
    // 60 000 values: five standard errors of a mean are 0.02 standard deviations, of a normal's variance 0.03 of it.
    let (zeros, ones) = (Array2::<f64>::zeros((200, 300)), Array2::<f64>::ones((200, 300)));
    let [noisy, clean] = both(&LayerConfig::of(&GaussianNoiseConfig::new(0.5)), &zeros);
    let (mean, variance) = moments(&noisy);
    close(mean, 0.0, 0.01);
    close(variance, 0.25, 0.0075);
    assert_eq!(clean, zeros);

    let [noisy, clean] = both(&LayerConfig::of(&GaussianDropoutConfig::new(0.2)), &ones);
    let (mean, variance) = moments(&noisy);
    close(mean, 1.0, 0.01);
    close(variance, 0.25, 0.0075);
    assert_eq!(clean, ones);

    let x = normal::<f64>(200, 300, 1);
    for p in [0.1, 0.5] {
        let [noisy, clean] = both(&LayerConfig::of(&AlphaDropoutConfig::new(p)), &x);
        let (mean, variance) = moments(&noisy);
        close(mean, 0.0, 0.02);
        close(variance, 1.0, 0.05);
        assert_eq!(clean, x);
        // Each value is kept, up to the affine map, or is SELU's limit under the same map.
        let alpha = -Activation::SELU.value(-1e4);
        let a = 1.0 / ((1.0 - p) * (1.0 + p * alpha * alpha)).sqrt();
        let b = a * p * alpha;
        let dropped = noisy.iter().filter(|y| (*y - (b - a * alpha)).abs() < 1e-12).count() as f64 / 60_000.0;
        close(dropped, p, 5.0 * (p * (1.0 - p) / 60_000.0).sqrt());
        for (y, x) in noisy.iter().zip(&x) {
            assert!((y - (b - a * alpha)).abs() < 1e-12 || (y - (a * x + b)).abs() < 1e-12, "{y} from {x}");
        }
    }
}

#[test]
fn nothing_is_drawn_twice() {
    let x = Array2::<f64>::zeros((3, 4));
    let (layer, layout) = build(4, &LayerConfig::of(&GaussianNoiseConfig::new(1.0)));
    let params = Params::<f64>::init(layout, &Stream::new(0));
    let of_step = |step| run(&*layer, &params, Mode::Train, step, x.view());
    assert_eq!(of_step(1), of_step(1));
    assert_ne!(of_step(1), of_step(2));
    let two = json!({"layer": "sequential", "layers": [{"layer": "gaussian_noise", "std": 1.0}, {"layer": "gaussian_noise", "std": 1.0}]});
    let [once, _] = both(&LayerConfig::of(&GaussianNoiseConfig::new(1.0)), &x);
    let [twice, _] = both(&serde_json::from_value(two).unwrap(), &x);
    assert!(once.iter().zip(&twice).all(|(a, b)| (b - 2.0 * a).abs() > 1e-9), "both layers drew the same numbers");
}

#[test]
fn drop_connect_drops_weights_and_keeps_the_mean() {
    let (inputs, outputs, p) = (40, 50, 0.3);
    let config = LayerConfig::of(&DropConnectConfig::new(outputs, p).bias(false));
    let (layer, layout) = build(inputs, &config);
    assert_eq!(names(&layout), [("weight".into(), inputs, outputs)]);
    let params = Params::<f64>::init(layout, &Stream::new(0));
    // Rows of the identity show the weights themselves.
    let one = Array2::<f64>::eye(inputs);
    let w = run(&*layer, &params, Mode::Eval, 0, one.view());
    assert_eq!(w.as_slice().unwrap(), params.trainable());
    let mut dropped = 0.0;
    for step in 0..20 {
        let masked = run(&*layer, &params, Mode::Train, step, one.view());
        for (m, w) in masked.iter().zip(&w) {
            assert!(*m == 0.0 || (m - w / (1.0 - p)).abs() < 1e-15);
            dropped += f64::from(*m == 0.0);
        }
    }
    let n = 20.0 * w.len() as f64;
    close(dropped / n, p, 5.0 * (p * (1.0 - p) / n).sqrt());
}

#[test]
fn gates_by_hand() {
    let x = arr2(&[[1.0, 2.0, 0.0, 3f64.ln()]]);
    let [y, _] = both(&LayerConfig::of(&GluConfig::new()), &x);
    all_close(y.view(), arr2(&[[0.5, 1.5]]).view(), 1e-15);
    let x = arr2(&[[0.0, 3f64.ln(), 5.0, 2.0]]);
    let [y, _] = both(&LayerConfig::of(&SwiGluConfig::new()), &x);
    all_close(y.view(), arr2(&[[0.0, 1.5 * 3f64.ln()]]).view(), 1e-15);
}

#[test]
fn a_highway_is_its_input_or_its_transformation() {
    let x = normal::<f64>(6, 5, 1);
    let config = |bias| LayerConfig::of(&HighwayConfig::new().activation(Activation::TANH).gate_bias(bias));
    let (_, layout) = build(5, &config(0.0));
    let expected = [("transform.weight", 5, 5), ("transform.bias", 1, 5), ("gate.weight", 5, 5), ("gate.bias", 1, 5)];
    assert_eq!(names(&layout), expected.map(|(n, r, c)| (n.to_owned(), r, c)));
    assert_eq!(both(&config(-1e3), &x)[0], x);
    let (layer, layout) = build(5, &config(1e3));
    let params = Params::<f64>::init(layout, &Stream::new(0));
    let w = Array2::from_shape_vec((5, 5), params.trainable()[..25].to_vec()).unwrap();
    let b = Array2::from_shape_vec((1, 5), params.trainable()[25..30].to_vec()).unwrap();
    let open = run(&*layer, &params, Mode::Train, 0, x.view());
    all_close(open.view(), (x.dot(&w) + b).mapv(f64::tanh).view(), 1e-14);
}

#[test]
fn norms_by_hand() {
    let (layer, layout) = build(2, &LayerConfig::of(&RmsNormConfig::new().eps(0.5)));
    assert_eq!(names(&layout), [("weight".into(), 1, 2)]);
    let mut params = Params::<f64>::init(layout, &Stream::new(0));
    params.trainable_mut().copy_from_slice(&[2.0, -1.0]);
    let y = run(&*layer, &params, Mode::Train, 0, arr2(&[[3.0, 4.0], [0.0, 0.0]]).view());
    let r = 1.0 / 13f64.sqrt();
    all_close(y.view(), arr2(&[[6.0 * r, -4.0 * r], [0.0, 0.0]]).view(), 1e-15);

    // Groups are rows of a layer norm.
    let x = normal::<f64>(4, 6, 2);
    let [grouped, _] = both(&LayerConfig::of(&GroupNormConfig::new(2)), &x);
    let [one_group, _] = both(&LayerConfig::of(&GroupNormConfig::new(1)), &x);
    let layer_norm = LayerConfig::of(&LayerNormConfig::new());
    all_close(one_group.view(), both(&layer_norm, &x)[0].view(), 1e-15);
    let parts = [0, 3].map(|at| both(&layer_norm, &x.slice(s![.., at..at + 3]).to_owned())[0].clone());
    let expected = concatenate(Axis(1), &[parts[0].view(), parts[1].view()]).unwrap();
    all_close(grouped.view(), expected.view(), 1e-15);
}

#[test]
fn variants_of_the_residual_block_by_hand() {
    let x = normal::<f64>(400, 3, 1);
    let square = ResidualConfig::default().then(&ActivationConfig::new(Activation::TANH));
    let [plain, _] = both(&LayerConfig::of(&square), &x);
    all_close(plain.view(), (&x + &x.mapv(f64::tanh)).view(), 1e-14);
    let [scaled, _] = both(&LayerConfig::of(&square.clone().scale(0.25)), &x);
    all_close(scaled.view(), (&x + &(0.25 * x.mapv(f64::tanh))).view(), 1e-14);

    let learned = LayerConfig::of(&square.clone().learned_scale(0.0));
    assert_eq!(names(&build(3, &learned).1), [("scale".into(), 1, 1)]);
    assert_eq!(both(&learned, &x)[0], x, "a learned scale of 0 begins as the identity");

    // With stochastic depth a row has the branch or has it not.
    let [train, used] = both(&LayerConfig::of(&square.skip(0.25)), &x);
    all_close(used.view(), plain.view(), 1e-15);
    let mut skipped = 0.0;
    for (y, x) in train.outer_iter().zip(x.outer_iter()) {
        let branch = (&y - &x) * 0.75;
        if branch.iter().all(|b| *b == 0.0) {
            skipped += 1.0;
        } else {
            assert!(branch.iter().zip(x).all(|(b, x)| (b - x.tanh()).abs() < 1e-14));
        }
    }
    close(skipped / 400.0, 0.25, 5.0 * (0.25 * 0.75 / 400.0f64).sqrt());
    // What says nothing is not written down.
    let block = ResidualConfig::default().then(&LinearConfig::new(3));
    assert!(LayerConfig::of(&block).options().keys().eq(["layers"]));
}

#[test]
fn what_does_not_fit_is_refused() {
    let refused = |config: Value, inputs: usize| {
        let config: LayerConfig = serde_json::from_value(config).unwrap();
        config.build(&mut Layout::new().scope().child(7), inputs).map(|_| ()).unwrap_err().to_string()
    };
    let says =
        |text: String, parts: &[&str]| parts.iter().for_each(|p| assert!(text.contains(p), "`{text}`: no `{p}`"));
    says(refused(json!({"layer": "glu"}), 5), &["layer `7`", "even", "found 5"]);
    says(refused(json!({"layer": "swiglu"}), 0), &["layer `7`", "at least 1"]);
    says(
        refused(json!({"layer": "group_norm", "groups": 4}), 6),
        &["`groups`", "a divisor of the 6 features", "found 4"],
    );
    says(refused(json!({"layer": "group_norm", "groups": 0}), 6), &["found 0"]);
    says(refused(json!({"layer": "gaussian_noise", "std": -1.0}), 6), &["`std`", "at least 0", "found -1"]);
    says(refused(json!({"layer": "gaussian_noise"}), 6), &["missing field `std`"]);
    for layer in ["alpha_dropout", "gaussian_dropout"] {
        says(refused(json!({"layer": layer, "p": 1.0}), 6), &["`p` must be at least 0 and below 1"]);
    }
    says(refused(json!({"layer": "drop_connect", "outputs": 3, "p": 1.5}), 6), &["`p` must be"]);
    says(refused(json!({"layer": "rms_norm", "eps": 0.0}), 6), &["`eps`"]);
    says(refused(json!({"layer": "residual", "layers": [], "skip": 1.0}), 6), &["`skip` must be"]);
    says(refused(json!({"layer": "highway", "activation": "tan"}), 6), &["did you mean `tanh`?"]);
}

#[test]
#[should_panic(expected = "group_norm: the input has another width")]
fn a_group_norm_of_another_width_is_refused() {
    let (layer, layout) = build(6, &LayerConfig::of(&GroupNormConfig::new(2)));
    let params = Params::<f64>::init(layout, &Stream::new(0));
    run(&*layer, &params, Mode::Train, 0, normal::<f64>(3, 4, 0).view());
}
