//! Depth against width at an equal number of parameters.

use super::common::{self, DIGITS};
use super::hierarchy::{Hierarchy, by_teacher};
use crate::criterion::{Criterion, Estimate, Kind, Side};
use crate::error::ExperimentError;
use crate::experiment::{Anchor, Experiment, Grain, Metrics, Profile, Run, Settings, Tag, Variant, metrics};
use crate::figure::{Axis, Chart, Figure, Series, lines};
use crate::results::Results;
use layerwise::nn::{BuildModel, Init, Mlp, MlpConfig, SoftmaxCrossEntropy};
use layerwise::optim::Cosine;
use layerwise::tensor::Stream;
use layerwise::train::{Samples, Stop, Trainer};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "depth-vs-width",
    question: "With the same number of parameters, is a deeper network better than a wider one?",
    claim: "Where the input is composed of parts, a deep network needs fewer examples than a wide one. Where it is not, depth does not \
            help.",
    protocol: "Three tasks: a random hierarchy (8 classes, 8 symbols, 4 productions of 2 symbols, 3 levels; 16 384 strings of 8 \
               symbols, one-hot), labels of the same strings by a random linear teacher, and 10 000 digits (60 000 under full). ReLU \
               networks with He weights and 1 to 4 hidden layers of equal width, the width chosen such that each network has about \
               90 000 parameters; Adam at 0.001 with a cosine, batches of 128, the same number of epochs. Fresh test data: 8 192 \
               strings, the test images.",
    anchor: Anchor {
        text: "random hierarchy (8,4,2,3,8), 16 384 examples: error 8.4 % with 1 x 1200, 1.6 % with 3 x 256; a deep network needs about \
               n_c m^L examples, a shallow one exponentially many",
        source: "F. Cagnetta et al., How deep neural networks learn compositional data, PRX 14:031001, 2024; numbers recomputed",
        tag: Tag::R,
    },
    data: &[DIGITS],
    tour: true,
    seeds: [1, 3, 5],
    seconds: [6.0, 60.0, 1500.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion {
            id: "hierarchy-gain",
            statement: "on the random hierarchy the error with one hidden layer is more than 3 points above the error with three",
            threshold: 0.03,
            side: Side::Above,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "recomputed anchor: 8.4 % against 1.6 %",
            cause: "",
            estimate: |r| r.difference("hierarchy depth 1", "hierarchy depth 3", "error"),
        },
        Criterion {
            id: "hierarchy-best",
            statement: "on the random hierarchy the depth with the least mean error is at least 3",
            threshold: 3.0,
            side: Side::AtLeast,
            kind: Kind::Exact,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "three levels of composition",
            cause: "",
            estimate: |r| {
                let error =
                    |d: &usize| r.mean(&format!("hierarchy depth {d}"), "error").map_or(f64::INFINITY, |e| e.value);
                let best = DEPTHS.into_iter().min_by(|a, b| error(a).total_cmp(&error(b)))?;
                Some(Estimate::exact(best as f64))
            },
        },
        Criterion {
            id: "linear-control",
            statement: "with a linear teacher three hidden layers are less than 1 point better than one",
            threshold: 0.01,
            side: Side::Below,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "the control: without composition depth must not help",
            cause: "",
            estimate: |r| r.difference("teacher depth 1", "teacher depth 3", "error"),
        },
        Criterion {
            id: "mnist-gain",
            statement: "on MNIST, all 60 000 images, the error with three hidden layers is below the error with one",
            threshold: 0.0,
            side: Side::Above,
            kind: Kind::Interval,
            profile: Profile::Full,
            needs: Some("mnist"),
            published: None,
            source: "the claim; the paired difference over the seeds",
            cause: "",
            estimate: |r| r.difference("digits depth 1", "digits depth 3", "error"),
        },
    ],
    figures,
};

const DEPTHS: [usize; 4] = [1, 2, 3, 4];
const TASKS: [(&str, &str); 3] =
    [("hierarchy", "random hierarchy"), ("teacher", "linear teacher"), ("digits", "digits")];

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    depth: usize,
    budget: Budget,
    parameters: usize,
    examples: usize,
    epochs: usize,
    /// Seconds of training under `equal-time`.
    seconds: f64,
}

/// What is equal where networks of different depth are compared.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Budget {
    /// The width is chosen such that all have as many parameters; the same number of epochs.
    #[serde(rename = "equal-parameters")]
    Parameters,
    /// All have the width 256; as many epochs as give each the operations of one of equal parameters.
    #[serde(rename = "equal-flops")]
    Flops,
    /// All have the width 256 and train for the same time.
    #[serde(rename = "equal-time")]
    Time,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let full = s.profile == Profile::Full;
    let examples = |task: &str| match task {
        "digits" => s.profile.pick([2_000, 10_000, 60_000]),
        _ => s.profile.pick([2_048, 16_384, 16_384]),
    };
    let epochs = |task: &str| match task {
        "digits" => s.profile.pick([2, 6, 12]),
        "teacher" => s.profile.pick([2, 8, 30]),
        _ => s.profile.pick([3, 40, 60]),
    };
    let of = |task: &'static str| {
        let (examples, epochs) = (examples(task), epochs(task));
        // Digits at an equal, larger size under full: the first layer alone takes 784 weights a unit.
        let parameters = if task == "digits" && full { 200_000 } else { 90_000 };
        DEPTHS.map(|depth| {
            let (budget, seconds) = (Budget::Parameters, s.profile.pick([0.2, 4.0, 30.0]));
            Variant::new(
                format!("{task} depth {depth}"),
                Config { depth, budget, parameters, examples, epochs, seconds },
            )
        })
    };
    TASKS.iter().flat_map(|(task, _)| of(task)).collect()
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let config: Config = v.config()?;
    let stream = Stream::new(seed).child("depth-vs-width");
    let (train, test) = match v.name.split(' ').next() {
        Some("hierarchy") => {
            let rules = Hierarchy::new(&stream.child("rules"));
            (rules.draw(config.examples, &stream.child("train")), rules.draw(8_192, &stream.child("test")))
        }
        Some("teacher") => {
            let rules = Hierarchy::new(&stream.child("rules"));
            let draw = |n, part| by_teacher(rules.draw(n, &stream.child(part)), &stream.child("teacher"));
            (draw(config.examples, "train"), draw(8_192, "test"))
        }
        _ => {
            let digits = common::digits(run)?;
            (digits.train.head(config.examples), digits.test.clone())
        }
    };
    let net = match config.budget {
        Budget::Parameters => sized(train.cols(), train.classes, config.depth, config.parameters),
        _ => {
            let net = Mlp::builder(train.cols()).hidden(&vec![256; config.depth]).outputs(train.classes);
            net.init(Init::HE_NORMAL)
        }
    };
    let (mlp, mut params) = net.create(seed)?;
    let parameters = params.trainable().len();
    let epochs = match config.budget {
        Budget::Parameters => config.epochs,
        Budget::Flops => (config.epochs * config.parameters).div_ceil(parameters),
        // Time ends it; a schedule needs an end in sight, so the rate stays.
        Budget::Time => 100_000,
    };
    let steps = (epochs * train.rows().div_ceil(128)) as u64;
    let started = std::time::Instant::now();
    let mut trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).epochs(epochs).batch(128).seed(seed);
    if config.budget == Budget::Time {
        trainer = trainer.on_step(|_| match started.elapsed().as_secs_f64() < config.seconds {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(Stop::new("the time is over")),
        });
    }
    let samples = Samples::labels(train.x.view(), &train.y)?;
    let report = trainer.rate(1e-3).schedule(Cosine::new(steps, 0.0)).fit(&mut params, &samples)?;
    for e in &report.history.epochs {
        run.log(e.epoch as u64, &[("loss", e.loss)]);
    }
    let error = 1.0 - common::accuracy(&mlp, &params, test.x.view(), &test.y)?;
    let taken = report.history.epochs.last().map_or(0, |e| e.steps);
    Ok(metrics([
        ("error", error),
        ("width", net.hidden[0] as f64),
        ("parameters", parameters as f64),
        ("gflop", 6e-9 * parameters as f64 * 128.0 * taken as f64),
    ]))
}

/// A network of `depth` equal hidden layers with about `parameters` parameters.
fn sized(inputs: usize, outputs: usize, depth: usize, parameters: usize) -> MlpConfig {
    let count = |w: usize| (inputs + 1) * w + (depth - 1) * (w + 1) * w + (w + 1) * outputs;
    let width = (1..4096).take_while(|w| count(*w) <= parameters).last().unwrap_or(1);
    Mlp::builder(inputs).hidden(&vec![width; depth]).outputs(outputs).init(Init::HE_NORMAL)
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let series: Vec<Series> = TASKS
        .iter()
        .map(|(task, title)| {
            let x: Vec<f64> = DEPTHS.iter().map(|d| *d as f64).collect();
            let of = |d: &usize| r.values(&format!("{task} depth {d}"), "error");
            let seeds = DEPTHS.iter().map(|d| of(d).len()).min().unwrap_or(0);
            let curves: Vec<Vec<f64>> = (0..seeds).map(|s| DEPTHS.iter().map(|d| 100.0 * of(d)[s]).collect()).collect();
            Series::band(*title, curves.iter().map(|c| (&x[..], &c[..])))
        })
        .collect();
    let chart =
        Chart::new("Equal parameters", Axis::new("hidden layers"), Axis::new("test error (%), band: all seeds"));
    let caption = "Test error by depth at an equal number of parameters. Depth pays on the hierarchy, which is composed of parts; not \
                   under a linear teacher on the same strings.";
    Ok(vec![Figure::new("error-by-depth", caption, lines(&chart, &series))?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_of_equal_size() {
        for depth in DEPTHS {
            let (_, params) = sized(64, 8, depth, 90_000).create::<f32>(0).unwrap();
            let count = params.trainable().len();
            assert!((88_000..=90_000).contains(&count), "{depth}: {count}");
        }
    }
}
