//! The models: mirrored, corrupted in training only, and as good as PCA where theory says so.

use layerwise_autoencoder::corruption::{self, GaussianNoiseConfig};
use layerwise_autoencoder::{Autoencoder, AutoencoderConfig, Contraction, model};
use layerwise_autograd::Tape;
use layerwise_autograd::gradcheck::GradCheck;
use layerwise_nn_layers::{Activation, BuildModel, LayerConfig, ModelConfig, Module, Mse, Norm};
use layerwise_tensor::{Layout, Mode, Params, Stream};
use layerwise_train::{Samples, Trainer, metrics, predict};
use ndarray::{Array1, Array2, Axis};

fn normal(rows: usize, cols: usize, seed: u64) -> Array2<f64> {
    let mut x = Array2::zeros((rows, cols));
    Stream::new(seed).normal(0, x.as_slice_mut().unwrap());
    x
}

#[test]
fn names_and_shapes_mirror_each_other() {
    let config = AutoencoderConfig::deep(7, &[6, 5], 2);
    let (model, params) = config.create::<f32>(1).unwrap();
    let weights = params.layout().specs().iter().filter(|s| s.name.ends_with("weight"));
    let shapes: Vec<_> = weights.map(|s| (s.name.as_str(), s.rows, s.cols)).collect();
    assert_eq!(
        shapes,
        [
            ("encoder.0.weight", 7, 6),
            ("encoder.2.weight", 6, 5),
            ("encoder.4.weight", 5, 2),
            ("decoder.0.weight", 2, 5),
            ("decoder.2.weight", 5, 6),
            ("decoder.4.weight", 6, 7),
        ]
    );
    assert_eq!((model.encoder().outputs(), model.decoder().inputs()), (2, 2));
}

#[test]
fn a_tied_decoder_has_biases_of_its_own_under_the_names_of_an_untied_one() {
    let config = AutoencoderConfig::tied_deep(7, &[6, 5], 2).norm(Norm::Layer).output_activation(Activation::SIGMOID);
    let names = |config: &AutoencoderConfig| {
        let (_, params) = config.create::<f32>(1).unwrap();
        params.layout().specs().iter().map(|s| s.name.clone()).collect::<Vec<_>>()
    };
    let (tied, untied) = (names(&config), names(&config.clone().tied(false)));
    let own_weights = ["decoder.0.weight", "decoder.3.weight", "decoder.6.weight"];
    let expected: Vec<_> = untied.into_iter().filter(|n| !own_weights.contains(&n.as_str())).collect();
    assert_eq!(tied, expected);
}

#[test]
fn a_tied_decoder_computes_what_one_with_the_transposed_weights_does() {
    for norm in [Norm::None, Norm::Layer, Norm::Batch] {
        let config = AutoencoderConfig::tied_deep(5, &[6, 4], 3).norm(norm).code_activation(Activation::SIGMOID);
        let (tied, params) = config.create::<f64>(1).unwrap();
        let (untied, mut copy) = config.tied(false).create::<f64>(2).unwrap();
        let ours = params.layout();
        for id in copy.layout().clone().ids() {
            let name = copy.layout().spec(id).name.clone();
            match ours.find(&name) {
                Some(same) => copy.get_mut(id).copy_from_slice(params.get(same)),
                None => {
                    let place = untied.decoder().weights().iter().position(|w| *w == id).unwrap();
                    let twin = tied.encoder().linears()[2 - place].weight();
                    copy.view_mut(id).assign(&params.view(twin).t());
                }
            }
        }
        let x = normal(9, 5, 2);
        let difference = predict(&tied, &params, x.view(), 9) - predict(&untied, &copy, x.view(), 9);
        // The same sums in another order: a few roundings of numbers of order one.
        assert!(difference.iter().all(|d| d.abs() < 1e-13), "{norm:?}");
        assert!(tied.decoder().is_tied() && tied.decoder().weights().is_empty() && !untied.decoder().is_tied());
        assert_eq!(tied.decoder().biases().len(), 3);
    }
}

#[test]
fn penalties_count_in_training_and_in_evaluation_but_not_in_prediction() {
    let config = AutoencoderConfig::contractive(5, &[6], 3, 0.5);
    let (model, params) = config.create::<f64>(1).unwrap();
    let (plain, _) = AutoencoderConfig::deep(5, &[6], 3).create::<f64>(1).unwrap();
    let x = normal(9, 5, 2);
    let run = |model: &Autoencoder, mode: Mode, wanted: bool| {
        let mut tape = Tape::new();
        let mut g = tape.graph(&params, mode, Stream::new(1));
        if !wanted {
            g.skip_penalties();
        }
        let x = g.input(x.view());
        let y = model.forward(&mut g, x);
        let y = g.value(y).to_owned();
        let penalty = g.penalties().map(|p| g.scalar(p));
        (y, penalty)
    };
    let (y, none) = run(&plain, Mode::Train, true);
    assert_eq!(none, None);
    for mode in [Mode::Train, Mode::Eval] {
        let (same, penalty) = run(&model, mode, true);
        assert!(penalty.unwrap() > 0.0);
        assert!((&same - &y).iter().all(|d| d.abs() < 1e-14), "the penalty leaves the output alone");
        assert_eq!(run(&model, mode, false), (y.clone(), None));
    }
}

#[test]
fn what_is_asked_of_the_code_is_part_of_the_encoder() {
    let (model, params) = AutoencoderConfig::k_sparse(5, &[8], 7, 3).create::<f64>(1).unwrap();
    let x = normal(9, 5, 2);
    let codes = predict(model.encoder(), &params, x.view(), 9);
    assert!(codes.rows().into_iter().all(|row| row.iter().filter(|c| **c != 0.0).count() == 3));
    assert_eq!(predict(model.decoder(), &params, codes.view(), 9), predict(&model, &params, x.view(), 9));
    // A penalty is that of the code as the layer alone would compute it.
    let (model, params) = AutoencoderConfig::kl_sparse(5, &[], 4, 0.1, 0.5).create::<f64>(1).unwrap();
    let codes = predict(model.encoder(), &params, x.view(), 9);
    let means = codes.mean_axis(Axis(0)).unwrap();
    let expected: f64 = means.iter().map(|m| 0.1 * (0.1 / m).ln() + 0.9 * (0.9 / (1.0 - m)).ln()).sum();
    let mut tape = Tape::new();
    let mut g = tape.graph(&params, Mode::Train, Stream::new(1));
    let x = g.input(x.view());
    model.encode(&mut g, x);
    let penalty = g.penalties().unwrap();
    assert!((g.scalar(penalty) - 0.5 * expected).abs() < 1e-14);
}

#[test]
fn halves_compose_to_the_whole() {
    let x = normal(9, 5, 2);
    let (model, params) = AutoencoderConfig::deep(5, &[8], 3).create::<f64>(1).unwrap();
    let codes = predict(model.encoder(), &params, x.view(), 4);
    let composed = predict(model.decoder(), &params, codes.view(), 4);
    assert_eq!(composed, predict(&model, &params, x.view(), 4));
}

#[test]
fn corruption_acts_in_training_only() {
    let (model, params) = AutoencoderConfig::denoising(4, &[6], 2, 0.5).create::<f64>(1).unwrap();
    let x = normal(6, 4, 3);
    let output = |mode: Mode, step: u64, corrupted: bool| {
        let mut tape = Tape::new();
        let mut g = tape.graph(&params, mode, Stream::new(1).at(step));
        let x = g.input(x.view());
        let y = if corrupted { model.forward(&mut g, x) } else { model.reconstruct(&mut g, x) };
        g.value(y).to_owned()
    };
    assert_eq!(output(Mode::Eval, 0, true), output(Mode::Eval, 0, false));
    assert_ne!(output(Mode::Train, 0, true), output(Mode::Train, 0, false));
    assert_ne!(output(Mode::Train, 0, true), output(Mode::Train, 1, true), "every step has noise of its own");
    assert_eq!(output(Mode::Train, 1, true), output(Mode::Train, 1, true));
}

#[test]
fn the_noise_has_the_deviation_asked_for() {
    let config = LayerConfig::of(&GaussianNoiseConfig::new(0.25));
    let mut layout = Layout::new();
    let (noise, outputs) = config.build_from(&mut layout.scope(), 20, corruption::table()).unwrap();
    assert_eq!(outputs, 20);
    let params = Params::<f64>::init(layout, &Stream::new(0));
    let mut tape = Tape::new();
    let mut g = tape.graph(&params, Mode::Train, Stream::new(8));
    let x = g.input(Array2::zeros((500, 20)).view());
    let y = noise.forward(&mut g, x);
    let (mean, std) = (g.value(y).mean().unwrap(), g.value(y).std(0.0));
    // 10 000 values: the standard errors are 0.0025 and 0.0018.
    assert!(mean.abs() < 0.01 && (std - 0.25).abs() < 0.008, "{mean} {std}");
}

#[test]
fn gradients_are_right_for_every_kind() {
    for kind in model::table() {
        for config in kind.sample_configs().unwrap() {
            let (model, params) = config.create::<f64>(3).unwrap();
            let x = normal(6, config.inputs, 4);
            // Noise comes from the stream of the step, so it is the same in every evaluation of the check.
            let checked = GradCheck::new().run(&params, &[x], |g, x| {
                let y = model.forward(g, x[0]);
                g.mse(y, x[0])
            });
            checked.unwrap_or_else(|failure| panic!("{} {config:?}: {failure}", kind.name));
        }
    }
}

#[test]
fn a_linear_bottleneck_reaches_the_error_of_pca() {
    // Nearly independent columns: the best two-dimensional subspace leaves about the two small variances.
    let mut x = normal(400, 4, 5);
    for (mut column, deviation) in x.columns_mut().into_iter().zip([2.0, 1.5, 0.5, 0.25]) {
        let (mean, std) = (column.mean().unwrap(), column.std(0.0));
        column.mapv_inplace(|v| (v - mean) / std * deviation);
    }
    let best = two_smallest_eigenvalues(x.t().dot(&x) / 400.0) / 4.0;
    let (model, mut params) = AutoencoderConfig::bottleneck(4, 2).create::<f64>(1).unwrap();
    let samples = Samples::reconstruct(x.view()).unwrap();
    Trainer::new(&model, Mse).epochs(120).batch(50).rate(0.02).fit(&mut params, &samples).unwrap();
    Trainer::new(&model, Mse).epochs(100).batch(400).rate(0.002).fit(&mut params, &samples).unwrap();
    let error = metrics::mse(predict(&model, &params, x.view(), 400).view(), x.view()).unwrap();
    assert!(error >= best - 1e-12 && error < 1.02 * best, "error {error}, PCA {best}");
}

/// By subtracting the two largest (power iteration) from the trace.
fn two_smallest_eigenvalues(mut a: Array2<f64>) -> f64 {
    let mut rest: f64 = a.diag().sum();
    for _ in 0..2 {
        let mut v = Array1::from_elem(a.nrows(), 1.0);
        for _ in 0..2000 {
            v = a.dot(&v);
            v /= v.dot(&v).sqrt();
        }
        let value = v.dot(&a.dot(&v));
        rest -= value;
        a = &a - &(v.view().insert_axis(Axis(1)).dot(&v.view().insert_axis(Axis(0))) * value);
    }
    rest
}

#[test]
fn denoising_learns_to_remove_noise() {
    // Points on a curve in four dimensions; noise leaves the curve, the model goes back to it.
    let t = normal(300, 1, 6);
    let x = Array2::from_shape_fn((300, 4), |(i, j)| (t[[i, 0]] * (1.0 + 0.5 * j as f64) + j as f64).sin());
    let noisy = &x + &(normal(300, 4, 7) * 0.2);
    let (model, mut params) = AutoencoderConfig::denoising(4, &[24], 4, 0.2).create::<f64>(1).unwrap();
    let trainer = Trainer::new(&model, Mse).epochs(150).rate(0.005);
    trainer.fit(&mut params, &Samples::reconstruct(x.view()).unwrap()).unwrap();
    let cleaned = metrics::mse(predict(&model, &params, noisy.view(), 300).view(), x.view()).unwrap();
    let left_alone = metrics::mse(noisy.view(), x.view()).unwrap();
    assert!(cleaned < 0.7 * left_alone, "{cleaned} against {left_alone}");
}

#[test]
fn configurations_survive_json_and_wrong_ones_are_refused() {
    let config = AutoencoderConfig::denoising(9, &[7], 3, 0.1).activation(Activation::GELU);
    let text = serde_json::to_string(&ModelConfig::of(&config)).unwrap();
    assert!(text.contains("gaussian_noise"), "{text}");
    let again: AutoencoderConfig = ModelConfig::from_json(&text).unwrap().read().unwrap();
    assert_eq!(again, config);
    let refusal = |json: &str| {
        let config: AutoencoderConfig = serde_json::from_str(json).unwrap();
        config.create::<f32>(0).unwrap_err().to_string()
    };
    assert!(refusal(r#"{"inputs": 3, "code": 0}"#).contains("code"));
    assert!(refusal(r#"{"inputs": 0, "code": 1}"#).contains("inputs"));
    assert!(refusal(r#"{"inputs": 3, "code": 1, "corruption": {"layer": "salt"}}"#).contains("gaussian_noise"));
    let negative = r#"{"inputs": 3, "code": 1, "corruption": {"layer": "gaussian_noise", "std": -1}}"#;
    assert!(refusal(negative).contains("at least 0"));
    assert!(serde_json::from_str::<AutoencoderConfig>(r#"{"inputs": 3, "code": 1, "cod": 2}"#).is_err());
    let contractive = |more: &str| refusal(&format!(r#"{{"inputs": 3, "hidden": [2], "code": 1, {more}}}"#));
    assert!(contractive(r#""contractive": {"weight": 0}"#).contains("above 0"));
    let message = contractive(r#""norm": "batch", "contractive": {"weight": 1}"#);
    assert!(message.contains("`norm`") && message.contains("Batch"), "{message}");
    assert!(contractive(r#""dropout": 0.1, "contractive": {"weight": 1}"#).contains("`dropout`"));
    assert!(refusal(r#"{"inputs": 3, "code": 2, "sparsity": {"layer": "none"}}"#).contains("activation"));
    let wider = r#"{"inputs": 3, "code": 2, "sparsity": {"layer": "linear", "outputs": 4}}"#;
    assert!(refusal(wider).contains("keeps the width"), "{}", refusal(wider));
    let plain = serde_json::to_string(&AutoencoderConfig::deep(4, &[3], 2)).unwrap();
    assert!(!plain.contains("tied") && !plain.contains("sparsity") && !plain.contains("contractive"), "{plain}");
    let all = AutoencoderConfig::tied_deep(4, &[3], 2).contraction(Contraction::new(0.1).probes(2));
    assert_eq!(serde_json::from_str::<AutoencoderConfig>(&serde_json::to_string(&all).unwrap()).unwrap(), all);
}
