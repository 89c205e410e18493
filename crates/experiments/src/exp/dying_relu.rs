//! Dead ReLU networks: how often a deep, narrow one is born dead, and how often training collapses to a constant.

use super::common;
use crate::criterion::{Criterion, Estimate, Kind, Side};
use crate::error::ExperimentError;
use crate::experiment::{Anchor, Experiment, Grain, Metrics, Profile, Run, Settings, Tag, Variant, metrics};
use crate::figure::{Axis, Chart, Figure, Series, bars, scatter};
use crate::results::Results;
use layerwise::nn::{Activation, BuildModel, Init, Mlp, MlpConfig, Mse};
use layerwise::optim::Adam;
use layerwise::tensor::Stream;
use layerwise::tensor::ndarray::Array2;
use layerwise::train::{Evaluator, Samples, TrainError, Trainer};
use serde::{Deserialize, Serialize};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "dying-relu",
    question: "How often is a deep, narrow ReLU network dead from the start, and which activations help?",
    claim: "Units of ReLU can get stuck at zero for ever; leaky ReLU, ELU and others with a slope everywhere do not.",
    protocol: "Born dead: networks of L layers of N ReLU units with He's weights and zero biases at one input; dead when the output is \
               exactly zero; 20 000 networks for each N and L over all seeds under quick. Collapse: |x| on 512 points of \
               [-sqrt 3, sqrt 3] by networks of 10 hidden layers of 2 units, He's weights, Adam at 0.001, batches of 64, 400 epochs; \
               collapsed when the outputs over the whole interval differ by less than 0.01. (A trial with 60 epochs counted half of the \
               leaky networks as collapsed: they are slow, not dead, so the budget was raised before the run that counts.)",
    anchor: Anchor {
        text: "a network dies at one input with probability 1 - (1 - 2^-N)^L: 0.944 for N = 2, L = 10",
        source: "L. Lu et al., Dying ReLU and initialization, 2019 (the formula follows from the symmetry of the weights)",
        tag: Tag::M,
    },
    data: &[],
    tour: false,
    seeds: [1, 3, 5],
    seconds: [5.0, 210.0, 600.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion {
            id: "formula",
            statement: "pooled over seeds, at most 2 % of the 120 shares (N = 1 to 6, L = 1 to 20) lie more than three standard errors \
                        from 1 - (1 - 2^-N)^L",
            threshold: 0.02,
            side: Side::AtMost,
            kind: Kind::Exact,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "of 120 shares 0.3 are expected there by chance, so not even one in fifty may be",
            cause: "",
            estimate: beyond_three_sigma,
        },
        Criterion {
            id: "two-by-ten",
            statement: "of networks with ten layers of two units the share that is born dead is within 0.01 of 0.944",
            threshold: 0.01,
            side: Side::AtMost,
            kind: Kind::Exact,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "1 - 0.75^10 = 0.9437; two standard errors of 20 000 draws are 0.003",
            cause: "",
            estimate: |r| {
                let dead = pooled(r, "N=2")?;
                Some(Estimate::exact((dead.get(9)?.0 - born_dead(2, 10)).abs()))
            },
        },
        Criterion {
            id: "relu-collapses",
            statement: "at least 85 % of the ReLU networks collapse to a constant",
            threshold: 0.85,
            side: Side::AtLeast,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "Lu et al. 2019 report more than 90 % (from memory); born dead are 94 % at each input",
            cause: "",
            estimate: |r| r.mean("relu", "collapsed"),
        },
        Criterion {
            id: "leaky-does-not",
            statement: "at most 20 % of the leaky ReLU networks do",
            threshold: 0.2,
            side: Side::AtMost,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "the suite's own bound",
            cause: "",
            estimate: |r| r.mean("leaky_relu", "collapsed"),
        },
    ],
    figures,
};

/// Most layers of a network that may be born dead.
const LAYERS: usize = 20;
/// Most units of its layers.
const UNITS: usize = 6;

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    activation: Activation,
    /// Units of a hidden layer.
    width: usize,
    /// Networks for each seed; with `epochs` 0 for each number of layers.
    networks: usize,
    /// 0: only looked at as they are born.
    epochs: usize,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let born = s.profile.pick([500, 6_667, 20_000]);
    let (trained, epochs) = (s.profile.pick([4, 50, 200]), s.profile.pick([10, 400, 1_000]));
    let mut all: Vec<Variant> = (1..=UNITS)
        .map(|width| {
            let config = Config { activation: Activation::RELU, width, networks: born, epochs: 0 };
            Variant::new(format!("N={width}"), config)
        })
        .collect();
    for (name, activation) in [
        ("relu", Activation::RELU),
        ("leaky_relu", Activation::LEAKY_RELU),
        ("elu", Activation::ELU),
        ("gelu", Activation::GELU),
        ("tanh", Activation::TANH),
    ] {
        all.push(Variant::new(name, Config { activation, width: 2, networks: trained, epochs }));
    }
    all
}

fn network(config: &Config, inputs: usize, layers: usize) -> MlpConfig {
    let net = Mlp::builder(inputs).hidden(&vec![config.width; layers]).outputs(1);
    net.activation(config.activation).init(Init::HE_NORMAL)
}

/// `1 - (1 - 2^-N)^L`: every layer is dead with probability `2^-N`, whatever lives before it.
fn born_dead(units: usize, layers: usize) -> f64 {
    1.0 - (1.0 - 0.5f64.powi(units as i32)).powi(layers as i32)
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let config: Config = v.config()?;
    let stream = Stream::new(seed).child("networks").child(&v.name);
    if config.epochs > 0 { collapsed(&config, &stream, run) } else { dead(&config, &stream, run) }
}

/// The share of networks whose output is exactly zero, for each number of layers.
fn dead(config: &Config, stream: &Stream, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let x = Array2::from_shape_vec((1, 2), vec![0.6f32, -0.8]).unwrap_or_default();
    let mut shares = Vec::with_capacity(LAYERS);
    let mut evaluator = Evaluator::new(1);
    for layers in 1..=LAYERS {
        let net = network(config, 2, layers);
        let mut dead = 0;
        for i in 0..config.networks {
            let (model, params) = net.create::<f32>(draw(stream, layers, i))?;
            dead += usize::from(evaluator.predict(&model, &params, x.view())[(0, 0)] == 0.0);
        }
        shares.push(dead as f64 / config.networks as f64);
    }
    run.curve("dead", (1..=LAYERS).map(|l| l as f64), shares.iter().copied());
    Ok(metrics([("dead_after_10", shares[9]), ("dead_after_20", shares[LAYERS - 1])]))
}

/// A seed for network `i` of `layers` layers.
fn draw(stream: &Stream, layers: usize, i: usize) -> u64 {
    let mut u = [0.0f64];
    stream.child("seed").at(layers as u64).uniform(i as u64, &mut u);
    (u[0] * 2f64.powi(52)) as u64
}

/// The share of networks that training leaves constant.
fn collapsed(config: &Config, stream: &Stream, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let end = 3f32.sqrt();
    let x = Array2::from_shape_fn((512, 1), |(i, _)| end * (2.0 * i as f32 / 511.0 - 1.0));
    let y = x.mapv(f32::abs);
    let samples = Samples::values(x.view(), y.view())?;
    let (mut constant, mut losses, mut diverged) = (0, Vec::new(), 0);
    for i in 0..config.networks {
        let (model, mut params) = network(config, 1, 10).create::<f32>(draw(stream, 10, i))?;
        let trainer = Trainer::new(&model, Mse).epochs(config.epochs).batch(64).seed(i as u64);
        match trainer.rule(Adam::default()).rate(1e-3).fit(&mut params, &samples) {
            Ok(report) => losses.push(report.history.losses().last().copied().unwrap_or(f64::NAN)),
            Err(TrainError::Diverged { .. }) => {
                diverged += 1;
                continue;
            }
            Err(e) => return Err(e.into()),
        }
        let out = Evaluator::new(512).predict(&model, &params, x.view());
        let (low, high) = out.iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
        constant += usize::from(high - low < 0.01);
    }
    losses.sort_by(f64::total_cmp);
    run.log(config.epochs as u64, &[("median_loss", losses.get(losses.len() / 2).copied().unwrap_or(f64::NAN))]);
    let share = |n: usize| n as f64 / config.networks as f64;
    let median = losses.get(losses.len() / 2).copied().unwrap_or(f64::NAN);
    Ok(metrics([("collapsed", share(constant)), ("diverged", share(diverged)), ("median_loss", median)]))
}

/// For each number of layers the share of dead networks over all seeds, and how many networks that is.
fn pooled(r: &Results, variant: &str) -> Option<Vec<(f64, f64)>> {
    let v = r.variant(variant)?;
    let curves = v.curves("dead");
    let each = v.config.get("networks")?.as_f64()?;
    let first = curves.first()?;
    let mean = |l: usize| curves.iter().map(|c| c.y[l]).sum::<f64>() / curves.len() as f64;
    Some((0..first.y.len()).map(|l| (mean(l), each * curves.len() as f64)).collect())
}

fn beyond_three_sigma(r: &Results) -> Option<Estimate> {
    let (mut beyond, mut all) = (0, 0);
    for units in 1..=UNITS {
        for (l, (share, n)) in pooled(r, &format!("N={units}"))?.into_iter().enumerate() {
            let p = born_dead(units, l + 1);
            all += 1;
            beyond += usize::from((share - p).abs() > 3.0 * (p * (1.0 - p) / n).sqrt());
        }
    }
    Some(Estimate::exact(f64::from(beyond as u32) / f64::from(all)))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let mut series = Vec::new();
    for units in 1..=UNITS {
        let name = format!("N={units}");
        let layers: Vec<f64> = (1..=LAYERS).map(|l| l as f64).collect();
        let formula: Vec<f64> = (1..=LAYERS).map(|l| 100.0 * born_dead(units, l)).collect();
        let shares = pooled(r, &name).unwrap_or_default();
        let shares: Vec<f64> = shares.into_iter().map(|(share, _)| 100.0 * share).collect();
        series.push(Series::new(name, &layers, &shares));
        series.push(Series::new("", &layers, &formula).dashed());
    }
    let born = Chart::new("Networks born dead", Axis::new("hidden layers"), Axis::new("dead at one input (%)"));
    let names: Vec<String> = ["relu", "leaky_relu", "elu", "gelu", "tanh"].map(String::from).into();
    let collapse: Vec<_> = names.iter().map(|n| vec![common::bar(r, n, "collapsed", 100.0)]).collect();
    let chart = Chart::new(
        "Collapse to a constant: |x|, 10 layers of 2 units",
        Axis::new("activation"),
        Axis::new("collapsed (%)"),
    );
    Ok(vec![
        Figure::new(
            "born-dead",
            "Share of ReLU networks with N units a layer whose output is exactly zero at one input; dashed: 1 - (1 - 2^-N)^L.",
            scatter(&born, &series),
        )?,
        Figure::new(
            "collapse",
            "Share of trained networks whose output is constant over the whole interval; mean over seeds with its 95 % interval.",
            bars(&chart, &names, &["collapsed".into()], &collapse),
        )?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example() {
        assert!((born_dead(2, 10) - 0.943_686_5).abs() < 1e-6);
        assert_eq!(born_dead(1, 1), 0.5);
    }
}
