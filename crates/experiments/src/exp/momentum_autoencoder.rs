//! Momentum on a deep autoencoder: how much, of which kind, and a last phase with less.

use super::prelude::*;
use super::shapes::curves;
use layerwise::optim::{OptimizerConfig, Sequential, Sgd, Sutskever};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "momentum-autoencoder",
    question: "How much does momentum speed up a deep autoencoder, and is Nesterov's better?",
    claim: "Momentum speeds up gradient descent where the curvature differs much between directions.",
    protocol: "CURVES autoencoder 784-400-200-100-50-25-6 and back, sigmoid, linear code, sparse weights, batches of 200, 30 epochs of 4 \
               000 curves drawn by program under quick, 100 of 20 000 under full: no momentum, heavy ball and Nesterov rising to 0.9, \
               0.99 (and 0.995 under full) in steps of 100 (250); rate among 0.05, 0.01 and 0.002 (for the summed squared error) by \
               the training error after a fifth of the epochs. With Nesterov to 0.99 also once with the last tenth of the training at \
               momentum 0.9. Under full the same on MNIST, 784-1000-500-250-30, 10 epochs.",
    anchor: Anchor {
        text: "CURVES, training error: SGD 0.48; .9N 0.16, .99N 0.096, .995N 0.091; .9M 0.15, .99M 0.10, .995M 0.10; MNIST: SGD 2.1, \
               .9N 1.0, .99N 0.73",
        source: "I. Sutskever et al., ICML 2013, Table 1 (750 000 updates)",
        tag: Tag::V,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 3, 3],
    seconds: [10.0, 200.0, 3600.0],
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
        .from("Sutskever et al. 2013, Table 1; the suite's factor")
        .because("probably the budget: 600 updates in the quick profile against 750 000; no rule has come far below the mean image."),
        Criterion::interval(
            "nesterov",
            "at 0.99 Nesterov's error is not above the heavy ball's",
            Side::AtMost,
            0.0,
            |r| r.difference("curves .99N", "curves .99M", "error"),
        )
        .published(-0.004, "0.096 less 0.10", Tag::V)
        .from("Sutskever et al. 2013, Table 1")
        .because("probably the budget, as above: so early the rules differ by less than the seeds."),
        Criterion::interval("last-phase", "less momentum in the last tenth lowers the error", Side::Below, 0.0, |r| {
            r.difference("curves .99N, then .9", "curves .99N", "error")
        })
        .published(-0.022, "0.096 to 0.074, Table 2", Tag::V)
        .from("Sutskever et al. 2013, Table 2")
        .because("probably the budget: a last phase refines what is nearly learnt, and after 600 updates nothing is."),
    ],
    figures,
};

const BATCH: usize = 200;

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
    let (epochs, examples) = (s.profile.pick([1, 30, 100]), s.profile.pick([400, 4_000, 20_000]));
    let mut all: Vec<Variant> = RULES.map(|rule| of(rule, "curves", epochs, examples)).into();
    if s.profile == Profile::Full {
        let more = [(".995M", 0.995, false, false), (".995N", 0.995, true, false)];
        all.extend(more.map(|rule| of(rule, "curves", epochs, examples)));
        all.extend(RULES.map(|rule| of(rule, "digits", 10, 60_000)));
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
    let net = pictures(hidden, code, Activation::SIGMOID, Init::SPARSE);
    // The rate by a look at a part of the training.
    let part = (c.epochs / 5).max(1);
    let mut best = (f64::INFINITY, c.rates[0]);
    for rate in &c.rates {
        let trial = rebuilding(&c, *rate, part, x.nrows()).learn(&net, x.view(), seed)?;
        let error = if trial.diverged { f64::INFINITY } else { trial.error(x.view())? };
        run.log(part as u64, &[("rate", *rate), ("error", error)]);
        if error < best.0 {
            best = (error, *rate);
        }
    }
    let (_, rate) = best;
    let rebuilder = rebuilding(&c, rate, c.epochs, x.nrows()).learn(&net, x.view(), seed)?;
    rebuilder.draw(if on_curves { "curves" } else { "digits" }, run);
    // Where it diverges, an error of one for each pixel counts.
    let error = if rebuilder.diverged { x.ncols() as f64 } else { rebuilder.error(x.view())? };
    Ok(metrics([("error", error), ("rate", rate)]))
}

/// `epochs` of the variant's rule; its last phase is of these epochs.
fn rebuilding(c: &Config, rate: f64, epochs: usize, rows: usize) -> Rebuilding {
    // Where there is momentum the schedule sets it from the first step on.
    let first = if c.momentum > 0.0 { 0.5 } else { 0.0 };
    let rule = if c.nesterov { Sgd::default().nesterov(first) } else { Sgd::default().momentum(first) };
    // The rates are for the sum over pixels; the loss here is the mean.
    let mut optimizer = OptimizerConfig::new(rule).rate(784.0 * rate);
    if c.momentum > 0.0 {
        let rising = Sutskever::new(c.every, c.momentum);
        let steps = (epochs * rows.div_ceil(BATCH)) as u64;
        let phases = Sequential::new(rising).then(steps * 9 / 10, Sutskever::new(1, 0.9));
        optimizer = if c.last { optimizer.schedule(phases) } else { optimizer.schedule(rising) };
    }
    Rebuilding { optimizer, epochs, batch: BATCH }
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
            "{title}: training error by epoch, each rule at the best of three rates by a first look; M: heavy ball, N: Nesterov; bands over all seeds."
        );
        all.push(Figure::new(curve, caption, lines(&chart, &series))?);
    }
    Ok(all)
}
