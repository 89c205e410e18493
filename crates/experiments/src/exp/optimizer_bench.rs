//! Eight optimizers on five tasks: who wins depends on the task.

use super::hierarchy::Hierarchy;
use super::prelude::*;
use super::shapes::curves;
use crate::figure::critical_difference;
use crate::results::significant;
use layerwise::autoencoder::AutoencoderConfig;
use layerwise::datasets::synthetic;
use layerwise::nn::Mse;
use layerwise::optim::{OptimizerConfig, rule};
use layerwise::train::TrainError;

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "optimizer-bench",
    question: "Is there one best optimizer?",
    claim: "The best optimizer depends on the task; Adam is a good first choice.",
    protocol: "Tasks: digits (784-128-128-10, 5 000, 5 epochs), shallow digits (logistic regression), the random hierarchy \
               (64-256-256-256-8, 4 096 strings, 10 epochs), spirals (2-64-64-2, 2 000 points, 40 epochs), the CURVES autoencoder \
               (784-128-32-6 and back, ReLU, 2 000 pictures, 10 epochs). SGD, momentum 0.9, Nesterov 0.9, AdaGrad, RMSprop, Adam, AdamW, \
               NAdam, each with its default rate (SGD and momentum 0.1 and 0.01, AdaGrad 0.01, others 0.001) and at the best of that and \
               a third and three times it. Measure: training loss at the end. Friedman and Nemenyi over tasks and seeds at the best \
               rates.",
    anchor: Anchor {
        text: "more than 50 000 runs: performance varies greatly across tasks; trying several optimizers with defaults is about as good \
               as tuning one; Adam remains a strong contender",
        source: "R. Schmidt, F. Schneider, P. Hennig, Descending through a crowded valley, ICML 2021",
        tag: Tag::V,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 3, 5],
    seconds: [8.0, 180.0, 900.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::exact(
            "winner-varies",
            "at their best rates at least two different rules win on average on the five tasks",
            Side::AtLeast,
            2.0,
            |r| {
                let mut winners: Vec<usize> = TASKS.iter().map(|t| winner(r, t, "best")).collect::<Option<_>>()?;
                winners.sort_unstable();
                winners.dedup();
                Some(Estimate::exact(winners.len() as f64))
            },
        )
        .from("Schmidt et al. 2021"),
        Criterion::exact(
            "adam-contends",
            "Adam at its default rate ends within 5 % of the best default, or 0.01 nats, on at least 4 of the 5 tasks",
            Side::AtLeast,
            4.0,
            |r| {
                let close = |task: &&str| {
                    let of = |rule: &str| Some(r.mean(&format!("{task} {rule}"), "default")?.value);
                    let all = RULES.iter().map(|rule| of(rule.0)).collect::<Option<Vec<f64>>>()?;
                    let best = all.into_iter().fold(f64::INFINITY, f64::min);
                    let adam = of("adam")?;
                    Some(usize::from(adam <= 1.05 * best || adam <= best + 0.01))
                };
                Some(Estimate::exact(TASKS.iter().map(close).sum::<Option<usize>>()? as f64))
            },
        )
        .from("Schmidt et al. 2021; the suite's bound"),
        Criterion::exact(
            "trying-for-tuning",
            "the best of the eight defaults is at least as good as tuned SGD on at least 4 of the 5 tasks",
            Side::AtLeast,
            4.0,
            |r| {
                let better = |task: &&str| {
                    let of = |rule: &str, m: &str| Some(r.mean(&format!("{task} {rule}"), m)?.value);
                    let all = RULES.iter().map(|rule| of(rule.0, "default")).collect::<Option<Vec<f64>>>()?;
                    Some(usize::from(all.into_iter().fold(f64::INFINITY, f64::min) <= of("sgd", "best")?))
                };
                Some(Estimate::exact(TASKS.iter().map(better).sum::<Option<usize>>()? as f64))
            },
        )
        .from("Schmidt et al. 2021"),
    ],
    figures,
};

const TASKS: [&str; 5] = ["digits", "logistic", "hierarchy", "spirals", "curves"];

/// Rules with their default rates.
const RULES: [(&str, &str, f64); 8] = [
    ("sgd", r#"{"name":"sgd"}"#, 0.1),
    ("momentum", r#"{"name":"sgd","momentum":0.9}"#, 0.01),
    ("nesterov", r#"{"name":"sgd","momentum":0.9,"nesterov":true}"#, 0.01),
    ("adagrad", r#"{"name":"adagrad"}"#, 0.01),
    ("rmsprop", r#"{"name":"rmsprop"}"#, 1e-3),
    ("adam", r#"{"name":"adam"}"#, 1e-3),
    ("adamw", r#"{"name":"adamw"}"#, 1e-3),
    ("nadam", r#"{"name":"nadam"}"#, 1e-3),
];

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    rule: Value,
    rate: f64,
    /// Of the usual number.
    share: f64,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let share = s.profile.pick([0.1, 1.0, 3.0]);
    let mut all = Vec::new();
    for task in TASKS {
        for (name, text, rate) in RULES {
            let rule = serde_json::from_str(text).unwrap_or(Value::Null);
            all.push(Variant::new(format!("{task} {name}"), Config { rule, rate, share }));
        }
    }
    all
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let c: Config = v.config()?;
    let task = v.name.split(' ').next().unwrap_or("digits");
    let stream = Stream::new(seed).child("bench").child(task);
    let mut ends = Vec::new();
    for factor in [1.0, 1.0 / 3.0, 3.0] {
        let end = task_loss(task, &c, factor * c.rate, seed, &stream, run)?;
        run.log(0, &[("rate", factor * c.rate), ("loss", end)]);
        ends.push(end);
    }
    let best = ends.iter().copied().fold(f64::INFINITY, f64::min);
    Ok(metrics([("default", ends[0]), ("best", best)]))
}

fn task_loss(
    task: &str,
    c: &Config,
    rate: f64,
    seed: u64,
    stream: &Stream,
    run: &mut Run<'_>,
) -> Result<f64, ExperimentError> {
    let epochs = |n: f64| ((n * c.share).ceil() as usize).max(1);
    let with = |hidden: &[usize], epochs, examples, batch| Learning {
        rule: c.rule.clone(),
        rate,
        batch,
        ..Learning::new(hidden, epochs, examples)
    };
    let (learning, train) = match task {
        "digits" => (with(&[128, 128], epochs(5.0), 5_000, 64), common::digits(run)?.train.head(5_000)),
        "logistic" => (with(&[], epochs(5.0), 5_000, 64), common::digits(run)?.train.head(5_000)),
        "hierarchy" => {
            let strings = Hierarchy::new(&stream.child("rules")).draw(4_096, &stream.child("train"));
            (with(&[256; 3], epochs(10.0), 4_096, 64), strings)
        }
        "spirals" => (
            with(&[64, 64], epochs(40.0), 2_000, 32),
            synthetic::spirals::<f32>(2_000, 1.5, 0.05, &stream.child("points")),
        ),
        _ => return autoencoder(c, rate, epochs(10.0), seed, stream),
    };
    let learned = learning.learn(&train, seed)?;
    // Where it diverges: as a network that says nothing, ten times over.
    let loss = if learned.diverged { f64::NAN } else { learned.loss(&train)? };
    Ok(if loss.is_finite() { loss.min(23.0) } else { 23.0 })
}

fn autoencoder(c: &Config, rate: f64, epochs: usize, seed: u64, stream: &Stream) -> Result<f64, ExperimentError> {
    let x = curves(2_000, &stream.child("curves"));
    let net = AutoencoderConfig::new(x.ncols(), 6)
        .hidden(&[128, 32])
        .output_activation(Activation::SIGMOID)
        .init(Init::HE_NORMAL);
    let (model, mut params) = net.create::<f32>(seed)?;
    let rule = rule::from_config(&c.rule).map_err(|e| ExperimentError::Training(e.to_string()))?;
    let trainer = Trainer::new(&model, Mse).epochs(epochs).batch(64).seed(seed);
    let samples = Samples::reconstruct(x.view())?;
    match trainer.optimizer(OptimizerConfig::new(rule).rate(rate)).fit(&mut params, &samples) {
        Ok(_) => Ok(evaluate(&model, &Mse, &params, &samples, 500)),
        Err(TrainError::Diverged { .. }) => Ok(1.0),
        Err(e) => Err(e.into()),
    }
}

/// The rule with the least mean loss on a task.
fn winner(r: &Results, task: &str, metric: &str) -> Option<usize> {
    let losses =
        RULES.iter().map(|(n, ..)| Some(r.mean(&format!("{task} {n}"), metric)?.value)).collect::<Option<Vec<_>>>()?;
    (0..losses.len()).min_by(|a, b| losses[*a].total_cmp(&losses[*b]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let names: Vec<String> = RULES.map(|rule| rule.0.to_string()).into();
    // Blocks are task and seed; larger is better for the ranks.
    let mut blocks = Vec::new();
    let mut relative = Vec::new();
    for task in TASKS {
        let losses: Vec<Vec<f64>> = RULES.iter().map(|(n, ..)| r.values(&format!("{task} {n}"), "best")).collect();
        let seeds = losses.iter().map(Vec::len).min().unwrap_or(0);
        blocks.extend((0..seeds).map(|s| losses.iter().map(|l| -l[s]).collect::<Vec<f64>>()));
        let means: Vec<f64> = losses.iter().map(|l| stats::mean(l)).collect();
        let best = means.iter().copied().fold(f64::INFINITY, f64::min);
        relative.push(means.iter().map(|m| (m / best).log10().min(2.0)).collect::<Vec<f64>>());
    }
    let chart = Chart::new(
        "Loss relative to the task's best",
        Axis::new("rule, at its best of three rates"),
        Axis::new("task"),
    );
    let tasks: Vec<String> = TASKS.map(String::from).into();
    let mut all = vec![Figure::new(
        "table",
        "Mean training loss at the end over the lowest of the task, as a power of ten (2 stands for more).",
        crate::figure::heat_map(&chart, &tasks, &names, &relative, "log10 of the ratio"),
    )?];
    if blocks.len() > 2 {
        let test = stats::friedman(&blocks);
        let caption = format!(
            "Mean ranks over {} pairs of task and seed, best on the left (Friedman p = {}); rules under one bar are not told apart by \
             Nemenyi's test at 5 %. Seeds of one task are not independent tasks, so the bar is shorter than five tasks alone would give.",
            blocks.len(),
            significant(test.p, 2)
        );
        all.push(Figure::new("ranks", caption, critical_difference("Mean ranks of the rules", &names, &test))?);
    }
    Ok(all)
}
