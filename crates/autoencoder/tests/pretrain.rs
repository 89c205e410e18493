//! Greedy layer-wise pretraining: what is copied where, and that it helps.

use layerwise_autoencoder::pretrain::Pretraining;
use layerwise_autoencoder::{AutoencoderConfig, MaskingConfig};
use layerwise_nn_layers::{Activation, BuildModel, Init, Norm};
use layerwise_tensor::Stream;
use layerwise_train::{metrics, predict};
use ndarray::Array2;

/// Rows on a curved surface of two dimensions among twelve.
fn curved(rows: usize, seed: u64) -> Array2<f64> {
    let mut t = Array2::<f64>::zeros((rows, 2));
    Stream::new(seed).normal(0, t.as_slice_mut().unwrap());
    Array2::from_shape_fn((rows, 12), |(i, j)| {
        let angle = 0.5 * j as f64;
        (t[[i, 0]] * angle.cos() + t[[i, 1]] * angle.sin()).tanh()
    })
}

fn deep() -> AutoencoderConfig {
    AutoencoderConfig::deep(12, &[10, 6], 3).output_activation(Activation::TANH)
}

fn error(config: &AutoencoderConfig, pretraining: impl Fn(Pretraining) -> Pretraining) -> f64 {
    let x = curved(200, 1);
    let fitted = pretraining(Pretraining::new(config.clone()).seed(1)).fit(x.view()).unwrap();
    metrics::mse(predict(&fitted.model, &fitted.params, x.view(), 200).view(), x.view()).unwrap()
}

#[test]
fn no_epochs_leave_the_deep_model_as_it_was_drawn() {
    for config in [deep(), deep().tied(true)] {
        let fitted =
            Pretraining::new(config.clone()).epochs(0).fine_tuning(0).seed(4).fit(curved(20, 1).view()).unwrap();
        let (_, drawn) = config.create::<f64>(4).unwrap();
        assert_eq!(fitted.params.to_le_bytes(), drawn.to_le_bytes());
    }
}

#[test]
fn each_layer_learns_the_codes_below_it_and_the_stack_holds_them() {
    let x = curved(200, 1);
    for config in [deep(), deep().tied(true), AutoencoderConfig::contractive(12, &[10, 6], 3, 1e-4)] {
        let fitted = Pretraining::new(config).epochs(60).fine_tuning(0).rate(0.003).fit(x.view()).unwrap();
        assert_eq!(fitted.report.layers.len(), 3);
        assert_eq!(fitted.report.fine_tuning.steps, 0);
        for layer in &fitted.report.layers {
            let losses = layer.history.losses();
            assert!(losses[59] < 0.5 * losses[0], "{losses:?}");
        }
        // The layers together do what each did alone: the stack reconstructs without having been trained as one.
        let y = predict(&fitted.model, &fitted.params, x.view(), 200);
        let (error, variance) = (metrics::mse(y.view(), x.view()).unwrap(), x.var(0.0));
        println!("stacked, not fine-tuned: {error:.4} of {variance:.4}");
        assert!(error < 0.2 * variance, "{error} of {variance}");
    }
}

#[test]
fn a_deep_model_that_cannot_start_from_small_weights_can_after_pretraining() {
    // Hinton and Salakhutdinov: with small initial weights the gradients of the first layers are tiny.
    let config = AutoencoderConfig::deep(12, &[10, 10, 6], 3).init(Init::NORMAL.with("std", 0.01).unwrap());
    let alone = error(&config, |p| p.epochs(0).fine_tuning(40));
    let pretrained = error(&config, |p| p.epochs(40).fine_tuning(40));
    let noisy = error(&config, |p| p.corruption(&MaskingConfig::new(0.1)).epochs(40).fine_tuning(40));
    println!("from small weights {alone:.4}, pretrained {pretrained:.4}, denoising {noisy:.4}");
    assert!(pretrained < 0.3 * alone && noisy < 0.5 * alone, "{alone} {pretrained} {noisy}");
}

#[test]
fn the_classifier_has_the_layers_of_the_encoder() {
    let x = curved(60, 1);
    let config = deep().code_activation(Activation::SIGMOID);
    let fitted = Pretraining::new(config).epochs(3).fine_tuning(2).fit(x.view()).unwrap();
    let (mlp, params) = fitted.with_output(4, 7).unwrap();
    assert_eq!((mlp.inputs(), mlp.outputs(), &mlp.config().hidden[..]), (12, 4, &[10, 6, 3][..]));
    let codes = predict(fitted.model.encoder(), &fitted.params, x.view(), 60);
    let last = mlp.linears()[3];
    let expected = codes.dot(&params.view(last.weight())) + params.view(last.bias().unwrap());
    let found = predict(&mlp, &params, x.view(), 60);
    assert!((found - expected).iter().all(|d| d.abs() < 1e-13));
    assert!(fitted.with_output(0, 7).unwrap_err().to_string().contains("outputs"));
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let fit = |seed| {
        let x = curved(50, 1).mapv(|v| v as f32);
        Pretraining::new(deep())
            .noise(0.2)
            .epochs(2)
            .fine_tuning(1)
            .seed(seed)
            .fit(x.view())
            .unwrap()
            .params
            .to_le_bytes()
    };
    assert_eq!(fit(1), fit(1));
    assert_ne!(fit(1), fit(2));
}

#[test]
fn norms_and_wrong_noise_are_refused() {
    let x = curved(20, 1);
    let message = Pretraining::new(deep().norm(Norm::Batch)).fit(x.view()).unwrap_err().to_string();
    assert!(message.contains("`norm`") && message.contains("Batch"), "{message}");
    let variational: AutoencoderConfig =
        serde_json::from_str(r#"{"inputs": 12, "code": 2, "variational": {}}"#).unwrap();
    assert!(Pretraining::new(variational).fit(x.view()).unwrap_err().to_string().contains("`variational`"));
    assert!(Pretraining::new(deep().outputs(5)).fit(x.view()).unwrap_err().to_string().contains("`outputs`"));
    let message = Pretraining::new(deep()).noise(-1.0).fit(x.view()).unwrap_err().to_string();
    assert!(message.contains("std"), "{message}");
    assert!(Pretraining::new(deep()).fit(x.slice(ndarray::s![..0, ..])).is_err());
}
