//! Layers that compute their weights: lengths and directions, the largest singular value, moments over masks.

use layerwise_autograd::{Tape, gradcheck::GradCheck};
use layerwise_nn_layers::{
    DropConnectConfig, DropConnectUse, Init, LayerConfig, Module, SpectralNormConfig, WeightNormConfig,
};
use layerwise_tensor::ndarray::{Array2, Axis, s};
use layerwise_tensor::{Accum, Gradients, Layout, Mode, ParamKind, Params, Stream};
use serde_json::json;

use crate::support::{all_close, build, close, names, normal, run};

#[test]
fn weight_norm_has_its_lengths() {
    let (layer, layout) = build(6, &LayerConfig::of(&WeightNormConfig::new(4).bias(false)));
    let expected = [("parametrizations.weight.original0", 4, 1), ("parametrizations.weight.original1", 6, 4)];
    assert_eq!(names(&layout), expected.map(|(n, r, c)| (n.to_owned(), r, c)));
    assert_eq!(layout.specs()[0].kind, ParamKind::Scale);
    let mut params = Params::<f64>::init(layout, &Stream::new(0));
    // The root mean square of 6 weights of variance 1 / 18 each.
    let g = params.layout().find("parametrizations.weight.original0").unwrap();
    assert!(params.get(g).iter().all(|g| (g - (1f64 / 3.0).sqrt()).abs() < 1e-15));
    params.get_mut(g).copy_from_slice(&[1.0, -2.0, 0.0, 3.5]);
    // Rows of the identity show the weights themselves.
    let w = run(&*layer, &params, Mode::Eval, 0, Array2::eye(6).view());
    for (column, length) in w.axis_iter(Axis(1)).zip([1.0, 2.0, 0.0, 3.5]) {
        close(column.dot(&column).sqrt(), length, 1e-15);
    }
    // A direction of any length is the same direction.
    let v = params.layout().find("parametrizations.weight.original1").unwrap();
    params.get_mut(v).iter_mut().for_each(|v| *v *= -8.0);
    all_close(run(&*layer, &params, Mode::Eval, 0, Array2::eye(6).view()).view(), (-w).view(), 1e-15);
    // Orthonormal columns have length 1 each, so that the layer starts with them.
    let (layer, layout) = build(6, &LayerConfig::of(&WeightNormConfig::new(4).bias(false).init(Init::ORTHOGONAL)));
    let params = Params::<f64>::init(layout, &Stream::new(0));
    let w = run(&*layer, &params, Mode::Eval, 0, Array2::eye(6).view());
    all_close(w.view(), params.view(params.layout().find("parametrizations.weight.original1").unwrap()), 1e-14);
}

fn singular(w: &Array2<f64>) -> f64 {
    let mut v = Array2::<f64>::ones((1, w.nrows()));
    for _ in 0..2000 {
        v = v.dot(w).dot(&w.t());
        v /= v.mapv(|v| v * v).sum().sqrt();
    }
    v.dot(w).mapv(|v| v * v).sum().sqrt()
}

#[test]
fn spectral_norm_approaches_the_largest_singular_value() {
    let (layer, layout) = build(6, &LayerConfig::of(&SpectralNormConfig::new(4).bias(false)));
    let expected = [
        ("parametrizations.weight.original", 6, 4),
        ("parametrizations.weight.0._u", 1, 4),
        ("parametrizations.weight.0._v", 1, 6),
    ];
    assert_eq!(names(&layout), expected.map(|(n, r, c)| (n.to_owned(), r, c)));
    let mut params = Params::<f64>::init(layout, &Stream::new(0));
    let eye = Array2::eye(6);
    // Before the first step, use iterates for itself and remembers nothing.
    let fresh = singular(&run(&*layer, &params, Mode::Eval, 0, eye.view()));
    close(fresh, 1.0, 0.05);
    assert!(params.buffers()[..4].iter().all(|u| *u == 0.0));

    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    for _ in 0..300 {
        let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
        let x = g.input(eye.view());
        Module::<f64>::forward(&*layer, &mut g, x);
        g.finish(&mut grads);
        grads.apply_updates(&mut params);
    }
    let before = params.to_le_bytes();
    close(singular(&run(&*layer, &params, Mode::Eval, 0, eye.view())), 1.0, 1e-12);
    assert_eq!(params.to_le_bytes(), before, "use moves nothing");

    // Where the iteration has converged, the gradient of training agrees with differences.
    GradCheck::new()
        .run(&params, &[normal(5, 6, 1)], |g, x| Module::<f64>::forward(&*layer, g, x[0]))
        .unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn weights_without_a_length_are_refused() {
    for (config, part) in [
        (json!({"layer": "weight_norm", "outputs": 3, "init": "zeros"}), "draws other values than 0, found zeros"),
        (json!({"layer": "spectral_norm", "outputs": 3, "init": "zeros"}), "`init` must be"),
        (json!({"layer": "spectral_norm", "outputs": 3, "iterations": 0}), "`iterations` must be from 1 to 1000"),
    ] {
        let config: LayerConfig = serde_json::from_value(config).unwrap();
        let e = config.build(&mut Layout::new().scope().child(7), 4).map(|_| ()).unwrap_err().to_string();
        assert!(e.contains("layer `7`") && e.contains(part), "`{e}`: no `{part}`");
    }
}

#[test]
fn drop_connect_samples_a_normal_with_the_moments_of_its_masks() {
    let (inputs, outputs, p) = (12, 5, 0.3);
    let config = DropConnectConfig::new(outputs, p);
    let (layer, layout) = build(inputs, &LayerConfig::of(&config.clone().in_use(DropConnectUse::Gaussian)));
    let params = Params::<f64>::init(layout, &Stream::new(0));
    let x = normal::<f64>(3, inputs, 1);
    let draws = 4000;
    // Masks of training and samples of use have the same mean and variance, to five standard errors of so many draws: the fourth moment
    // of a sum of twelve bounded terms is at most about that of a normal, three times the squared variance.
    let moments = |mode| {
        let (mut sum, mut squares) = (Array2::<f64>::zeros((3, outputs)), Array2::<f64>::zeros((3, outputs)));
        for step in 0..draws {
            let y = run(&*layer, &params, mode, step, x.view());
            squares = squares + y.mapv(|y| y * y);
            sum = sum + y;
        }
        let mean = sum / draws as f64;
        let variance = squares / draws as f64 - mean.mapv(|m| m * m);
        (mean, variance)
    };
    let ((mean, variance), (masked, spread)) = (moments(Mode::Eval), moments(Mode::Train));
    let (plain, _) = build(inputs, &LayerConfig::of(&config));
    let exact = run(&*plain, &params, Mode::Eval, 0, x.view());
    for i in 0..exact.len() {
        let at = (i / outputs, i % outputs);
        let deviation = (variance[at].max(spread[at]) / draws as f64).sqrt();
        close(mean[at], exact[at], 5.0 * deviation);
        close(masked[at], exact[at], 5.0 * deviation);
        close(variance[at] / spread[at], 1.0, 5.0 * 2.0 * (2.0 / draws as f64).sqrt());
    }
    // The same stream, the same sample; a row gets the same alone.
    let y = run(&*layer, &params, Mode::Eval, 7, x.view());
    assert_eq!(y, run(&*layer, &params, Mode::Eval, 7, x.view()));
    assert_ne!(y, run(&*layer, &params, Mode::Eval, 8, x.view()));
    all_close(run(&*layer, &params, Mode::Eval, 7, x.slice(s![2..3, ..])).view(), y.slice(s![2..3, ..]), 1e-14);
    assert!(LayerConfig::of(&config).options().get("in_use").is_none(), "what says nothing is not written down");
}

#[test]
fn a_row_of_zeros_has_no_variance_and_a_gradient() {
    let (layer, layout) = build(4, &LayerConfig::of(&DropConnectConfig::new(3, 0.5).in_use(DropConnectUse::Gaussian)));
    let params = Params::<f64>::init(layout, &Stream::new(0));
    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    let mut g = tape.graph(&params, Mode::Eval, Stream::new(0));
    let x = g.leaf(Array2::zeros((2, 4)).view());
    let y = Module::<f64>::forward(&*layer, &mut g, x);
    let loss = g.sum_all(y);
    g.backward(loss, &mut grads, Accum::Replace);
    assert!(tape.grad(x).unwrap().iter().all(|d| d.is_finite()));
    assert!(grads.values().iter().all(|d| d.is_finite()));
}
