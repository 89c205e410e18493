//! Layers by hand, and what holds for all of them: rows, batches of nothing, use, element types.

use layerwise_autograd::Tape;
use layerwise_nn_layers::{
    Activation, BatchNormConfig, DropoutConfig, LayerConfig, LayerNormConfig, LinearConfig, Module, PReluConfig,
    ResidualConfig, layer,
};
use layerwise_tensor::ndarray::{Array2, Axis, arr2, s};
use layerwise_tensor::{Accum, Gradients, Layout, Mode, ParamKind, Params, Stream};

use crate::support::{all_close, build, close, names, normal, run};

/// Every sample of every layer: name, width of the input, configuration.
fn samples() -> impl Iterator<Item = (usize, LayerConfig)> {
    layer::table().iter().flat_map(|e| e.sample_configs().unwrap_or_else(|e| panic!("{e}")))
}

#[test]
fn linear_by_hand() {
    let (layer, layout) = build(2, &LayerConfig::of(&LinearConfig::new(3)));
    assert_eq!(names(&layout), [("weight".into(), 2, 3), ("bias".into(), 1, 3)]);
    let mut params = Params::<f64>::init(layout, &Stream::new(0));
    params.trainable_mut().copy_from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.5, -0.5, 0.0]);
    let y = run(&*layer, &params, Mode::Train, 0, arr2(&[[1.0, 10.0], [0.0, -1.0]]).view());
    assert_eq!(y, arr2(&[[41.5, 51.5, 63.0], [-3.5, -5.5, -6.0]]));
}

#[test]
fn prelu_by_hand_is_what_it_is_composed_of() {
    let (layer, layout) = build(3, &LayerConfig::of(&PReluConfig::new().per_channel(true)));
    assert_eq!(names(&layout), [("weight".into(), 1, 3)]);
    assert_eq!(layout.specs()[0].kind, ParamKind::Scale);
    let mut params = Params::<f64>::init(layout, &Stream::new(0));
    assert_eq!(params.trainable(), [0.25, 0.25, 0.25]);
    params.trainable_mut().copy_from_slice(&[0.5, 0.1, -1.0]);
    let x = arr2(&[[-2.0, -10.0, -3.0], [1.0, 0.0, -4.0]]);
    assert_eq!(run(&*layer, &params, Mode::Train, 0, x.view()), arr2(&[[-1.0, -1.0, 3.0], [1.0, 0.0, 4.0]]));

    let id = params.layout().find("weight").unwrap();
    let gradients = |composed: bool| {
        let mut grads = Gradients::new(&params);
        let mut tape = Tape::new();
        let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
        let x = g.leaf(x.view());
        let y = if composed {
            let above = g.activate(x, Activation::RELU.act());
            let below = g.sub(x, above);
            let a = g.param(id);
            let below = g.mul(below, a);
            g.add(above, below)
        } else {
            Module::<f64>::forward(&*layer, &mut g, x)
        };
        let y = g.square(y);
        let loss = g.sum_all(y);
        g.backward(loss, &mut grads, Accum::Replace);
        (tape.grad(x).unwrap().to_owned(), grads.get(id).unwrap().to_vec())
    };
    let ((dx, da), (slow_dx, slow_da)) = (gradients(false), gradients(true));
    all_close(dx.view(), slow_dx.view(), 1e-15);
    for (a, b) in da.iter().zip(slow_da) {
        close(*a, b, 1e-14);
    }
}

#[test]
fn the_gradient_of_one_slope_is_summed_without_losing_terms() {
    // So many terms of one sign that a running sum in f32 would drop the last digits of each.
    let (layer, layout) = build(512, &LayerConfig::of(&PReluConfig::new()));
    let params = Params::<f32>::init(layout, &Stream::new(0));
    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
    let x = g.input(Array2::from_elem((1024, 512), -0.1f32).view());
    let y = Module::<f32>::forward(&*layer, &mut g, x);
    let loss = g.sum_all(y);
    g.backward(loss, &mut grads, Accum::Replace);
    let da = grads.get(params.layout().find("weight").unwrap()).unwrap()[0];
    let exact = -(0.1f32 as f64) * 1024.0 * 512.0;
    assert!((f64::from(da) / exact - 1.0).abs() < 1e-7, "{da} for {exact}");
}

#[test]
fn batch_norm_follows_pytorchs_rule() {
    let (layer, layout) = build(1, &LayerConfig::of(&BatchNormConfig::new()));
    let expected = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];
    assert_eq!(layout.specs().iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), expected);
    let mut params = Params::<f64>::init(layout, &Stream::new(0));
    let value = |params: &Params<f64>, name: &str| params.get(params.layout().find(name).unwrap())[0];
    assert_eq!((value(&params, "running_mean"), value(&params, "running_var")), (0.0, 1.0));

    // Mean 3, biased variance 8 / 3, unbiased variance 4.
    let x = arr2(&[[1.0], [3.0], [5.0]]);
    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    for batch in 1..=2u32 {
        let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
        let input = g.input(x.view());
        let y = Module::<f64>::forward(&*layer, &mut g, input);
        let h = 2.0 / (8.0f64 / 3.0 + 1e-5).sqrt();
        all_close(g.value(y), arr2(&[[-h], [0.0], [h]]).view(), 1e-15);
        g.finish(&mut grads);
        grads.apply_updates(&mut params);
        // new = 0.9 old + 0.1 batch, the variance unbiased.
        let kept = 0.9f64.powi(batch as i32);
        close(value(&params, "running_mean"), 3.0 * (1.0 - kept), 1e-15);
        close(value(&params, "running_var"), kept + 4.0 * (1.0 - kept), 1e-15);
        assert_eq!(value(&params, "num_batches_tracked"), f64::from(batch));
    }
    let (mean, var) = (value(&params, "running_mean"), value(&params, "running_var"));
    let y = run(&*layer, &params, Mode::Eval, 0, x.view());
    all_close(y.view(), x.mapv(|x| (x - mean) / (var + 1e-5).sqrt()).view(), 1e-15);
}

#[test]
fn layer_norm_by_hand() {
    let (layer, layout) = build(2, &LayerConfig::of(&LayerNormConfig::new().eps(1.0)));
    let mut params = Params::<f64>::init(layout, &Stream::new(0));
    params.trainable_mut().copy_from_slice(&[2.0, 3.0, 0.5, 0.0]);
    // Mean 3, biased variance 4: (x - 3) / sqrt 5.
    let y = run(&*layer, &params, Mode::Train, 0, arr2(&[[1.0, 5.0]]).view());
    let h = 2.0 / 5f64.sqrt();
    all_close(y.view(), arr2(&[[-2.0 * h + 0.5, 3.0 * h]]).view(), 1e-15);
}

#[test]
fn dropout_drops_in_training_and_only_there() {
    let (layer, layout) = build(100, &LayerConfig::of(&DropoutConfig::new(0.25)));
    let params = Params::<f64>::init(layout, &Stream::new(0));
    let x = Array2::<f64>::ones((100, 100));
    assert_eq!(run(&*layer, &params, Mode::Eval, 0, x.view()), x);

    let first = run(&*layer, &params, Mode::Train, 0, x.view());
    let kept = first.iter().filter(|v| **v != 0.0).count();
    assert!(first.iter().all(|v| *v == 0.0 || (*v - 4.0 / 3.0).abs() < 1e-15));
    // Five standard deviations of a binomial with 10 000 draws.
    close(kept as f64, 7500.0, 5.0 * (10_000.0f64 * 0.25 * 0.75).sqrt());
    assert_eq!(first, run(&*layer, &params, Mode::Train, 0, x.view()), "the same step draws the same mask");
    assert_ne!(first, run(&*layer, &params, Mode::Train, 1, x.view()), "another step draws another mask");
}

#[test]
fn a_residual_block_adds_its_input() {
    let config = ResidualConfig::default().then(&LinearConfig::new(2));
    let (layer, layout) = build(2, &LayerConfig::of(&config));
    assert_eq!(names(&layout), [("0.weight".into(), 2, 2), ("0.bias".into(), 1, 2)]);
    let mut params = Params::<f64>::init(layout, &Stream::new(0));
    params.trainable_mut().copy_from_slice(&[0.0, 1.0, 1.0, 0.0, 10.0, 20.0]);
    let y = run(&*layer, &params, Mode::Train, 0, arr2(&[[1.0, 2.0]]).view());
    assert_eq!(y, arr2(&[[13.0, 23.0]]));
}

#[test]
fn rows_are_independent_where_the_table_says_so() {
    for (inputs, config) in samples() {
        let traits = config.traits().unwrap();
        let (layer, layout) = build(inputs, &config);
        let params = Params::<f64>::init(layout, &Stream::new(2));
        let x = normal::<f64>(5, inputs, 9);
        // In training dropout's mask depends on the row's place, so there only what is not random can be compared.
        let modes: &[Mode] =
            if traits.row_independent && !traits.stochastic { &[Mode::Train, Mode::Eval] } else { &[Mode::Eval] };
        for mode in modes {
            let whole = run(&*layer, &params, *mode, 0, x.view());
            for i in 0..5 {
                let row = run(&*layer, &params, *mode, 0, x.slice(s![i..=i, ..]));
                all_close(row.view(), whole.slice(s![i..=i, ..]), 1e-13);
            }
        }
    }
}

#[test]
fn an_empty_batch_passes_forward_and_backward() {
    for (inputs, config) in samples() {
        let (layer, layout) = build(inputs, &config);
        let mut params = Params::<f32>::init(layout, &Stream::new(2));
        let before = params.to_le_bytes();
        let mut grads = Gradients::new(&params);
        let mut tape = Tape::new();
        let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
        let x = g.leaf(Array2::zeros((0, inputs)).view());
        let y = Module::<f32>::forward(&*layer, &mut g, x);
        assert_eq!(g.shape(y).0, 0, "{config:?}");
        let loss = g.sum_all(y);
        g.backward(loss, &mut grads, Accum::Replace);
        assert!(grads.written().all(|(_, range)| grads.values()[range].iter().all(|d| *d == 0.0)), "{config:?}");
        grads.apply_updates(&mut params);
        assert_eq!(params.to_le_bytes(), before, "{config:?} learned from nothing");
    }
}

#[test]
fn single_and_double_precision_agree() {
    for (inputs, config) in samples() {
        let (layer, layout) = build(inputs, &config);
        let wide = Params::<f64>::init(layout, &Stream::new(2));
        let narrow = wide.cast::<f32>();
        let x = normal::<f64>(6, inputs, 4);
        let y = run(&*layer, &wide, Mode::Eval, 0, x.view());
        let y32 = run(&*layer, &narrow, Mode::Eval, 0, x.mapv(|v| v as f32).view());
        // Rounding of the inputs passes through sums of at most `inputs` products, in a few layers.
        let tolerance = 8.0 * f64::from(f32::EPSILON) * (1.0 + inputs as f64).sqrt();
        all_close(y32.mapv(f64::from).view(), y.view(), tolerance);
    }
}

#[test]
fn samples_cover_what_they_promise() {
    for entry in layer::table() {
        assert!(!entry.samples.is_empty(), "layer `{}` has no sample", entry.name);
        assert!(!entry.doc.is_empty(), "layer `{}` has no line of documentation", entry.name);
    }
}

#[test]
#[should_panic(expected = "prelu")]
fn a_layer_of_another_width_is_refused() {
    let mut layout = Layout::new();
    let prelu = PReluConfig::new().per_channel(true).build(&mut layout.scope(), 3).unwrap();
    let params = Params::<f64>::init(layout, &Stream::new(0));
    run(&prelu, &params, Mode::Train, 0, normal::<f64>(2, 4, 0).view());
}

#[test]
fn a_mean_over_rows_is_zero_after_batch_norm() {
    let (layer, layout) = build(7, &LayerConfig::of(&BatchNormConfig::new()));
    let params = Params::<f64>::init(layout, &Stream::new(0));
    let y = run(&*layer, &params, Mode::Train, 0, (normal::<f64>(40, 7, 1) * 3.0 + 5.0).view());
    for column in y.axis_iter(Axis(1)) {
        close(column.sum() / 40.0, 0.0, 1e-14);
        close(column.mapv(|v| v * v).sum() / 40.0, 1.0, 1e-5);
    }
}
