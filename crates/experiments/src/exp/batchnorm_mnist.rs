//! Batch normalisation in full: speed, end, drift of what layers see, the largest rate that still learns, and the scale of the first weights.

use super::normalisation::binary;
use super::prelude::*;

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "batchnorm-mnist",
    question: "What does batch normalisation change: speed, end, stability of what layers see, and how careful one has to be?",
    claim: "Batch normalisation makes training faster and the result better, allows larger rates and forgives bad initialisation.",
    protocol: "784-100-100-100-10, sigmoid, binary input, weights N(0, 0.1^2), SGD at 0.5, batches of 60, 10 000 steps (50 000 under \
               full): plain and batch norm, test accuracy at 20 places; the 15th, 50th and 85th percentile over 300 test images of the \
               input to one sigmoid of the last hidden layer there. Rates: 0.01 to 100 in steps of about 3, 500 steps each; the largest \
               whose training loss over the last 100 steps is below half of its start (chance), for plain, batch and layer norm. Scales: \
               weights N(0, s^2), s from 0.01 to 3, 500 steps at rate 0.5; spread of the log10 loss over them.",
    anchor: Anchor {
        text: "Fig. 1: batch norm rises faster and ends higher, percentiles stay flat; reproductions with SGD 0.5 and 50 000 steps: 0.9800 \
               against 0.9769",
        source: "S. Ioffe and C. Szegedy, ICML 2015; independent reproductions",
        tag: Tag::V2,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 5, 5],
    seconds: [6.0, 170.0, 700.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::interval("accuracy", "with batch norm the final test accuracy is at least 97.4 %", Side::AtLeast, 0.974, |r| {
            r.mean("batch", "accuracy")
        })
        .on("mnist")
        .published(0.98, "reproductions, 50 000 steps", Tag::V2)
        .from("reproductions at 50 000 steps, less 0.6 points"),
        Criterion::interval("ahead", "it is above the plain network's", Side::Above, 0.0, |r| {
            r.difference("batch", "plain", "accuracy")
        })
        .on("mnist")
        .published(0.0031, "reproductions, 50 000 steps", Tag::V2)
        .from("Ioffe and Szegedy 2015, Fig. 1"),
        Criterion::interval("steps", "90 % are reached in at most a third of the plain network's steps", Side::AtMost, 1.0 / 3.0, |r| {
            common::paired(r, ("batch", "steps_to_90"), ("plain", "steps_to_90"), |a, b| a / b)
        })
        .from("Ioffe and Szegedy 2015, Fig. 1"),
        Criterion::interval(
            "drift",
            "the median of a last-layer input moves over training by at most a third of what it does in the plain network",
            Side::AtMost,
            1.0 / 3.0,
            |r| common::paired(r, ("batch", "drift"), ("plain", "drift"), |a, b| a / b),
        )
        .from("Ioffe and Szegedy 2015, Figs. 1b and 1c; the suite's factor")
        .because("probably that the median of one unit is a noisy thing: the seeds lie far apart"),
        Criterion::interval("rate", "the largest rate that learns is higher with batch norm by a factor of 3 or more", Side::AtLeast, 3.0, |r| {
            common::paired(r, ("rates batch", "largest"), ("rates plain", "largest"), |a, b| a / b)
        })
        .from("Ioffe and Szegedy 2015, section 3.3: much higher rates"),
        Criterion::interval(
            "scales",
            "over the scales of the first weights the log10 loss spreads less with batch norm (difference of standard deviations)",
            Side::Below,
            0.0,
            |r| common::paired(r, ("scales batch", "spread"), ("scales plain", "spread"), |a, b| a - b),
        )
        .from("Ioffe and Szegedy 2015: less careful about initialisation"),
    ],
    figures,
};

const RATES: [f64; 9] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0];
const SCALES: [f64; 6] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0];

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    norm: Norm,
    steps: u64,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let (long, short) = (s.profile.pick([200, 10_000, 50_000]), s.profile.pick([50, 500, 1_000]));
    let norms = [("plain", Norm::None), ("batch", Norm::Batch), ("layer", Norm::Layer)];
    let mut all: Vec<Variant> =
        norms[..2].iter().map(|(name, norm)| Variant::new(*name, Config { norm: *norm, steps: long })).collect();
    for kind in ["rates", "scales"] {
        all.extend(norms.map(|(name, norm)| Variant::new(format!("{kind} {name}"), Config { norm, steps: short })));
    }
    all
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let c: Config = v.config()?;
    let digits = common::digits(run)?;
    let train = binary(&digits.train);
    let at = |rate: f64, std: f64, steps: u64| -> Result<(Learning, Mlp, Params<f32>), ExperimentError> {
        let epochs = (steps as usize).div_ceil(train.rows().div_ceil(60));
        let learning = Learning {
            activation: Activation::SIGMOID,
            init: Init::NORMAL.with("std", std)?,
            norm: c.norm,
            rule: sgd(),
            rate,
            batch: 60,
            ..Learning::new(&[100; 3], epochs, train.rows())
        };
        let (mlp, params) = learning.network(train.cols(), 10).create::<f32>(seed)?;
        Ok((learning, mlp, params))
    };
    match v.name.split_once(' ') {
        None => course(&c, at(0.5, 0.1, c.steps)?, &train, &binary(&digits.test), seed, run),
        Some((kind, _)) => {
            let grid: &[f64] = if kind == "rates" { &RATES } else { &SCALES };
            let mut ends = Vec::new();
            for value in grid {
                let (rate, std) = if kind == "rates" { (*value, 0.1) } else { (0.5, *value) };
                let (learning, mlp, params) = at(rate, std, c.steps)?;
                ends.push(end(&learning, mlp, params, &train.head(60 * c.steps as usize), seed)?);
            }
            run.curve(kind, grid.iter().copied(), ends.iter().copied());
            let largest =
                grid.iter().zip(&ends).filter(|(_, e)| **e < 0.5 * 10f64.ln()).map(|(g, _)| *g).fold(0.0, f64::max);
            let logs: Vec<f64> = ends.iter().map(|e| e.log10()).collect();
            let largest = if largest > 0.0 { largest } else { grid[0] / 3.0 };
            Ok(metrics([("largest", largest), ("spread", stats::std(&logs))]))
        }
    }
}

/// Mean loss over the last fifth of one pass.
fn end(
    learning: &Learning,
    mlp: Mlp,
    params: Params<f32>,
    train: &Labelled<f32>,
    seed: u64,
) -> Result<f64, ExperimentError> {
    let mut losses = Vec::new();
    let one = Learning { epochs: 1, ..learning.clone() };
    let learned = one.watch(mlp, params, train, seed, |s| losses.push(s.loss))?;
    let tail = &losses[losses.len() * 4 / 5..];
    let mean = stats::mean(tail);
    // A loss above ten times chance says no more than that it does not learn.
    Ok(if learned.diverged || !mean.is_finite() { 23.0 } else { mean.min(23.0) })
}

fn course(
    c: &Config,
    (learning, mlp, params): (Learning, Mlp, Params<f32>),
    train: &Labelled<f32>,
    test: &Labelled<f32>,
    seed: u64,
    run: &mut Run<'_>,
) -> Result<Metrics, ExperimentError> {
    let every = (c.steps / 20).max(1);
    let eye = mlp.clone();
    let view = test.x.slice(s![..300, ..]);
    let (mut places, mut accuracies) = (Vec::new(), Vec::new());
    let mut percentiles: [Vec<f64>; 3] = Default::default();
    let mut reached = None;
    let learned = learning.watch(mlp, params, train, seed, |s| {
        let step = s.step + 1;
        let early = step.is_multiple_of(50) && reached.is_none();
        if !(step.is_multiple_of(every) || early || step == 1) {
            return;
        }
        let accuracy = common::accuracy(&eye, s.params, test.x.view(), &test.y).unwrap_or(0.0);
        if accuracy >= 0.9 && reached.is_none() {
            reached = Some(step);
        }
        if step.is_multiple_of(every) || step == 1 {
            places.push(step as f64);
            accuracies.push(100.0 * accuracy);
            // The sigmoid undone: the input to the first unit of the last hidden layer.
            let hidden = common::hidden(&eye, s.params, view);
            let inputs: Vec<f64> =
                hidden[2].column(0).iter().map(|h| f64::from(*h)).map(|h| (h / (1.0 - h)).ln()).collect();
            for (p, q) in percentiles.iter_mut().zip([0.15, 0.5, 0.85]) {
                p.push(stats::quantile(&inputs, q));
            }
        }
    })?;
    run.curve("accuracy", places.iter().copied(), accuracies.iter().copied());
    for (name, p) in ["15 %", "50 %", "85 %"].iter().zip(&percentiles) {
        run.curve(name, places.iter().copied(), p.iter().copied());
    }
    let (low, high) =
        percentiles[1].iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    Ok(metrics([
        ("accuracy", 1.0 - learned.error(test)?),
        ("steps_to_90", reached.unwrap_or(c.steps) as f64),
        ("drift", high - low),
    ]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let accuracy = Chart::new("Test accuracy", Axis::new("step"), Axis::new("test accuracy (%)").range(0.0, 100.0));
    let drift = Chart::new("Input to a sigmoid of the last hidden layer", Axis::new("step"), Axis::new("input"));
    let rates = Chart::new("After 500 steps by rate", Axis::new("rate").log(), Axis::new("training loss (nats)").log());
    let scales = Chart::new(
        "After 500 steps by scale of the first weights",
        Axis::new("standard deviation of the weights").log(),
        Axis::new("training loss (nats)").log(),
    );
    let mut percentiles = Vec::new();
    for name in ["plain", "batch"] {
        for part in ["15 %", "50 %", "85 %"] {
            if let Some(c) = r.variant(name).and_then(|v| v.first()).and_then(|o| o.curves.get(part)) {
                let series = Series::new(format!("{name} {part}"), &c.x, &c.y);
                percentiles.push(if name == "plain" { series.dashed() } else { series });
            }
        }
    }
    Ok(vec![
        Figure::new(
            "accuracy",
            "Test accuracy in training; bands over all seeds.",
            lines(&accuracy, &common::bands(r, "accuracy", |_| true)),
        )?,
        Figure::new(
            "drift",
            "Percentiles over 300 images of what one sigmoid of the last hidden layer is given, first seed; dashed: without norm.",
            lines(&drift, &percentiles),
        )?,
        Figure::new(
            "rates",
            "Training loss over the last 100 of 500 steps, by rate; bands over all seeds. Chance is 2.30.",
            lines(&rates, &common::bands(r, "rates", |_| true)),
        )?,
        Figure::new(
            "scales",
            "The same by the scale of the first weights, at rate 0.5.",
            lines(&scales, &common::bands(r, "scales", |_| true)),
        )?,
    ])
}
