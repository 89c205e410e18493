//! A linear autoencoder against principal components: the same loss, the same subspace, from every start.

use super::common::{self, DIGITS};
use crate::baselines::Pca;
use crate::criterion::{Criterion, Estimate, Kind, Published, Side};
use crate::error::ExperimentError;
use crate::experiment::{Anchor, Experiment, Grain, Metrics, Need, Profile, Run, Settings, Tag, Variant, metrics};
use crate::figure::{Axis, Chart, Figure, lines};
use crate::results::Results;
use layerwise::autograd::Tape;
use layerwise::datasets::catalog::{self, DataDir};
use layerwise::datasets::{Scaler, ScalerKind};
use layerwise::nn::{Activation, BuildModel, Init, Loss, Mlp, Module, Mse, Target};
use layerwise::optim::{Lbfgs, LbfgsConfig};
use layerwise::tensor::ndarray::{Array2, Axis as Dim, s};
use layerwise::tensor::{Accum, Gradients, Mode, Stream};
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "linear-ae-pca",
    question: "Is an autoencoder without activations the same as principal component analysis?",
    claim: "A linear autoencoder with a code of k numbers finds the space of the first k principal components; only non-linear ones can do \
            better.",
    protocol: "Networks d-k-d without activations and biases on centred data, mean squared error, L-BFGS with the strong Wolfe search in \
               f64 from a random start for each seed, at most 2 000 iterations: the 30 standardised columns of wdbc with k = 2, 5 and 10, \
               and 2 000 digits averaged to 14 x 14 pixels with k = 16. The optimum is that of the principal components of the same rows. \
               Ladder: PCA of the 60 000 training digits, squared error per test image with 30 components.",
    anchor: Anchor {
        text: "all critical points are projections onto spaces of eigenvectors, and only the first is a minimum; PCA with 30 components \
               leaves 13.87 on the test digits",
        source: "P. Baldi and K. Hornik, Neural Networks 2, 1989 (theorem); G. Hinton and R. Salakhutdinov, Science 313, 2006, caption",
        tag: Tag::V,
    },
    data: &[TABLE, DIGITS],
    tour: false,
    seeds: [1, 10, 20],
    seconds: [10.0, 80.0, 120.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion {
            id: "loss",
            statement: "from every start the loss ends within 0.1 % of the optimum of the principal components",
            threshold: 1.001,
            side: Side::AtMost,
            kind: Kind::Exact,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "Baldi and Hornik 1989: there is no local minimum besides",
            cause: "",
            estimate: |r| r.largest(&NETWORKS, "over_optimum"),
        },
        Criterion {
            id: "angle",
            statement: "from every start the largest principal angle between the decoder's rows and the components is below 1 degree",
            threshold: 1.0,
            side: Side::Below,
            kind: Kind::Exact,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "Baldi and Hornik 1989",
            cause: "",
            estimate: |r| r.largest(&NETWORKS, "angle"),
        },
        Criterion {
            id: "ladder",
            statement: "PCA with 30 components leaves a squared error per test digit within 0.005 of 13.87",
            threshold: 0.005,
            side: Side::AtMost,
            kind: Kind::Exact,
            profile: Profile::Quick,
            needs: Some("mnist"),
            published: Some(Published {
                value: 13.87,
                source: "Hinton and Salakhutdinov 2006, caption of Fig. 3",
                tag: Tag::V,
            }),
            source: "published; 13.866 recomputed",
            cause: "",
            estimate: |r| r.mean(LADDER, "test_error").map(|e| Estimate::exact((e.value - 13.87).abs())),
        },
    ],
    figures,
};

const TABLE: Need =
    Need { set: "tabular", without: "a table of 30 columns with falling variances is drawn instead of wdbc" };
const LADDER: &str = "pca ladder";
const NETWORKS: [&str; 4] = ["wdbc k=2", "wdbc k=5", "wdbc k=10", "digits k=16"];

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// `wdbc` or `digits`.
    data: String,
    code: usize,
    rows: usize,
    iterations: u64,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let iterations = s.profile.pick([200, 2_000, 2_000]);
    let of = |data: &str, code, rows| {
        Variant::new(format!("{data} k={code}"), Config { data: data.into(), code, rows, iterations })
    };
    let rows = s.profile.pick([200, 2_000, 2_000]);
    let mut all = vec![of("wdbc", 2, 569), of("wdbc", 5, 569), of("wdbc", 10, 569), of("digits", 16, rows)];
    let rows = s.profile.pick([500, 60_000, 60_000]);
    let ladder = Config { data: "digits".into(), code: 30, rows, iterations: 0 };
    all.push(Variant::new(LADDER, ladder).with_seeds(1));
    all
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let config: Config = v.config()?;
    if config.iterations == 0 {
        return ladder(&config, run);
    }
    let mut x = match config.data.as_str() {
        "wdbc" => table(&config, run)?,
        _ => small_digits(&config, run)?,
    };
    let mean = x.mean_axis(Dim(0)).unwrap_or_default();
    x -= &mean;
    descend(&config, &x, seed, run)
}

/// The columns of wdbc, standardised.
fn table(config: &Config, run: &mut Run<'_>) -> Result<Array2<f64>, ExperimentError> {
    let Some(root) = run.data.root().filter(|_| run.data.has(TABLE.set)) else {
        run.note("A table drawn by program, not wdbc.");
        let mut values = vec![0.0; config.rows * 30];
        Stream::new(1989).child("table").normal(0, &mut values);
        return Ok(Array2::from_shape_fn((config.rows, 30), |(i, j)| values[i * 30 + j] * 0.9f64.powi(j as i32)));
    };
    let x = catalog::wdbc(&DataDir::new(root))?.x;
    Ok(Scaler::fit(ScalerKind::Standard, x.view()).transform(x.view()))
}

/// Digits of which every square of two by two pixels is one.
fn small_digits(config: &Config, run: &mut Run<'_>) -> Result<Array2<f64>, ExperimentError> {
    let digits = common::digits(run)?;
    let train = digits.train.head(config.rows);
    let pixel = |i: usize, row: usize, col: usize| f64::from(train.x[(i, row * 28 + col)]);
    Ok(Array2::from_shape_fn((train.x.nrows(), 196), |(i, j)| {
        let (row, col) = (2 * (j / 14), 2 * (j % 14));
        (pixel(i, row, col) + pixel(i, row, col + 1) + pixel(i, row + 1, col) + pixel(i, row + 1, col + 1)) / 4.0
    }))
}

fn descend(config: &Config, x: &Array2<f64>, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let (columns, code) = (x.ncols(), config.code);
    let net = Mlp::builder(columns).hidden(&[code]).outputs(columns).activation(Activation::IDENTITY).bias(false);
    let (mlp, mut params) = net.init(Init::GLOROT_NORMAL).create::<f64>(seed)?;
    let (mut tape, mut grads) = (Tape::new(), Gradients::new(&params));
    let settings = LbfgsConfig::default().strong_wolfe().max_iter(50).tolerances(1e-10, 1e-14);
    let mut optimizer = Lbfgs::new(settings, &params);
    let mut losses = Vec::new();
    let pca = Pca::fit(x.view());
    let optimum = pca.errors(x.view(), code).mean().unwrap_or(f64::NAN);
    while optimizer.iterations() < config.iterations {
        let report = optimizer.step(&mut params, &mut grads, |params, grads| {
            let mut g = tape.graph(params, Mode::Train, Stream::new(0));
            let input = g.input(x.view());
            let output = mlp.forward(&mut g, input);
            let loss = Mse.loss(&mut g, output, Target::Values(x.view()));
            let value = g.scalar(loss);
            g.backward(loss, grads, Accum::Replace);
            value
        });
        losses.push(report.loss / optimum - 1.0);
        run.log(optimizer.iterations(), &[("loss", report.loss), ("gradient", report.grad_max)]);
        if report.iterations < 50 {
            break;
        }
    }
    let over = losses.last().map_or(f64::NAN, |l| 1.0 + l);
    run.curve("excess", (1..=losses.len()).map(|i| 50.0 * i as f64), losses.iter().map(|l| 100.0 * l.max(1e-12)));
    let weights = mlp.weights();
    let decoder = weights.last().map(|w| params.get(*w)).unwrap_or_default();
    Ok(metrics([
        ("over_optimum", over),
        ("angle", angle(decoder, &pca, code)),
        ("iterations", optimizer.iterations() as f64),
    ]))
}

/// The largest principal angle in degrees between the rows of the decoder, `(code, columns)`, and the first components.
fn angle(decoder: &[f64], pca: &Pca, code: usize) -> f64 {
    let components = pca.components();
    let columns = components.ncols();
    let found = DMatrix::from_fn(columns, code, |j, c| decoder[c * columns + j]).qr().q();
    let wanted = DMatrix::from_fn(columns, code, |j, c| components[(c, j)]);
    let smallest = found.tr_mul(&wanted).singular_values().min();
    smallest.clamp(-1.0, 1.0).acos().to_degrees()
}

/// PCA of the training digits: what it leaves of the test digits.
fn ladder(config: &Config, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let digits = common::digits(run)?;
    let train = digits.train.x.slice(s![..config.rows.min(digits.train.x.nrows()), ..]).mapv(f64::from);
    let pca = Pca::fit(train.view());
    let test = digits.test.x.mapv(f64::from);
    let pixels = test.ncols() as f64;
    let left = |k: usize| pixels * pca.errors(test.view(), k).mean().unwrap_or(f64::NAN);
    let ks = [1, 2, 5, 10, 20, config.code, 50, 100];
    run.curve("ladder", ks.iter().map(|k| *k as f64), ks.iter().map(|k| left(*k)));
    Ok(metrics([("test_error", left(config.code))]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let excess = Chart::new(
        "Loss of the linear autoencoder above that of PCA",
        Axis::new("iteration of L-BFGS"),
        Axis::new("above the optimum (%)").log(),
    );
    let ladder = Chart::new(
        "What PCA leaves of a test digit",
        Axis::new("components").log(),
        Axis::new("squared error per image").log(),
    );
    Ok(vec![
        Figure::new(
            "excess",
            "From every start the loss falls to that of the principal components; bands over all seeds.",
            lines(&excess, &common::bands(r, "excess", |_| true)),
        )?,
        Figure::new(
            "ladder",
            "Squared error per test image by number of components; published with 30: 13.87.",
            lines(&ladder, &common::bands(r, "ladder", |_| true)),
        )?,
    ])
}
