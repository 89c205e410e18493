//! How sensitive training is to the scale of the first weights, and what orthogonal weights do for depth.

use super::prelude::*;
use super::shapes::curves;
use layerwise::nn::{Lsuv, Mse, lsuv};
use layerwise::optim::{OptimizerConfig, Sgd, Sutskever};
use layerwise::train::TrainError;
use std::ops::ControlFlow;

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "init-scale",
    question: "How much does the scale of the first weights matter, and which drawing makes depth harmless?",
    claim: "Signals must stay in the middle of their range: weights are to be scaled by the number of inputs.",
    protocol: "Scale: the CURVES autoencoder 784-400-200-100-50-25-6 and back, sigmoid, linear code, sparse weights (15 a unit, N(0, 1)) \
               times 0.25 to 4, Nesterov's momentum rising to 0.99, rate 0.01 on the summed squared error, batches of 200, 20 epochs of \
               4 000 curves drawn by program (100 of 20 000 under full). Depth: linear networks of width 64 and 2 to 50 layers that \
               learn a random orthogonal map from 128 white inputs by SGD, the best of five rates; steps until the loss is a hundredth \
               of its start, orthogonal against Gaussian weights of the same variance. LSUV: 784-10x256-10 tanh on 512 digits.",
    anchor: Anchor {
        text: "training error of the CURVES autoencoder by scale 0.25 / 0.5 / 1 / 2 / 4: 16 / 16 / 0.074 / 0.083 / 0.35; orthogonal deep \
               linear networks learn in a time that does not depend on depth",
        source: "I. Sutskever et al., ICML 2013, Table 3; A. Saxe et al., ICLR 2014 (from memory)",
        tag: Tag::V,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 3, 5],
    seconds: [10.0, 240.0, 3600.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::interval(
            "half-is-worse",
            "at half the scale the training error is at least twice that at the full one",
            Side::AtLeast,
            2.0,
            |r| common::paired(r, ("curves x0.5", "error"), ("curves x1", "error"), |a, b| a / b),
        )
        .published(216.0, "16 / 0.074, 750 000 updates", Tag::V)
        .from("Sutskever et al. 2013: it stalls at the mean image")
        .because("probably the budget: in the 400 updates of the quick profile the smaller scales all stop at one error, that of an output \
                  which does not depend on the input, and the larger ones come down towards it from above; 750 000 are published."),
        Criterion::exact(
            "u-shape",
            "the mean error is least at scale 1 or 2 (estimate: the best scale; 1.5 within 0.5)",
            Side::AtMost,
            0.5,
            |r| {
                let error = |s: &&str| r.mean(&format!("curves x{s}"), "error").map_or(f64::INFINITY, |e| e.value);
                let best: f64 = SCALES.iter().min_by(|a, b| error(a).total_cmp(&error(b)))?.parse().ok()?;
                Some(Estimate::exact((best - 1.5).abs()))
            },
        )
        .from("Sutskever et al. 2013, Table 3")
        .because("probably the budget, as above: so early a smaller scale is closer to the mean image."),
        Criterion::interval(
            "orthogonal-flat",
            "orthogonal weights: over depths 2 to 50 the steps vary by less than a factor of 2",
            Side::Below,
            2.0,
            |r| r.mean("depth orthogonal", "spread"),
        )
        .from("Saxe et al. 2014")
        .because("from 10 layers on the steps hardly grow; it is networks of 2 and of 5 layers that need fewer, and the claim is of the limit of \
                  small rates and many layers."),
        Criterion::interval(
            "gaussian-steep",
            "Gaussian weights: they vary by more than a factor of 5, or the deepest does not get there",
            Side::Above,
            5.0,
            |r| r.mean("depth gaussian", "spread"),
        )
        .from("Saxe et al. 2014"),
        Criterion::exact(
            "lsuv",
            "LSUV: every layer's output has variance 1 within 0.1 after at most 10 scalings (estimate: largest distance)",
            Side::AtMost,
            0.1,
            |r| r.largest(&["lsuv"], "off"),
        )
        .from("Mishkin and Matas 2016"),
        Criterion::exact("lsuv-tries", "and no layer needs more than 10 scalings", Side::AtMost, 10.0, |r| {
            r.largest(&["lsuv"], "scalings")
        })
        .from("Mishkin and Matas 2016"),
    ],
    figures,
};

const SCALES: [&str; 5] = ["0.25", "0.5", "1", "2", "4"];
const DEPTHS: [usize; 6] = [2, 5, 10, 20, 35, 50];

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    init: Init,
    examples: usize,
    epochs: usize,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let (examples, epochs) = (s.profile.pick([400, 4_000, 20_000]), s.profile.pick([1, 20, 100]));
    let mut all: Vec<Variant> = SCALES
        .iter()
        .map(|scale| {
            let init = Init::SPARSE.with("std", scale.parse().unwrap_or(1.0)).unwrap_or(Init::SPARSE);
            Variant::new(format!("curves x{scale}"), Config { init, examples, epochs })
        })
        .collect();
    let steps = s.profile.pick([50, 2_000, 5_000]);
    all.push(Variant::new("depth orthogonal", Config { init: Init::ORTHOGONAL, examples: 128, epochs: steps }));
    all.push(Variant::new("depth gaussian", Config { init: Init::LECUN_NORMAL, examples: 128, epochs: steps }));
    all.push(Variant::new("lsuv", Config { init: Init::LECUN_NORMAL, examples: 512, epochs: 0 }));
    all
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let config: Config = v.config()?;
    match v.name.split(' ').next() {
        Some("curves") => autoencoder(&config, seed, run),
        Some("depth") => depths(&config, seed, run),
        _ => unit_variance(&config, seed, run),
    }
}

fn autoencoder(config: &Config, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let x = curves(config.examples, &Stream::new(seed).child("curves"));
    let net = pictures(&[400, 200, 100, 50, 25], 6, Activation::SIGMOID, config.init);
    // The published rate is for the sum over pixels; the loss here is the mean.
    let optimizer = OptimizerConfig::new(Sgd::default().nesterov(0.5)).rate(0.01 * x.ncols() as f64);
    let optimizer = optimizer.schedule(Sutskever::new(100, 0.99));
    let rebuilder = Rebuilding { optimizer, epochs: config.epochs, batch: 200 }.learn(&net, x.view(), seed)?;
    rebuilder.draw("error", run);
    let diverged = rebuilder.diverged;
    // Where it diverges, an error of one for each pixel counts.
    let last = rebuilder.errors.last().copied().filter(|_| !diverged).unwrap_or(x.ncols() as f64);
    Ok(metrics([("error", last), ("diverged", f64::from(u8::from(diverged)))]))
}

/// Steps until the loss is a hundredth, for each depth at its best rate.
fn depths(config: &Config, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    const WIDTH: usize = 64;
    let stream = Stream::new(seed).child("depth");
    let mut values = vec![0.0f32; config.examples * WIDTH];
    stream.child("x").normal(0, &mut values);
    let x = Array2::from_shape_vec((config.examples, WIDTH), values).unwrap_or_default();
    let mut steps = Vec::new();
    let map = Mlp::builder(WIDTH).outputs(WIDTH).bias(false).init(Init::ORTHOGONAL).create::<f32>(seed + 1_000)?;
    let y = predict(&map.0, &map.1, x.view(), 512);
    let samples = Samples::values(x.view(), y.view())?;
    for depth in DEPTHS {
        let net = Mlp::builder(WIDTH).hidden(&[WIDTH; 50][..depth - 1]).outputs(WIDTH).activation(Activation::IDENTITY);
        let (mlp, born) = net.bias(false).init(config.init).create::<f32>(seed)?;
        let mut fewest = config.epochs;
        for rate in [1.0, 0.3, 0.1, 0.03, 0.01] {
            let mut params = born.clone();
            // The loss is a mean over outputs, too: rates by output and by layer.
            let rate = rate * WIDTH as f64 / depth as f64;
            let (mut start, mut reached) = (f64::NAN, None);
            let fit = Trainer::new(&mlp, Mse)
                .epochs(fewest)
                .batch(config.examples)
                .optimizer(OptimizerConfig::new(Sgd::default()).rate(rate))
                .on_step(|s| {
                    if s.step == 0 {
                        start = s.loss;
                    }
                    if s.loss < 0.01 * start {
                        reached = Some(s.step as usize);
                        return ControlFlow::Break(layerwise::train::Stop::new("a hundredth"));
                    }
                    ControlFlow::Continue(())
                })
                .fit(&mut params, &samples);
            match fit {
                Ok(_) | Err(TrainError::Diverged { .. }) => {}
                Err(e) => return Err(e.into()),
            }
            fewest = reached.map_or(fewest, |r| r.max(1));
        }
        steps.push(fewest as f64);
    }
    run.curve("steps", DEPTHS.iter().map(|d| *d as f64), steps.iter().copied());
    let (least, most) = steps.iter().fold((f64::INFINITY, 0.0f64), |(l, m), s| (l.min(*s), m.max(*s)));
    Ok(metrics([("spread", most / least), ("steps_2", steps[0]), ("steps_50", steps[DEPTHS.len() - 1])]))
}

fn unit_variance(config: &Config, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let digits = common::digits(run)?;
    let net = Mlp::builder(digits.train.cols()).hidden(&[256; 10]).outputs(10).activation(Activation::TANH);
    let (mlp, mut params) = net.init(config.init).create::<f32>(seed)?;
    let x = digits.train.x.slice(s![..config.examples, ..]);
    let report = lsuv(&mlp, &mut params, x, &Stream::new(seed).child("lsuv"), &Lsuv::new());
    let off = report.layers.iter().map(|l| (l.after - 1.0).abs()).fold(0.0, f64::max);
    let scalings = report.layers.iter().map(|l| l.scalings).max().unwrap_or(0);
    Ok(metrics([("off", off), ("scalings", scalings as f64)]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let error = Chart::new(
        "CURVES by scale of the first weights",
        Axis::new("epoch"),
        Axis::new("squared error, sum over pixels").log(),
    );
    let steps =
        Chart::new("Deep linear networks", Axis::new("layers"), Axis::new("steps to a hundredth of the loss").log());
    Ok(vec![
        Figure::new(
            "scale",
            "Training error of the CURVES autoencoder by epoch; bands over all seeds. Small weights leave it at the mean image.",
            lines(&error, &common::bands(r, "error", |v| v.name.starts_with("curves"))),
        )?,
        Figure::new(
            "depth",
            "Steps until the loss is a hundredth of its start, each depth at the best of five rates; bands over all seeds.",
            lines(&steps, &common::bands(r, "steps", |v| v.name.starts_with("depth"))),
        )?,
    ])
}
