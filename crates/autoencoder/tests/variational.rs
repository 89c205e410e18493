//! Variational autoencoders: the objective is the bound it is said to be, and the bounds lie where theory puts them.

#[expect(dead_code, reason = "bases are for other tests")]
mod eigen;

use eigen::Eigen;
use layerwise_autoencoder::{Autoencoder, AutoencoderConfig, Pretraining, ValuesGiven, Variational};
use layerwise_autograd::Tape;
use layerwise_nn_layers::{BuildModel, Loss, Module, Mse, Target};
use layerwise_tensor::{Accum, Gradients, Layout, Mode, Params, Stream};
use layerwise_train::{Samples, Trainer, evaluate, predict};
use ndarray::{Array1, Array2, Axis, s};

fn normal(rows: usize, cols: usize, seed: u64) -> Array2<f64> {
    let mut x = Array2::zeros((rows, cols));
    Stream::new(seed).normal(0, x.as_slice_mut().unwrap());
    x
}

/// Rows of four values that depend on two hidden numbers, along a curve.
fn curved(rows: usize, seed: u64) -> Array2<f64> {
    let (h, noise) = (normal(rows, 2, seed), normal(rows, 4, seed + 1000));
    Array2::from_shape_fn((rows, 4), |(i, j)| {
        let angle = 1.3 * j as f64;
        (h[[i, 0]] * angle.cos() + h[[i, 1]] * angle.sin()).tanh() * 1.5 + 0.3 * noise[[i, j]]
    })
}

fn trained(kind: Variational, x: &Array2<f64>, epochs: usize) -> (Autoencoder, Params<f64>) {
    let (model, mut params) = AutoencoderConfig::variational(x.ncols(), &[16], 2, kind).create::<f64>(1).unwrap();
    let trainer = Trainer::new(&model, kind.loss()).epochs(epochs).rate(5e-3);
    trainer.fit(&mut params, &Samples::reconstruct(x.view()).unwrap()).unwrap();
    (model, params)
}

fn mean_and_error(values: &Array1<f64>) -> (f64, f64) {
    (values.mean().unwrap(), values.std(1.0) / (values.len() as f64).sqrt())
}

#[test]
fn loss_and_penalty_are_the_bound_up_to_the_stated_factor_and_constant() {
    let x = curved(7, 1).mapv(|v| 1.0 / (1.0 + (-v).exp()));
    let n = 4.0;
    for (kind, factor, constant) in [
        (Variational::gaussian(0.4), 2.0 * 0.16 / n, -0.16 * (std::f64::consts::TAU * 0.16).ln()),
        (Variational::bernoulli(), 1.0 / n, 0.0),
    ] {
        let (model, params) = AutoencoderConfig::variational(4, &[5], 2, kind).create::<f64>(3).unwrap();
        let stream = Stream::new(11);
        let (mut tape, mut grads) = (Tape::new(), Gradients::new(&params));
        let mut g = tape.graph(&params, Mode::Train, stream);
        let input = g.input(x.view());
        let y = model.forward(&mut g, input);
        let l = kind.loss().loss(&mut g, y, Target::Var(input));
        let found = g.backward(l, &mut grads, Accum::Replace);
        // By hand, with the noise that the step read.
        let both = predict(model.encoder().mlp(), &params, x.view(), 7);
        let mut noise = Array2::<f64>::zeros((7, 2));
        stream.at(0).normal(0, noise.as_slice_mut().unwrap());
        let (m, v) = (both.slice(s![.., ..2]), both.slice(s![.., 2..]));
        let z = &m + &(v.mapv(|v| (0.5 * v).exp()) * &noise);
        let y = predict(model.decoder(), &params, z.view(), 7);
        let mut bound = 0.0;
        for i in 0..7 {
            for j in 0..4 {
                let (x, y) = (x[[i, j]], y[[i, j]]);
                bound += match kind.values {
                    ValuesGiven::Gaussian { std } => {
                        -0.5 * (std::f64::consts::TAU * std * std).ln() - (x - y).powi(2) / (2.0 * std * std)
                    }
                    _ => {
                        let p = 1.0 / (1.0 + (-y).exp());
                        x * p.ln() + (1.0 - x) * (1.0 - p).ln()
                    }
                };
            }
            for j in 0..2 {
                bound -= 0.5 * (v[[i, j]].exp() + m[[i, j]].powi(2) - 1.0 - v[[i, j]]);
            }
        }
        let expected = -factor * bound / 7.0 + constant;
        assert!((found - expected).abs() < 1e-12, "{kind:?}: {found} against {expected}");
    }
}

#[test]
fn in_use_the_code_is_the_mean_and_the_halves_compose() {
    let x = curved(9, 1);
    let (model, params) =
        AutoencoderConfig::variational(4, &[5], 2, Variational::gaussian(1.0)).create::<f64>(3).unwrap();
    let codes = predict(model.encoder(), &params, x.view(), 4);
    assert_eq!(codes, predict(model.encoder().mlp(), &params, x.view(), 4).slice(s![.., ..2]));
    assert_eq!(predict(model.decoder(), &params, codes.view(), 4), predict(&model, &params, x.view(), 9));
    // The loss on validation samples takes the divergence along.
    let samples = Samples::reconstruct(x.view()).unwrap();
    let whole = evaluate(&model, &Mse, &params, &samples, 4);
    let error = layerwise_train::metrics::mse(predict(&model, &params, x.view(), 9).view(), x.view()).unwrap();
    let kl = model.divergence(&params, x.view()).mean().unwrap();
    assert!((whole - error - kl * 2.0 / 4.0).abs() < 1e-12);
}

#[test]
fn the_divergence_in_closed_form_is_what_sampling_gives() {
    // ln q(z|x) - ln p(z), meaned over samples, by the difference of the bounds with and without the closed form.
    let x = curved(5, 1);
    let (model, params) = trained(Variational::gaussian(0.5), &curved(200, 2), 20);
    let exact = model.divergence(&params, x.view());
    let both = predict(model.encoder().mlp(), &params, x.view(), 5);
    const DRAWS: usize = 20_000;
    for i in 0..5 {
        let noise = normal(DRAWS, 2, 50 + i as u64);
        let terms: Array1<f64> = noise
            .outer_iter()
            .map(|n| {
                let of = |j: usize| {
                    let (m, v) = (both[[i, j]], both[[i, 2 + j]]);
                    let z = m + (0.5 * v).exp() * n[j];
                    // The constants of both densities cancel.
                    (-0.5 * n[j] * n[j] - 0.5 * v) + 0.5 * z * z
                };
                of(0) + of(1)
            })
            .collect();
        let (mean, error) = mean_and_error(&terms);
        assert!((mean - exact[i]).abs() < 5.0 * error, "row {i}: {mean} +- {error}, exact {}", exact[i]);
    }
}

#[test]
fn the_bound_lies_below_the_likelihood_which_rises_with_the_samples() {
    let x = curved(300, 1);
    let (model, params) = trained(Variational::gaussian(0.4), &x, 60);
    let new = curved(200, 3);
    let estimates = [1, 10, 100].map(|k| model.log_likelihood(&params, new.view(), k, &Stream::new(7)));
    let bound = model.elbo(&params, new.view(), 50, &Stream::new(8));
    let means = estimates.each_ref().map(|e| e.mean().unwrap());
    println!("bound {:.4}, likelihood by 1, 10, 100 samples {means:.4?}", bound.mean().unwrap());
    // One sample estimates the bound itself, without bias.
    let (difference, error) = mean_and_error(&(&estimates[0] - &bound));
    assert!(difference.abs() < 5.0 * error, "{difference} +- {error}");
    for pair in [(&bound, &estimates[1]), (&estimates[0], &estimates[1]), (&estimates[1], &estimates[2])] {
        let (gain, error) = mean_and_error(&(pair.1 - pair.0));
        assert!(gain > -5.0 * error, "{gain} +- {error}");
    }
    // The posterior of a curved decoder is not normal, so the gap is there.
    assert!(means[2] > bound.mean().unwrap());
}

#[test]
fn a_linear_one_reaches_the_likelihood_of_probabilistic_pca() {
    // Tipping and Bishop (1999) know the most likely linear model with noise of a given size; Lucas, Tucker, Grosse and Norouzi (2019)
    // that the bound of a linear variational autoencoder reaches it.
    const STD: f64 = 0.5;
    let mut x = normal(300, 4, 5);
    for (mut column, deviation) in x.columns_mut().into_iter().zip([2.0, 1.2, 0.55, 0.4]) {
        let mean = column.mean().unwrap();
        column.mapv_inplace(|v| (v - mean) * deviation);
    }
    let mixed = normal(4, 4, 6) * 0.15 + Array2::<f64>::eye(4);
    let x = x.dot(&mixed);
    let kind = Variational::gaussian(STD);
    let (model, mut params) = AutoencoderConfig::variational(4, &[], 2, kind).create::<f64>(2).unwrap();
    let samples = Samples::reconstruct(x.view()).unwrap();
    for (epochs, rate) in [(600, 0.02), (600, 0.002)] {
        Trainer::new(&model, kind.loss()).epochs(epochs).batch(300).rate(rate).fit(&mut params, &samples).unwrap();
    }
    // The bound without sampling: the decoder is linear.
    let both = predict(model.encoder().mlp(), &params, x.view(), 300);
    let (m, v) = (both.slice(s![.., ..2]).to_owned(), both.slice(s![.., 2..]));
    let y = predict(model.decoder(), &params, m.view(), 300);
    let weight = params.view(params.layout().find("decoder.0.weight").unwrap());
    let lengths: Vec<f64> = weight.outer_iter().map(|w| w.dot(&w)).collect();
    let mut bound = 0.0;
    for i in 0..300 {
        let missed: f64 = (0..4).map(|j| (x[[i, j]] - y[[i, j]]).powi(2)).sum();
        let spread: f64 = (0..2).map(|k| v[[i, k]].exp() * lengths[k]).sum();
        bound -= 2.0 * (std::f64::consts::TAU * STD * STD).ln() + (missed + spread) / (2.0 * STD * STD);
    }
    let bound = bound / 300.0 - model.divergence(&params, x.view()).mean().unwrap();
    let eigen = Eigen::of(&(x.t().dot(&x) / 300.0));
    let variance = STD * STD;
    let kept = eigen.values[..2].iter().map(|l| l.max(variance));
    let logs: f64 = kept.clone().map(f64::ln).sum::<f64>() + 2.0 * variance.ln();
    let traces: f64 = eigen.values[..2].iter().zip(kept).map(|(l, k)| l / k).sum::<f64>()
        + eigen.values[2..].iter().map(|l| l / variance).sum::<f64>();
    let best = -0.5 * (4.0 * std::f64::consts::TAU.ln() + logs + traces);
    println!("bound {bound:.6}, probabilistic PCA {best:.6} nats per row");
    assert!(bound <= best + 1e-9 && bound > best - 0.01, "bound {bound}, best {best}");
    // Rows of its own have the covariance of that model without the noise of the values: eigenvalues less the variance.
    let own = model.sample(&params, 20_000, &Stream::new(9));
    let own = &own - &own.mean_axis(Axis(0)).unwrap();
    let drawn = Eigen::of(&(own.t().dot(&own) / 20_000.0));
    for j in 0..2 {
        let expected = eigen.values[j] - variance;
        // The standard error of a variance of 20 000 draws is 1 %.
        assert!((drawn.values[j] / expected - 1.0).abs() < 0.08, "{} against {expected}", drawn.values[j]);
    }
    assert!(drawn.values[2].abs() < 1e-9);
}

#[test]
fn a_weight_above_one_makes_codes_shorter_and_none_makes_them_sure() {
    let x = curved(200, 1);
    let divergence = |beta: f64| {
        let (model, params) = trained(Variational::gaussian(0.4).beta(beta), &x, 30);
        model.divergence(&params, x.view()).mean().unwrap()
    };
    let (free, plain, strict) = (divergence(0.0), divergence(1.0), divergence(20.0));
    println!("divergence by beta 0, 1, 20: {free:.3} {plain:.3} {strict:.3} nats");
    assert!(free > plain && plain > strict && strict >= 0.0);
    // Noise so large that no code is worth its cost: it is given up.
    let (model, params) = trained(Variational::gaussian(5.0), &x, 60);
    assert!(model.divergence(&params, x.view()).mean().unwrap() < 0.05);
}

#[test]
fn bernoulli_values_give_probabilities_and_a_likelihood_of_bits() {
    let x = curved(200, 1).mapv(|v| f64::from(u8::from(v > 0.0)));
    let (model, params) = trained(Variational::bernoulli(), &x, 60);
    let rows = model.sample(&params, 500, &Stream::new(2));
    assert!(rows.iter().all(|p| (0.0..=1.0).contains(p)));
    let likelihood = model.log_likelihood(&params, x.view(), 100, &Stream::new(3));
    // Independent bits of the right shares would have their entropy; the model knows that they depend on each other.
    let shares = x.mean_axis(Axis(0)).unwrap();
    let independent: f64 = shares.iter().map(|p| p * p.ln() + (1.0 - p) * (1.0 - p).ln()).sum();
    println!("{:.4} nats per row, independent bits {independent:.4}", likelihood.mean().unwrap());
    assert!(likelihood.mean().unwrap() > independent + 0.2);
    assert!(likelihood.iter().all(|l| *l < 0.0), "no row of bits is surer than sure");
}

#[test]
fn estimates_depend_on_the_stream_alone() {
    let x = curved(30, 1);
    let (model, params) = trained(Variational::gaussian(0.5), &x, 3);
    let estimate = |seed| model.elbo(&params, x.view(), 3, &Stream::new(seed));
    assert_eq!(estimate(1), estimate(1));
    assert_ne!(estimate(1), estimate(2));
    // A row's numbers do not depend on the rows after it.
    let first = model.log_likelihood(&params, x.slice(s![..7, ..]), 5, &Stream::new(4));
    let all = model.log_likelihood(&params, x.view(), 5, &Stream::new(4));
    assert!((&first - &all.slice(s![..7])).iter().all(|d| d.abs() < 1e-12));
}

#[test]
fn what_does_not_go_together_is_refused() {
    let refusal = |json: &str| {
        let config: AutoencoderConfig = serde_json::from_str(json).unwrap();
        config.build(&mut Layout::new().scope()).unwrap_err().to_string()
    };
    assert!(refusal(r#"{"inputs": 3, "code": 1, "variational": {"beta": -1}}"#).contains("`beta`"));
    let std = r#"{"inputs": 3, "code": 1, "variational": {"values": {"gaussian": {"std": 0}}}}"#;
    assert!(refusal(std).contains("`std`"));
    assert!(refusal(r#"{"inputs": 3, "code": 1, "tied": true, "variational": {}}"#).contains("`tied`"));
    let squashed = r#"{"inputs": 3, "code": 1, "code_activation": "tanh", "variational": {}}"#;
    assert!(refusal(squashed).contains("`code_activation`"));
    let sigmoid = r#"{"inputs": 3, "code": 1, "output_activation": "sigmoid", "variational": {"values": "bernoulli"}}"#;
    assert!(refusal(sigmoid).contains("logits"));
    let config = AutoencoderConfig::variational(3, &[], 1, Variational::bernoulli());
    assert!(
        Pretraining::new(config)
            .fit(curved(20, 1).slice(s![.., ..3]))
            .unwrap_err()
            .to_string()
            .contains("`variational`")
    );
}

#[test]
#[should_panic(expected = "not variational")]
fn a_plain_one_has_no_bound() {
    let (model, params) = AutoencoderConfig::bottleneck(3, 1).create::<f64>(0).unwrap();
    model.elbo(&params, Array2::zeros((2, 3)).view(), 1, &Stream::new(0));
}
