//! What a linear reader finds in each hidden layer, before and after training.

use super::prelude::*;
use nalgebra::DMatrix;

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "layer-probes",
    question: "Do hidden layers hold ever more of what the labels need, the deeper they lie?",
    claim: "Deep networks build complex features from simple ones, layer by layer.",
    protocol: "784-5x128-10 on 10 000 digits (60 000 under full), ReLU, He's weights, Adam at 0.001, 10 epochs. At the input and after \
               each hidden layer ridge regression (penalty 1 on standardised values) from 4 000 training images' values to the ten \
               classes, one-hot; accuracy of the largest output on the 10 000 test images; the same in the network as it was born. Rank \
               correlation of layer and accuracy over the five hidden layers.",
    anchor: Anchor {
        text: "linear probes improve monotonically with depth in trained networks",
        source: "G. Alain and Y. Bengio, Understanding intermediate layers using linear classifier probes, 2016",
        tag: Tag::M,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 5, 10],
    seconds: [5.0, 60.0, 300.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::interval(
            "trained",
            "after training Spearman's correlation of layer and accuracy is at least 0.9",
            Side::AtLeast,
            0.9,
            |r| r.mean("mlp", "rho_trained"),
        )
        .from("Alain and Bengio 2016"),
        Criterion::interval("born", "at birth it is at most 0", Side::AtMost, 0.0, |r| r.mean("mlp", "rho_born"))
            .from("random layers lose information"),
        Criterion::interval(
            "gain",
            "training raises the accuracy at the last hidden layer above that at the input",
            Side::Above,
            0.0,
            |r| common::paired(r, ("mlp", "trained_5"), ("mlp", "input"), |a, b| a - b),
        )
        .from("else the layers would only hand on"),
    ],
    figures,
};

const LAYERS: usize = 5;

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let (epochs, examples) = (s.profile.pick([2, 10, 10]), s.profile.pick([1_000, 10_000, 60_000]));
    vec![Variant::new("mlp", Learning::new(&[128; LAYERS], epochs, examples))]
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let learning: Learning = v.config()?;
    let digits = common::digits(run)?;
    let (mlp, params) = learning.network(digits.train.cols(), 10).create::<f32>(seed)?;
    let read = digits.train.head(4_000.min(digits.train.rows()));
    let look = |mlp: &Mlp, params: &Params<f32>| {
        let train = common::hidden(mlp, params, read.x.view());
        let test = common::hidden(mlp, params, digits.test.x.view());
        train.iter().zip(&test).map(|(a, b)| probe(a, &read.y, b, &digits.test.y)).collect::<Vec<f64>>()
    };
    let born = look(&mlp, &params);
    let learned = learning.fit(mlp, params, &digits.train, seed)?;
    let trained = look(&learned.model, &learned.params);
    let input = probe(&read.x, &read.y, &digits.test.x, &digits.test.y);
    let places = || (0..=LAYERS).map(|l| l as f64);
    let with_input =
        |of: &[f64]| std::iter::once(input).chain(of.iter().copied()).map(|a| 100.0 * a).collect::<Vec<_>>();
    run.curve("trained", places(), with_input(&trained));
    run.curve("born", places(), with_input(&born));
    let layers: Vec<f64> = (1..=LAYERS).map(|l| l as f64).collect();
    Ok(metrics([
        ("input", input),
        ("trained_1", trained[0]),
        ("trained_5", trained[LAYERS - 1]),
        ("born_5", born[LAYERS - 1]),
        ("rho_trained", stats::spearman(&layers, &trained)),
        ("rho_born", stats::spearman(&layers, &born)),
        ("test_error", learned.error(&digits.test)?),
    ]))
}

/// Accuracy of ridge regression on standardised values.
fn probe(train: &Array2<f32>, y: &[u32], test: &Array2<f32>, expected: &[u32]) -> f64 {
    let (n, d) = train.dim();
    let mean = train.mean_axis(layerwise::tensor::ndarray::Axis(0)).unwrap_or_default();
    let std = train.std_axis(layerwise::tensor::ndarray::Axis(0), 0.0).mapv(|s| if s > 1e-6 { s } else { 1.0 });
    let plain = |x: &Array2<f32>| ((x - &mean) / &std).mapv(f64::from);
    let (a, b) = (plain(train), plain(test));
    let gram = a.t().dot(&a);
    let mut targets = Array2::<f64>::from_elem((n, 10), -0.1);
    for (i, label) in y.iter().enumerate() {
        targets[(i, *label as usize)] += 1.0;
    }
    let right = a.t().dot(&targets);
    let system = DMatrix::from_fn(d, d, |i, j| gram[(i, j)] + if i == j { 1.0 } else { 0.0 });
    let Some(factor) = system.cholesky() else { return 0.1 };
    let weights = factor.solve(&DMatrix::from_fn(d, 10, |i, j| right[(i, j)]));
    let scores = b.dot(&Array2::from_shape_fn((d, 10), |(i, j)| weights[(i, j)]));
    let right = scores.rows().into_iter().zip(expected).filter(|(row, label)| {
        let best = row.iter().enumerate().fold((0, f64::NEG_INFINITY), |b, (i, v)| if *v > b.1 { (i, *v) } else { b });
        best.0 == **label as usize
    });
    right.count() as f64 / expected.len() as f64
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let chart = Chart::new(
        "Linear probes",
        Axis::new("hidden layer (0 is the input)"),
        Axis::new("test accuracy of a linear reader (%)"),
    );
    let of = |curve: &str, name: &str| {
        let curves = r.variant("mlp").map(|v| v.curves(curve)).unwrap_or_default();
        Series::band(name, curves.into_iter().map(|c| (&c.x[..], &c.y[..])))
    };
    Ok(vec![Figure::new(
        "probes",
        "Accuracy of ridge regression from each layer's values to the digit, in the network as born and after training; bands over all \
         seeds.",
        lines(&chart, &[of("trained", "trained"), of("born", "as born")]),
    )?])
}
