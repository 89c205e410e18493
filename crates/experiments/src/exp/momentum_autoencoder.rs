//! Momentum on a deep autoencoder: how much, of which kind, and a last phase with less.

use super::prelude::*;
use super::shapes::curves;
use layerwise::autoencoder::AutoencoderConfig;
use layerwise::nn::Mse;
use layerwise::optim::{OptimizerConfig, Sequential, Sgd, Sutskever};
use layerwise::train::TrainError;
use std::ops::ControlFlow;

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "momentum-autoencoder",
    question: "How much does momentum speed up a deep autoencoder, and is Nesterov's better?",
    claim: "Momentum speeds up gradient descent where the curvature differs much between directions.",
    protocol: "CURVES autoencoder 784-400-200-100-50-25-6 and back, sigmoid, linear code, sparse weights, batches of 200, 30 epochs of 4 \
               000 curves drawn by program under quick, 200 of 20 000 under full: no momentum, heavy ball and Nesterov rising to 0.9, \
               0.99 (and 0.995 under full) in steps of 100 (250); rate the best of 0.05, 0.01 and 0.002 (for the summed squared error) \
               by the training error. With Nesterov to 0.99 also once with the last tenth of the training at momentum 0.9. Under full \
               the same on MNIST, 784-1000-500-250-30, 40 epochs.",
    anchor: Anchor {
        text: "CURVES, training error: SGD 0.48; .9N 0.16, .99N 0.096, .995N 0.091; .9M 0.15, .99M 0.10, .995M 0.10; MNIST: SGD 2.1, \
               .9N 1.0, .99N 0.73",
        source: "I. Sutskever et al., ICML 2013, Table 1 (750 000 updates)",
        tag: Tag::V,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 3, 3],
    seconds: [10.0, 300.0, 9000.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::interval(
            "faster",
            "without momentum the training error is at least twice that with the best",
            Side::AtLeast,
            2.0,
            |r| {
                let best = |s: usize| {
                    RULES[1..5]
                        .iter()
                        .filter_map(|n| r.values(&format!("curves {}", n.0), "error").get(s).copied())
                        .fold(f64::INFINITY, f64::min)
                };
                let plain = r.values("curves sgd", "error");
                estimate(&plain.iter().enumerate().map(|(s, e)| e / best(s)).collect::<Vec<_>>())
            },
        )
        .published(6.5, "0.48 / 0.074", Tag::V)
        .from("Sutskever et al. 2013, Table 1; the suite's factor"),
        Criterion::interval(
            "nesterov",
            "at 0.99 Nesterov's error is not above the heavy ball's",
            Side::AtMost,
            0.0,
            |r| r.difference("curves .99N", "curves .99M", "error"),
        )
        .published(-0.004, "0.096 less 0.10", Tag::V)
        .from("Sutskever et al. 2013, Table 1"),
        Criterion::interval("last-phase", "less momentum in the last tenth lowers the error", Side::Below, 0.0, |r| {
            r.difference("curves .99N, then .9", "curves .99N", "error")
        })
        .published(-0.022, "0.096 to 0.074, Table 2", Tag::V)
        .from("Sutskever et al. 2013, Table 2"),
    ],
    figures,
};

/// Name, largest momentum, Nesterov, a last phase at 0.9.
const RULES: [(&str, f64, bool, bool); 6] = [
    ("sgd", 0.0, false, false),
    (".9M", 0.9, false, false),
    (".99M", 0.99, false, false),
    (".9N", 0.9, true, false),
    (".99N", 0.99, true, false),
    (".99N, then .9", 0.99, true, true),
];

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    momentum: f64,
    nesterov: bool,
    last: bool,
    rates: Vec<f64>,
    every: u64,
    examples: usize,
    epochs: usize,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let of = |(name, momentum, nesterov, last): (&str, f64, bool, bool), task: &str, epochs, examples| {
        let rates = vec![0.05, 0.01, 0.002];
        let every = s.profile.pick([5, 100, 250]);
        let config = Config { momentum, nesterov, last, rates, every, examples, epochs };
        Variant::new(format!("{task} {name}"), config)
    };
    let (epochs, examples) = (s.profile.pick([1, 30, 200]), s.profile.pick([400, 4_000, 20_000]));
    let mut all: Vec<Variant> = RULES.map(|rule| of(rule, "curves", epochs, examples)).into();
    if s.profile == Profile::Full {
        let more = [(".995M", 0.995, false, false), (".995N", 0.995, true, false)];
        all.extend(more.map(|rule| of(rule, "curves", epochs, examples)));
        all.extend(RULES.map(|rule| of(rule, "digits", 40, 60_000)));
    }
    all
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let c: Config = v.config()?;
    let on_curves = v.name.starts_with("curves");
    let (x, hidden, code): (Array2<f32>, &[usize], usize) = if on_curves {
        (curves(c.examples, &Stream::new(seed).child("curves")), &[400, 200, 100, 50, 25], 6)
    } else {
        (common::digits(run)?.train.head(c.examples).x, &[1000, 500, 250], 30)
    };
    let net = AutoencoderConfig::new(x.ncols(), code)
        .hidden(hidden)
        .activation(Activation::SIGMOID)
        .output_activation(Activation::SIGMOID)
        .init(Init::SPARSE);
    let pixels = x.ncols() as f64;
    let steps = (c.epochs * x.nrows().div_ceil(200)) as u64;
    let mut best: Option<(f64, f64, Vec<f64>)> = None;
    for rate in &c.rates {
        let (model, mut params) = net.create::<f32>(seed)?;
        // Where there is momentum the schedule sets it from the first step on.
        let first = if c.momentum > 0.0 { 0.5 } else { 0.0 };
        let rule = if c.nesterov { Sgd::default().nesterov(first) } else { Sgd::default().momentum(first) };
        let mut optimizer = OptimizerConfig::new(rule).rate(rate * pixels);
        if c.last {
            let tail = Sutskever::new(1, 0.9);
            optimizer =
                optimizer.schedule(Sequential::new(Sutskever::new(c.every, c.momentum)).then(steps * 9 / 10, tail));
        } else if c.momentum > 0.0 {
            optimizer = optimizer.schedule(Sutskever::new(c.every, c.momentum));
        }
        let mut errors = Vec::new();
        let fit = Trainer::new(&model, Mse)
            .epochs(c.epochs)
            .batch(200)
            .seed(seed)
            .optimizer(optimizer)
            .on_epoch(|e| {
                errors.push(pixels * e.record.loss);
                ControlFlow::Continue(())
            })
            .fit(&mut params, &Samples::reconstruct(x.view())?);
        match fit {
            Ok(_) => {}
            Err(TrainError::Diverged { .. }) => continue,
            Err(e) => return Err(e.into()),
        }
        let end = pixels * evaluate(&model, &Mse, &params, &Samples::reconstruct(x.view())?, 500);
        run.log(c.epochs as u64, &[("rate", *rate), ("error", end)]);
        if best.as_ref().is_none_or(|b| end < b.0) {
            best = Some((end, *rate, errors));
        }
    }
    let (error, rate, errors) = best.ok_or_else(|| ExperimentError::Training("every rate diverged".into()))?;
    let curve = if on_curves { "curves" } else { "digits" };
    run.curve(curve, (1..=errors.len()).map(|e| e as f64), errors);
    Ok(metrics([("error", error), ("rate", rate)]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let mut all = Vec::new();
    for (curve, title) in [("curves", "CURVES"), ("digits", "Digits")] {
        let series = common::bands(r, curve, |_| true);
        if series.is_empty() {
            continue;
        }
        let chart = Chart::new(title, Axis::new("epoch"), Axis::new("training error, sum over pixels").log());
        let caption = format!(
            "{title}: training error by epoch, each rule at the best of three rates; M: heavy ball, N: Nesterov; bands over all seeds."
        );
        all.push(Figure::new(curve, caption, lines(&chart, &series))?);
    }
    Ok(all)
}
