//! Optimizers: a noisy quadratic with a known floor, and digits with each rule at its best rate.

use super::common::{self, DIGITS};
use crate::criterion::{Criterion, Estimate, Kind, Side};
use crate::error::ExperimentError;
use crate::experiment::{Anchor, Experiment, Grain, Metrics, Profile, Run, Settings, Tag, Variant, metrics};
use crate::figure::{Axis, Chart, Figure, lines};
use crate::results::{Results, estimate};
use layerwise::datasets::Batches;
use layerwise::nn::{BuildModel, Init, Mlp, SoftmaxCrossEntropy};
use layerwise::optim::{OptimizerConfig, SharedRule, rule};
use layerwise::tensor::{Constant, Gradients, Layout, ParamKind, Params, Stream};
use layerwise::train::{Samples, TrainError, Trainer};
use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "optimizers",
    question: "How do the optimizers differ, and does it matter which one is taken?",
    claim: "Momentum is faster along shallow directions but overshoots; adaptive rates make the step in each direction alike. Which \
            optimizer is best depends on the task.",
    protocol: "Quadratic (DeepOBS P1): 100 parameters, eigenvalues 90 % U(0,1) and 10 % U(30,60), 1 000 noisy training points with \
               standard deviation 0.6, batches of 128, 100 epochs, start at 1, the published tuned rates; test loss on 1 000 fresh points \
               against its floor. Digits: 784-128-128-10 on 10 000 digits, 5 epochs, batches of 128; each rule at the best of three \
               rates by final training loss.",
    anchor: Anchor {
        text: "quadratic deep, test loss at epoch 100: SGD 87.518, momentum 0.99 87.025, Adam 87.068; momentum rises from 139 to 218 \
               between epochs 2 and 5",
        source: "F. Schneider et al., DeepOBS, ICLR 2019, problem file and logs; D. P. Kingma and J. Ba, Adam, ICLR 2015, Fig. 2",
        tag: Tag::V,
    },
    data: &[DIGITS],
    tour: true,
    seeds: [1, 3, 10],
    seconds: [5.0, 50.0, 300.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion {
            id: "floor",
            statement: "SGD, momentum and Adam all end within 3 % of the floor of the quadratic (the worst of the three)",
            threshold: 1.03,
            side: Side::AtMost,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "DeepOBS logs: 87.0 to 87.5, at the noise floor",
            cause: "",
            estimate: |r| {
                let runs = QUADRATIC.map(|n| r.values(n, "over_floor"));
                let seeds = runs.iter().map(Vec::len).min()?;
                let worst = |s: usize| runs.iter().map(|v| v[s]).fold(f64::NEG_INFINITY, f64::max);
                estimate(&(0..seeds).map(worst).collect::<Vec<_>>())
            },
        },
        Criterion {
            id: "momentum-overshoots",
            statement: "with momentum 0.99 the test loss of the quadratic rises by more than 5 % from one epoch to the next at least 3 \
                        times",
            threshold: 3.0,
            side: Side::AtLeast,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "DeepOBS logs: 138.9 at epoch 2, 217.6 at epoch 5",
            cause: "",
            estimate: |r| r.mean("quadratic momentum", "rises"),
        },
        Criterion {
            id: "sgd-does-not",
            statement: "with plain SGD it never does",
            threshold: 0.0,
            side: Side::AtMost,
            kind: Kind::Exact,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "DeepOBS logs: the loss of SGD falls from epoch to epoch",
            cause: "",
            estimate: |r| r.mean("quadratic sgd", "rises").map(|e| Estimate::exact(e.value)),
        },
        Criterion {
            id: "adam-near-best",
            statement: "on digits Adam's training loss after 5 epochs is at most 1.25 times that of the best other optimizer",
            threshold: 1.25,
            side: Side::AtMost,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "Kingma and Ba 2015, Fig. 2: Adam lowest or among the lowest; Schmidt et al. 2021: a strong contender",
            cause: "",
            estimate: |r| {
                let adam = r.values("digits adam", "train_loss");
                let others: Vec<Vec<f64>> = RULES
                    .iter()
                    .filter(|(name, ..)| *name != "adam")
                    .map(|(name, ..)| r.values(&format!("digits {name}"), "train_loss"))
                    .collect();
                let seeds = others.iter().map(Vec::len).min()?.min(adam.len());
                let best = |s: usize| others.iter().map(|v| v[s]).fold(f64::INFINITY, f64::min);
                estimate(&(0..seeds).map(|s| adam[s] / best(s)).collect::<Vec<_>>())
            },
        },
    ],
    figures,
};

const QUADRATIC: [&str; 3] = ["quadratic sgd", "quadratic momentum", "quadratic adam"];

/// Rules for the digits: name, options, three rates around the usual one.
const RULES: [(&str, &str, [f64; 3]); 7] = [
    ("sgd", r#"{"name":"sgd"}"#, [0.03, 0.1, 0.3]),
    ("momentum", r#"{"name":"sgd","momentum":0.9}"#, [0.01, 0.03, 0.1]),
    ("nesterov", r#"{"name":"sgd","momentum":0.9,"nesterov":true}"#, [0.01, 0.03, 0.1]),
    ("adagrad", r#"{"name":"adagrad"}"#, [0.003, 0.01, 0.03]),
    ("rmsprop", r#"{"name":"rmsprop"}"#, [3e-4, 1e-3, 3e-3]),
    ("adam", r#"{"name":"adam"}"#, [3e-4, 1e-3, 3e-3]),
    ("adamw", r#"{"name":"adamw"}"#, [3e-4, 1e-3, 3e-3]),
];

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub(super) rule: Value,
    pub(super) rates: Vec<f64>,
    pub(super) examples: usize,
    pub(super) epochs: usize,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let quadratic = |name: &str, rule: Value, rate: f64| {
        let epochs = s.profile.pick([20, 100, 100]);
        Variant::new(name, Config { rule, rates: vec![rate], examples: 1_000, epochs })
    };
    let mut all = vec![
        quadratic(QUADRATIC[0], json!({"name": "sgd"}), 1.585e-2),
        quadratic(QUADRATIC[1], json!({"name": "sgd", "momentum": 0.99}), 2.512e-3),
        quadratic(QUADRATIC[2], json!({"name": "adam"}), 3.981e-2),
    ];
    let (examples, epochs) = (s.profile.pick([1_000, 10_000, 60_000]), s.profile.pick([2, 5, 10]));
    for (name, rule, rates) in RULES {
        let rule = serde_json::from_str(rule).unwrap_or(Value::Null);
        all.push(Variant::new(format!("digits {name}"), Config { rule, rates: rates.into(), examples, epochs }));
    }
    all
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let config: Config = v.config()?;
    let rule = rule::from_config(&config.rule)
        .map_err(|e| ExperimentError::Config { variant: v.name.clone(), message: e.to_string() })?;
    if v.name.starts_with("quadratic") { quadratic(&config, rule, seed, run) } else { digits(&config, rule, seed, run) }
}

/// `f(w) = mean over x of (w - x)' Q (w - x) / 2`, trained on noisy `x`, tested on others.
pub(super) fn quadratic(
    config: &Config,
    rule: SharedRule,
    seed: u64,
    run: &mut Run<'_>,
) -> Result<Metrics, ExperimentError> {
    const N: usize = 100;
    let stream = Stream::new(seed).child("quadratic");
    let uniform = |name: &str, n| drawn(n, |out| stream.child(name).uniform(0, out));
    let normal = |name: &str, n| drawn(n, |out| stream.child(name).normal(0, out));
    let u = uniform("eigenvalues", N);
    let eigenvalues = DVector::from_fn(N, |i, _| if i < 90 { u[i] } else { 30.0 + 30.0 * u[i] });
    let rotation = DMatrix::from_vec(N, N, normal("rotation", N * N)).qr().q();
    let q = &rotation * DMatrix::from_diagonal(&eigenvalues) * rotation.transpose();
    let points = |name: &str| DMatrix::from_vec(N, config.examples, normal(name, N * config.examples)) * 0.6;
    let (train, test) = (points("train"), points("test"));
    let loss = |w: &DVector<f64>| {
        let total: f64 = test.column_iter().map(|x| (w - x).dot(&(&q * (w - x)))).sum();
        total / (2.0 * config.examples as f64)
    };
    let floor = loss(&test.column_mean());

    let mut layout = Layout::new();
    let id = layout.scope().param("w", ParamKind::Weight, 1, N, Constant(1.0));
    let mut params = Params::<f64>::init(layout, &stream.child("init"));
    let mut grads = Gradients::new(&params);
    let optimizer = OptimizerConfig::new(rule).rate(config.rates[0]).build(&params);
    let mut optimizer = optimizer.map_err(|e| ExperimentError::Training(e.to_string()))?;
    let mut batches = Batches::new(config.examples, 128, stream.child("shuffle"));
    let here = |params: &Params<f64>| DVector::from_column_slice(params.get(id));
    let mut losses = vec![loss(&here(&params))];
    for epoch in 0..config.epochs {
        for rows in batches.epoch(epoch as u64) {
            let mean = train.select_columns(rows).column_mean();
            let gradient = &q * (here(&params) - mean);
            grads.clear();
            grads.slot(id).0.copy_from_slice(gradient.as_slice());
            optimizer.step(&mut params, &mut grads);
        }
        losses.push(loss(&here(&params)));
        run.log(epoch as u64, &[("test_loss", losses[epoch + 1])]);
    }
    run.curve(
        "excess",
        (0..losses.len()).map(|e| e as f64),
        losses.iter().map(|l| (l / floor - 1.0).max(1e-6) * 100.0),
    );
    let rises = losses.windows(2).filter(|w| w[1] > 1.05 * w[0]).count();
    let last = losses[losses.len() - 1];
    Ok(metrics([("test_loss", last), ("over_floor", last / floor), ("rises", rises as f64)]))
}

fn drawn(n: usize, fill: impl FnOnce(&mut [f64])) -> Vec<f64> {
    let mut values = vec![0.0; n];
    fill(&mut values);
    values
}

fn digits(config: &Config, rule: SharedRule, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let digits = common::digits(run)?;
    let train = digits.train.head(config.examples);
    let samples = Samples::labels(train.x.view(), &train.y)?;
    let net = Mlp::builder(train.cols()).hidden(&[128; 2]).outputs(10).init(Init::HE_NORMAL);
    let mut best: Option<(f64, f64, Vec<f64>, f64)> = None;
    for rate in &config.rates {
        let (mlp, mut params) = net.create::<f32>(seed)?;
        let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).epochs(config.epochs).batch(128).seed(seed);
        let report = match trainer.rule(rule.clone()).rate(*rate).fit(&mut params, &samples) {
            Ok(report) => report,
            // A rate too large for this rule: the others decide.
            Err(TrainError::Diverged { .. }) => continue,
            Err(e) => return Err(e.into()),
        };
        let losses = report.history.losses();
        let last = losses.last().copied().unwrap_or(f64::INFINITY);
        run.log(config.epochs as u64, &[("rate", *rate), ("train_loss", last)]);
        if best.as_ref().is_none_or(|b| last < b.0) {
            best = Some((last, *rate, losses, common::accuracy(&mlp, &params, digits.test.x.view(), &digits.test.y)?));
        }
    }
    let (last, rate, losses, test) = best.ok_or_else(|| ExperimentError::Training("every rate diverged".into()))?;
    run.curve("loss", (1..=losses.len()).map(|e| e as f64), losses);
    Ok(metrics([("train_loss", last), ("best_rate", rate), ("test_accuracy", test)]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let excess = Chart::new("Noisy quadratic", Axis::new("epoch"), Axis::new("test loss above its floor (%)").log());
    let loss =
        Chart::new("Digits, each rule at its best rate", Axis::new("epoch"), Axis::new("training loss (nats)").log());
    Ok(vec![
        Figure::new(
            "quadratic",
            "Excess of the test loss over its floor. Momentum overshoots again and again; SGD falls steadily.",
            lines(&excess, &common::bands(r, "excess", |_| true)),
        )?,
        Figure::new(
            "digits",
            "Training loss of a 784-128-128-10 network by epoch, each optimizer at the best of its three rates; bands over all seeds.",
            lines(&loss, &common::bands(r, "loss", |_| true)),
        )?,
    ])
}
