//! DropConnect beside dropout, and three ways to use a network that was trained with it.

use super::prelude::*;
use layerwise::autograd::Tape;
use layerwise::nn::layer::{ActivationConfig, DropConnectConfig, DropConnectUse, DropoutConfig, LinearConfig};
use layerwise::nn::{Module, SequentialModelConfig};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "dropconnect-mnist",
    question: "Does dropping weights do what dropping units does?",
    claim: "DropConnect drops weights instead of units and regularises at least as well.",
    protocol: "784-400-400-10 (800-800 under full), ReLU, He's weights, SGD with momentum 0.9 at 0.05 and a cosine, batches of 64, 12 \
               epochs of 15 000 digits (40 of 60 000 under full): none, dropout 0.5 on the hidden layers, DropConnect 0.5 on the second \
               weight matrix and the output's, one mask a batch. In use: the mean weights; the mean of the class probabilities over 100 \
               masks; and over 100 samples of the Gaussian approximation.",
    anchor: Anchor {
        text: "2 x 800: none 1.62, dropout 1.28, DropConnect 1.20 % (0.034)",
        source: "L. Wan et al., Regularization of neural networks using DropConnect, ICML 2013",
        tag: Tag::V2,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 3, 3],
    seconds: [6.0, 120.0, 4200.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::interval(
            "dropout",
            "dropout lowers the test error by at least 0.2 points",
            Side::AtLeast,
            0.002,
            |r| r.difference("none", "dropout", "error"),
        )
        .published(0.0034, "1.62 less 1.28 %", Tag::M)
        .from("Wan et al. 2013; the suite's bound")
        .because(
            "probably too few steps: twelve epochs of 15 000 digits, after which the training loss with dropout is still 0.09.",
        ),
        Criterion::interval("dropconnect", "DropConnect does too", Side::AtLeast, 0.002, |r| {
            r.difference("none", "dropconnect", "error")
        })
        .published(0.0042, "1.62 less 1.20 %", Tag::V2)
        .from("Wan et al. 2013; the suite's bound"),
        Criterion::interval("alike", "they differ by at most 0.15 points", Side::AtMost, 0.0015, |r| {
            common::paired(r, ("dropout", "error"), ("dropconnect", "error"), |a, b| (a - b).abs())
        })
        .under(Profile::Full)
        .from("Wan et al. 2013; the suite's bound"),
        Criterion::interval(
            "gaussian",
            "the error under the Gaussian approximation is within 0.05 points of that over 100 masks",
            Side::AtMost,
            0.0005,
            |r| {
                common::paired(r, ("dropconnect", "error_gaussian"), ("dropconnect", "error_masks"), |a, b| {
                    (a - b).abs()
                })
            },
        )
        .from("Wan et al. 2013, section 3.2; the suite's bound"),
    ],
    figures,
};

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let width = s.profile.pick([64, 400, 800]);
    let learning = Learning {
        rule: momentum(0.9),
        rate: 0.05,
        cosine: true,
        batch: 64,
        ..Learning::new(&[width; 2], s.profile.pick([1, 12, 40]), s.profile.pick([500, 15_000, 60_000]))
    };
    ["none", "dropout", "dropconnect"].map(|n| Variant::new(n, learning.clone())).into()
}

fn network(kind: &str, learning: &Learning, in_use: DropConnectUse) -> SequentialModelConfig {
    let relu = ActivationConfig::new(Activation::RELU);
    let [first, second] = [learning.hidden[0], learning.hidden[1]];
    let net = SequentialModelConfig::new(784).then(&LinearConfig::new(first).init(learning.init)).then(&relu);
    let drop = |n| DropConnectConfig::new(n, 0.5).init(learning.init).in_use(in_use);
    match kind {
        "dropconnect" => net.then(&drop(second)).then(&relu).then(&drop(10)),
        "dropout" => net
            .then(&DropoutConfig::new(0.5))
            .then(&LinearConfig::new(second).init(learning.init))
            .then(&relu)
            .then(&DropoutConfig::new(0.5))
            .then(&LinearConfig::new(10).init(learning.init)),
        _ => net
            .then(&LinearConfig::new(second).init(learning.init))
            .then(&relu)
            .then(&LinearConfig::new(10).init(learning.init)),
    }
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let learning: Learning = v.config()?;
    let digits = common::digits(run)?;
    let (model, params) = network(&v.name, &learning, DropConnectUse::Mean).create::<f32>(seed)?;
    let learned = learning.fit(model, params, &digits.train, seed)?;
    learned.draw(run);
    let error = learned.error(&digits.test)?;
    let mut found = metrics([("error", error), ("train_loss", learned.losses[learned.losses.len() - 1])]);
    if v.name == "dropconnect" {
        let (gaussian, _) = network(&v.name, &learning, DropConnectUse::Gaussian).create::<f32>(seed)?;
        let x = digits.test.x.view();
        let masks = averaged(&learned.model, &learned.params, x, Mode::Train, seed);
        let samples = averaged(&gaussian, &learned.params, x, Mode::Eval, seed);
        found.insert("error_masks".into(), wrong(&masks, &digits.test.y));
        found.insert("error_gaussian".into(), wrong(&samples, &digits.test.y));
    }
    Ok(found)
}

/// Class probabilities over 100 passes with other draws.
fn averaged(
    model: &impl Module<f32>,
    params: &Params<f32>,
    x: ArrayView2<'_, f32>,
    mode: Mode,
    seed: u64,
) -> Array2<f32> {
    let mut sum = Array2::zeros((x.nrows(), 10));
    let mut tape = Tape::new();
    for draw in 0..100 {
        for (start, rows) in (0..x.nrows()).step_by(1_000).map(|s| (s, 1_000.min(x.nrows() - s))) {
            let mut g = tape.graph(params, mode, Stream::new(seed).child("masks").at(draw));
            let input = g.input(x.slice(s![start..start + rows, ..]));
            let y = model.forward(&mut g, input);
            let p = g.softmax(y);
            let mut part = sum.slice_mut(s![start..start + rows, ..]);
            part += &g.value(p);
        }
    }
    sum
}

fn wrong(scores: &Array2<f32>, y: &[u32]) -> f64 {
    let best = |row: layerwise::tensor::ndarray::ArrayView1<'_, f32>| {
        row.iter().enumerate().fold((0, f32::NEG_INFINITY), |b, (i, v)| if *v > b.1 { (i, *v) } else { b }).0
    };
    scores.rows().into_iter().zip(y).filter(|(row, y)| best(*row) != **y as usize).count() as f64 / y.len() as f64
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let (names, values) = common::bars_of(r, &["none", "dropout", "dropconnect"], "error", 100.0);
    let error = Chart::new("Test error", Axis::new("regularisation"), Axis::new("test error (%)"));
    let uses: Vec<Vec<(f64, f64)>> = ["error", "error_masks", "error_gaussian"]
        .iter()
        .map(|m| vec![common::bar(r, "dropconnect", m, 100.0)])
        .collect();
    let chart = Chart::new("DropConnect in use", Axis::new("prediction by"), Axis::new("test error (%)"));
    let labels: Vec<String> = ["mean weights", "100 masks", "100 Gaussian samples"].map(String::from).into();
    Ok(vec![
        Figure::new(
            "error",
            "Test error; mean over seeds with its 95 % interval. Published (800 units, more epochs): 1.62, 1.28, 1.20 %.",
            bars(&error, &names, &["error".into()], &values),
        )?,
        Figure::new(
            "use",
            "The same DropConnect networks used in three ways.",
            bars(&chart, &labels, &["error".into()], &uses),
        )?,
    ])
}
