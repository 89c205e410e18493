//! Adam beside other rules on a network and on logistic regression.

use super::prelude::*;
use layerwise::optim::{OptimizerConfig, rule};
use layerwise::tensor::{Gradients, Layout, ParamKind};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "adam-mnist",
    question: "Is Adam the fastest rule, each at its best rate?",
    claim: "Adam combines momentum and adaptive rates and is the standard.",
    protocol: "784-256-256-10 (1000-1000 under full), ReLU, He's weights, L2 0.0001, batches of 128, 5 epochs of 10 000 digits (10 of 60 \
               000 under full), without and with dropout 0.5: Adam, AdaGrad, RMSprop, AdaDelta, SGD with Nesterov's momentum 0.9, each \
               at the best of three rates by the training loss of the last epoch. Logistic regression: Adam, AdaGrad and Nesterov, at \
               constant rates (the source lets them fall as 1 / sqrt(t)). Exact: the first step of Adam with epsilon 0 has the size of \
               the rate in every coordinate.",
    anchor: Anchor {
        text: "Adam fastest on the network with and without dropout; on logistic regression like Nesterov, both faster than AdaGrad; \
               curves only",
        source: "D. Kingma and J. Ba, Adam, ICLR 2015, Figs. 1 and 2",
        tag: Tag::V,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 3, 5],
    seconds: [6.0, 200.0, 1800.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::interval(
            "lowest",
            "on the network Adam's training loss is not above the best other rule's",
            Side::AtMost,
            0.0,
            |r| ahead(r, "net"),
        )
        .from("Kingma and Ba 2015, Fig. 2"),
        Criterion::interval("lowest-dropout", "nor with dropout", Side::AtMost, 0.0, |r| ahead(r, "dropout"))
            .from("Kingma and Ba 2015, Fig. 2"),
        Criterion::interval(
            "logistic",
            "on logistic regression Adam's training loss is below AdaGrad's",
            Side::Below,
            0.0,
            |r| r.difference("logistic adam", "logistic adagrad", "train_loss"),
        )
        .from("Kingma and Ba 2015, Fig. 1")
        .because("not found; the source's curves run over 45 epochs (from memory), these over five."),
        Criterion::exact(
            "first-step",
            "Adam's first step is the rate in every coordinate, within 1e-9 of it",
            Side::AtMost,
            1e-9,
            |r| r.largest(&["first step"], "off"),
        )
        .from("both corrections cancel: m / sqrt v = sign g"),
    ],
    figures,
};

const RULES: [(&str, &str, [f64; 3]); 5] = [
    ("adam", r#"{"name":"adam"}"#, [3e-4, 1e-3, 3e-3]),
    ("adagrad", r#"{"name":"adagrad"}"#, [0.003, 0.01, 0.03]),
    ("rmsprop", r#"{"name":"rmsprop"}"#, [3e-4, 1e-3, 3e-3]),
    ("adadelta", r#"{"name":"adadelta"}"#, [0.3, 1.0, 3.0]),
    ("nesterov", r#"{"name":"sgd","momentum":0.9,"nesterov":true}"#, [0.01, 0.03, 0.1]),
];

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    rates: Vec<f64>,
    learning: Learning,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let (epochs, examples) = (s.profile.pick([1, 5, 10]), s.profile.pick([500, 10_000, 60_000]));
    let width = s.profile.pick([32, 256, 1_000]);
    let mut all = vec![
        Variant::new("first step", Config { rates: vec![1e-3], learning: Learning::new(&[], 0, 0) }).with_seeds(1),
    ];
    let tasks: [(&str, Vec<usize>, f64); 3] =
        [("net", vec![width; 2], 0.0), ("dropout", vec![width; 2], 0.5), ("logistic", vec![], 0.0)];
    for (task, hidden, dropout) in &tasks {
        for (name, text, rates) in RULES {
            if hidden.is_empty() && ["rmsprop", "adadelta"].contains(&name) {
                continue;
            }
            let rule = serde_json::from_str(text).unwrap_or(Value::Null);
            let learning = Learning { rule, dropout: *dropout, decay: 1e-4, ..Learning::new(hidden, epochs, examples) };
            all.push(Variant::new(format!("{task} {name}"), Config { rates: rates.into(), learning }));
        }
    }
    all
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let c: Config = v.config()?;
    if v.name == "first step" {
        return first_step(c.rates[0]);
    }
    let digits = common::digits(run)?;
    let mut best: Option<(f64, f64, Vec<f64>)> = None;
    for rate in &c.rates {
        let learned = Learning { rate: *rate, ..c.learning.clone() }.learn(&digits.train, seed)?;
        let last = if learned.diverged { f64::INFINITY } else { learned.losses[learned.losses.len() - 1] };
        run.log(learned.losses.len() as u64, &[("rate", *rate), ("loss", last)]);
        if best.as_ref().is_none_or(|b| last < b.0) {
            best = Some((last, *rate, learned.losses));
        }
    }
    let (last, rate, losses) =
        best.filter(|b| b.0.is_finite()).ok_or_else(|| ExperimentError::Training("every rate diverged".into()))?;
    let curve = v.name.split(' ').next().unwrap_or("net");
    run.curve(curve, (1..=losses.len()).map(|e| e as f64), losses);
    Ok(metrics([("train_loss", last), ("rate", rate)]))
}

/// Adam's first step on gradients from 1e-6 to 1e6.
fn first_step(rate: f64) -> Result<Metrics, ExperimentError> {
    let wrong = |e: layerwise::optim::OptimError| ExperimentError::Training(e.to_string());
    let mut layout = Layout::new();
    let id = layout.scope().param("w", ParamKind::Weight, 1, 13, Init::ZEROS);
    let mut params = Params::<f64>::init(layout, &Stream::new(0));
    let rule = rule::from_config(&json!({"name": "adam", "eps": 0.0})).map_err(wrong)?;
    let mut optimizer = OptimizerConfig::new(rule).rate(rate).build(&params).map_err(wrong)?;
    let mut grads = Gradients::new(&params);
    for (i, g) in grads.slot(id).0.iter_mut().enumerate() {
        *g = 10f64.powi(i as i32 - 6) * if i % 2 == 0 { 1.0 } else { -1.0 };
    }
    optimizer.step(&mut params, &mut grads);
    let off = params.get(id).iter().map(|w| (w.abs() / rate - 1.0).abs()).fold(0.0, f64::max);
    Ok(metrics([("off", off)]))
}

/// Adam's training loss less the lowest of the others', seed by seed.
fn ahead(r: &Results, task: &str) -> Option<Estimate> {
    let adam = r.values(&format!("{task} adam"), "train_loss");
    let others: Vec<Vec<f64>> =
        RULES[1..].iter().map(|(n, ..)| r.values(&format!("{task} {n}"), "train_loss")).collect();
    let best = |s: usize| others.iter().filter_map(|v| v.get(s)).fold(f64::INFINITY, |a, b| a.min(*b));
    estimate(&adam.iter().enumerate().map(|(s, a)| a - best(s)).collect::<Vec<_>>())
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let mut all = Vec::new();
    for (curve, title) in [("net", "Network"), ("dropout", "Network with dropout"), ("logistic", "Logistic regression")]
    {
        let chart = Chart::new(title, Axis::new("epoch"), Axis::new("training loss (nats)").log());
        let caption =
            format!("{title}: training loss by epoch, each rule at the best of three rates; bands over all seeds.");
        all.push(Figure::new(curve, caption, lines(&chart, &common::bands(r, curve, |_| true)))?);
    }
    Ok(all)
}
