//! What theory says about the minima of autoencoders and about their penalties, in double precision.
//!
//! Each law prints `theory: NAME error=.. bound=..`.

mod eigen;

use layerwise_autoencoder::{Autoencoder, AutoencoderConfig, Contraction};
use layerwise_autograd::Tape;
use layerwise_nn_layers::{Activation, BuildModel, Mse};
use layerwise_optim::Cosine;
use layerwise_tensor::{Accum, Gradients, Mode, ParamId, Params, Stream};
use layerwise_train::{Samples, Trainer, metrics, predict};
use ndarray::{Array1, Array2, Axis, s};

use eigen::{Eigen, orthonormal_rows};

#[track_caller]
fn holds(name: &str, error: f64, bound: f64) {
    println!("theory: {name} error={error:.3e} bound={bound:.3e}");
    assert!(error <= bound, "{name}: {error} exceeds {bound}");
}

fn normal(rows: usize, cols: usize, seed: u64) -> Array2<f64> {
    let mut x = Array2::zeros((rows, cols));
    Stream::new(seed).normal(0, x.as_slice_mut().unwrap());
    x
}

/// Rows with mean zero whose columns depend on each other, with standard deviations from 2 down to about 0.1 along turned axes.
fn correlated(rows: usize, cols: usize, seed: u64) -> Array2<f64> {
    let mut x = normal(rows, cols, seed);
    for (j, mut column) in x.columns_mut().into_iter().enumerate() {
        column *= 2.0 * 0.6f64.powi(j as i32);
    }
    let mut x = x.dot(&orthonormal_rows(&normal(cols, cols, seed + 100)));
    let mean = x.mean_axis(Axis(0)).unwrap();
    x -= &mean;
    x
}

fn covariance(x: &Array2<f64>) -> Array2<f64> {
    x.t().dot(x) / x.nrows() as f64
}

/// Steps of Adam on all rows at once under a rate that falls to zero: a minimum, not a neighbourhood of one.
fn to_convergence(model: &Autoencoder, params: &mut Params<f64>, x: &Array2<f64>) -> f64 {
    let steps = 4000;
    let trainer = Trainer::new(model, Mse).epochs(steps).batch(x.nrows()).rate(0.02);
    let trainer = trainer.schedule(Cosine::new(steps as u64, 0.0));
    trainer.fit(params, &Samples::reconstruct(x.view()).unwrap()).unwrap();
    metrics::mse(predict(model, params, x.view(), x.nrows()).view(), x.view()).unwrap()
}

/// The largest principal angle between the rows of `b` and those of `v`, in degrees.
fn largest_angle(b: &Array2<f64>, v: &Array2<f64>) -> f64 {
    // What of each orthonormal row of `b` lies outside: the sine, which keeps its digits where the cosine is near 1.
    let q = orthonormal_rows(b);
    let outside = &q - &q.dot(&v.t()).dot(v);
    Eigen::of(&outside.dot(&outside.t())).values[0].max(0.0).sqrt().asin().to_degrees()
}

#[test]
fn a_linear_autoencoder_spans_the_subspace_of_the_principal_components() {
    let x = correlated(300, 6, 1);
    let eigen = Eigen::of(&covariance(&x));
    for (tied, code) in [(false, 1), (false, 2), (false, 4), (true, 1), (true, 2), (true, 4)] {
        let best = eigen.values.iter().skip(code).sum::<f64>() / 6.0;
        let (model, mut params) = AutoencoderConfig::bottleneck(6, code).tied(tied).create::<f64>(1).unwrap();
        let loss = to_convergence(&model, &mut params, &x);
        let name = if tied { "tied" } else { "linear" };
        // No map of this rank is better, up to rounding.
        assert!(loss >= best * (1.0 - 1e-9), "{loss} is better than the best, {best}");
        holds(&format!("{name}-pca-loss-code-{code}"), loss / best - 1.0, 1e-3);
        let top = eigen.vectors.slice(s![..code, ..]).to_owned();
        let encoder = params.view(model.encoder().linears()[0].weight()).to_owned(); // (inputs, code)
        holds(&format!("{name}-pca-angle-encoder-code-{code}"), largest_angle(&encoder.t().to_owned(), &top), 1.0);
        if let [w] = model.decoder().weights()[..] {
            let decoder = params.view(w).to_owned(); // (code, inputs)
            holds(&format!("{name}-pca-angle-decoder-code-{code}"), largest_angle(&decoder, &top), 1.0);
        }
    }
}

#[test]
fn tied_weights_at_the_linear_optimum_are_orthonormal_and_lose_nothing() {
    let x = correlated(300, 5, 2);
    let loss = |tied: bool| {
        let (model, mut params) = AutoencoderConfig::bottleneck(5, 2).tied(tied).create::<f64>(3).unwrap();
        let loss = to_convergence(&model, &mut params, &x);
        (loss, params.view(model.encoder().linears()[0].weight()).to_owned())
    };
    let ((own, _), (tied, w)) = (loss(false), loss(true));
    holds("tied-untied-loss", (tied / own - 1.0).abs(), 1e-3);
    // w w^T is then the projection, so the columns of w are orthonormal.
    let gram = w.t().dot(&w) - Array2::<f64>::eye(2);
    holds("tied-orthonormal", gram.iter().fold(0.0, |m: f64, v| m.max(v.abs())), 1e-2);
}

#[test]
fn a_linear_denoiser_of_gaussian_data_is_the_wiener_filter() {
    let (n, std) = (4, 0.5);
    let x = correlated(4000, n, 3);
    let eigen = Eigen::of(&covariance(&x));
    // (S + s^2 I)^-1 S by the eigenvectors, which both factors share.
    let gains = eigen.values.iter().map(|v| v / (v + std * std));
    let scaled = Array2::from_diag(&gains.collect::<Array1<f64>>()).dot(&eigen.vectors);
    let wiener = eigen.vectors.t().dot(&scaled);
    let (model, mut params) = AutoencoderConfig::denoising(n, &[], n, std).create::<f64>(1).unwrap();
    let steps = 4000 / 400 * 600;
    let trainer = Trainer::new(&model, Mse).epochs(600).batch(400).rate(0.01).schedule(Cosine::new(steps, 0.0));
    trainer.fit(&mut params, &Samples::reconstruct(x.view()).unwrap()).unwrap();
    let weight = |id: ParamId| params.view(id).to_owned();
    let found = weight(model.encoder().linears()[0].weight()).dot(&weight(model.decoder().weights()[0]));
    let norm = |m: &Array2<f64>| m.iter().map(|v| v * v).sum::<f64>().sqrt();
    // Without the noise the filter would be the identity, far away: the bound can be missed.
    assert!(norm(&(&Array2::eye(n) - &wiener)) > 0.2 * norm(&wiener));
    holds("wiener-filter", norm(&(&found - &wiener)) / norm(&wiener), 0.02);
}

/// The encoders of the laws about the Jacobian: one layer, more, with and without curved parts.
fn contractive() -> Vec<(&'static str, AutoencoderConfig)> {
    let one = |act| AutoencoderConfig::contractive(5, &[], 4, 1.0).code_activation(act);
    vec![
        ("sigmoid", one(Activation::SIGMOID)),
        ("linear", one(Activation::IDENTITY)),
        ("deep", AutoencoderConfig::contractive(5, &[7, 4], 3, 1.0).code_activation(Activation::SOFTPLUS)),
        ("deep-linear-code", AutoencoderConfig::contractive(5, &[6], 3, 1.0).activation(Activation::GELU)),
        (
            "deep-linear-hidden",
            AutoencoderConfig::contractive(5, &[6], 3, 1.0)
                .activation(Activation::IDENTITY)
                .code_activation(Activation::TANH),
        ),
        ("deep-linear", AutoencoderConfig::contractive(5, &[6], 3, 1.0).activation(Activation::IDENTITY)),
    ]
}

/// The penalty that the model adds to the loss.
fn penalty(config: &AutoencoderConfig, x: &Array2<f64>, step: u64) -> (Autoencoder, Params<f64>, f64) {
    let (model, params) = config.create::<f64>(5).unwrap();
    let mut tape = Tape::new();
    let mut g = tape.graph(&params, Mode::Train, Stream::new(1).at(step));
    let x = g.input(x.view());
    model.encode(&mut g, x);
    let penalty = g.penalties().expect("a contractive model adds a penalty");
    let penalty = g.scalar(penalty);
    (model, params, penalty)
}

/// The Jacobians of the code, one of `(code, inputs)` for each row, by a backward pass from each unit.
fn jacobians(model: &Autoencoder, params: &Params<f64>, x: &Array2<f64>) -> Vec<Array2<f64>> {
    let (rows, code) = (x.nrows(), model.config().code);
    let mut all = vec![Array2::zeros((code, x.ncols())); rows];
    let (mut tape, mut grads) = (Tape::new(), Gradients::new(params));
    for j in 0..code {
        let mut g = tape.graph(params, Mode::Eval, Stream::new(0));
        g.skip_penalties();
        let leaf = g.leaf(x.view());
        let c = model.encode(&mut g, leaf);
        let seed = Array2::from_shape_fn((rows, code), |(_, k)| f64::from(k == j));
        g.backward_from(c, seed.as_slice().unwrap(), &mut grads, Accum::Replace);
        let dx = tape.grad(leaf).unwrap();
        all.iter_mut().enumerate().for_each(|(i, jacobian)| jacobian.row_mut(j).assign(&dx.row(i)));
    }
    all
}

fn squared_norm(m: &Array2<f64>) -> f64 {
    m.iter().map(|v| v * v).sum()
}

#[test]
fn the_contractive_penalty_is_the_squared_norm_of_the_jacobian() {
    let x = normal(6, 5, 4);
    for (name, config) in contractive() {
        let (model, params, penalty) = penalty(&config, &x, 0);
        let all = jacobians(&model, &params, &x);
        let backward = all.iter().map(squared_norm).sum::<f64>() / 6.0;
        holds(&format!("contractive-{name}-backward"), (penalty / backward - 1.0).abs(), 1e-12);

        // Central differences with step h: h^2 / 6 of the third derivative, which is of order one here, and eps / h of rounding.
        let h = 1e-5;
        let mut differences = 0.0;
        for i in 0..5 {
            let moved = |by: f64| {
                let mut x = x.clone();
                x.column_mut(i).mapv_inplace(|v| v + by);
                predict(model.encoder(), &params, x.view(), 6)
            };
            differences += squared_norm(&((moved(h) - moved(-h)) / (2.0 * h))) / 6.0;
        }
        holds(&format!("contractive-{name}-differences"), (penalty / differences - 1.0).abs(), 1e-8);
    }
}

#[test]
fn probes_estimate_the_squared_norm_without_bias() {
    let x = normal(6, 5, 4);
    for (name, config) in contractive().into_iter().skip(2) {
        let probes = 400;
        let probing = config.clone().contraction(Contraction::new(1.0).probes(probes));
        let (model, params, estimate) = penalty(&probing, &x, 7);
        let all = jacobians(&model, &params, &x);
        let exact = all.iter().map(squared_norm).sum::<f64>() / 6.0;
        // v^T A v with A = J J^T has the variance 2 (||A||^2 - sum_j A_jj^2) (Hutchinson); where a row serves all, rows are not independent,
        // so their deviations add.
        let deviation = |j: &Array2<f64>| {
            let a = j.dot(&j.t());
            (2.0 * (squared_norm(&a) - a.diag().iter().map(|v| v * v).sum::<f64>())).max(0.0).sqrt()
        };
        let bound = 5.0 * all.iter().map(deviation).sum::<f64>() / 6.0 / (probes as f64).sqrt();
        holds(&format!("contractive-{name}-probes"), (estimate - exact).abs(), bound);
        let (.., other) = penalty(&probing, &x, 8);
        assert_ne!(estimate, other, "{name}: every step has probes of its own");
    }
}

#[test]
fn contraction_makes_the_code_insensitive() {
    let x = correlated(200, 6, 5);
    let norm = |weight: f64| {
        let config = AutoencoderConfig::contractive(6, &[], 6, weight).code_activation(Activation::SIGMOID);
        let (model, mut params) = config.create::<f64>(1).unwrap();
        Trainer::new(&model, Mse)
            .epochs(150)
            .rate(0.01)
            .fit(&mut params, &Samples::reconstruct(x.view()).unwrap())
            .unwrap();
        jacobians(&model, &params, &x).iter().map(squared_norm).sum::<f64>() / 200.0
    };
    let norms = [1e-9, 0.1, 1.0].map(norm);
    println!("squared norms of the Jacobian by weight: {norms:?}");
    assert!(norms[0] > 2.0 * norms[1] && norms[1] > 2.0 * norms[2], "{norms:?}");
}
