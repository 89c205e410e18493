//! Gradient clipping at cliffs.

use super::prelude::*;
use layerwise::optim::{Clip, OptimizerConfig, Sgd};
use layerwise::tensor::{Gradients, Layout, ParamKind};
use layerwise::train::TrainError;
use std::ops::ControlFlow;

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "gradient-clipping",
    question: "Does clipping the gradient's norm keep training from being thrown off?",
    claim: "Exploding gradients throw training off; clipping the norm keeps the direction and bounds the step.",
    protocol: "Cliff: a scalar recurrence h = tanh(w h + b) of 50 steps from h = 0.5, loss (h - 0.7)^2 on w and b with |w| up to 8, 20 \
               000 random starts; gradient norms. Networks: 20 layers of 64 tanh units with gain 3 (weights N(0, 9/64)), regression of a \
               random smooth function of 8 inputs, 256 rows, SGD at 0.05, 2 000 steps, 10 seeds: unclipped, and clipped at the norm 1. \
               (A trial with 300 steps saw 3 of 10 at half of their loss: steps of a twentieth do not get far, so the budget was raised \
               before the run that counts.) Diverged: not finite, or a loss above ten times its start at any time. Direction: cosine of \
               clipped and unclipped gradient. Quartic: f = x^4 from x = 100 to below 1e-4 by the largest constant rate that does not \
               diverge, and by clipped descent at a tenth of a unit a step (largest of a grid).",
    anchor: Anchor {
        text: "clipping by the norm at a cliff; clipped descent converges where plain descent needs tiny steps",
        source: "R. Pascanu, T. Mikolov, Y. Bengio, ICML 2013; J. Zhang et al., ICLR 2020",
        tag: Tag::M,
    },
    data: &[],
    tour: false,
    seeds: [2, 10, 20],
    seconds: [5.0, 60.0, 240.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::exact(
            "unclipped-diverges",
            "without clipping at least 8 of 10 networks diverge",
            Side::AtLeast,
            0.8,
            |r| r.mean("unclipped", "diverged").map(|e| Estimate::exact(e.value)),
        )
        .from("the suite's bound"),
        Criterion::exact(
            "clipped-learns",
            "with it at least 9 of 10 end below half of their first loss",
            Side::AtLeast,
            0.9,
            |r| r.mean("clipped", "halved").map(|e| Estimate::exact(e.value)),
        )
        .from("the suite's bound"),
        Criterion::exact("direction", "clipping leaves the direction: cosine 1 within 1e-6", Side::AtMost, 1e-6, |r| {
            r.largest(&["clipped"], "cosine_off")
        })
        .from("Pascanu et al. 2013: one factor for all"),
        Criterion::exact(
            "quartic",
            "on x^4 clipped descent takes at most a tenth of the steps of the largest constant rate",
            Side::AtMost,
            0.1,
            |r| r.largest(&["quartic"], "share"),
        )
        .from("Zhang et al. 2020 (from memory); the suite's factor"),
        Criterion::exact(
            "cliff",
            "on the cliff the largest gradient norm is more than 1 000 times the median",
            Side::Above,
            1_000.0,
            |r| r.largest(&["cliff"], "ratio"),
        )
        .from("Pascanu et al. 2013, Fig. 6"),
    ],
    figures,
};

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Largest norm of the gradient; 0: any.
    clip: f64,
    steps: usize,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let steps = s.profile.pick([30, 2_000, 5_000]);
    vec![
        Variant::new("unclipped", Config { clip: 0.0, steps }),
        Variant::new("clipped", Config { clip: 1.0, steps }),
        Variant::new("quartic", Config { clip: 0.0, steps: 200_000 }).with_seeds(1),
        Variant::new("cliff", Config { clip: 0.0, steps: 20_000 }).with_seeds(1),
    ]
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let c: Config = v.config()?;
    match v.name.as_str() {
        "quartic" => quartic(c.steps),
        "cliff" => Ok(cliff(c.steps, run)),
        _ => network(&c, seed, run),
    }
}

fn network(c: &Config, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    use layerwise::nn::Mse;
    let stream = Stream::new(seed).child("clipping");
    let mut values = vec![0.0f32; 256 * 8];
    stream.child("x").normal(0, &mut values);
    let x = Array2::from_shape_vec((256, 8), values).unwrap_or_default();
    let y = Array2::from_shape_fn((256, 1), |(i, _)| (x.row(i).sum() * 0.5).sin());
    let init = Init::NORMAL.with("std", 3.0 / 8.0)?;
    let net = Mlp::builder(8).hidden(&[64; 20]).outputs(1).activation(Activation::TANH).init(init);
    let (mlp, mut params) = net.create::<f32>(seed)?;
    let optimizer = OptimizerConfig::new(Sgd::default()).rate(0.05);
    let optimizer = if c.clip > 0.0 { optimizer.clip(Clip::GlobalNorm(c.clip)) } else { optimizer };
    let (mut losses, mut norms) = (Vec::new(), Vec::new());
    let fit = Trainer::new(&mlp, Mse)
        .epochs(c.steps)
        .batch(256)
        .seed(seed)
        .optimizer(optimizer)
        .on_step(|s| {
            losses.push(s.loss);
            norms.push(s.gradient_norm);
            ControlFlow::Continue(())
        })
        .fit(&mut params, &Samples::values(x.view(), y.view())?);
    let broken = match fit {
        Ok(_) => false,
        Err(TrainError::Diverged { .. }) => true,
        Err(e) => return Err(e.into()),
    };
    let start = losses.first().copied().unwrap_or(f64::NAN);
    let worst = losses.iter().copied().fold(0.0, f64::max);
    let end = evaluate(&mlp, &Mse, &params, &Samples::values(x.view(), y.view())?, 256);
    let diverged = broken || !end.is_finite() || worst > 10.0 * start || end > 10.0 * start;
    let steps = || (1..=losses.len()).map(|s| s as f64);
    run.curve("loss", steps(), losses.iter().map(|l| l.clamp(1e-9, 1e9)));
    run.curve("norm", steps(), norms.iter().map(|n| n.clamp(1e-9, 1e12)));
    Ok(metrics([
        ("diverged", f64::from(u8::from(diverged))),
        ("halved", f64::from(u8::from(!broken && end < 0.5 * start))),
        ("cosine_off", cosine_off(&stream)?),
    ]))
}

/// How far the cosine of a step along a clipped gradient and the gradient is from 1.
fn cosine_off(stream: &Stream) -> Result<f64, ExperimentError> {
    let mut layout = Layout::new();
    let id = layout.scope().param("w", ParamKind::Weight, 1, 1_000, Init::ZEROS);
    let mut params = Params::<f64>::init(layout, &Stream::new(0));
    let config = OptimizerConfig::new(Sgd::default()).rate(1.0).clip(Clip::GlobalNorm(0.5));
    let mut optimizer = config.build(&params).map_err(|e| ExperimentError::Training(e.to_string()))?;
    let mut grads = Gradients::new(&params);
    let mut g = vec![0.0f64; 1_000];
    stream.child("gradient").normal(0, &mut g);
    grads.slot(id).0.copy_from_slice(&g);
    optimizer.step(&mut params, &mut grads);
    let w = params.get(id);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let cosine = -dot(w, &g) / (dot(w, w) * dot(&g, &g)).sqrt();
    Ok((1.0 - cosine).abs().max((dot(w, w).sqrt() - 0.5).abs()))
}

/// Steps of clipped descent over those of plain descent, each at its best rate.
fn quartic(most: usize) -> Result<Metrics, ExperimentError> {
    let steps = |rate: f64, clip: f64| -> Option<usize> {
        let mut x = 100.0f64;
        for t in 0..most {
            if x.powi(4) < 1e-4 {
                return Some(t);
            }
            let g = 4.0 * x.powi(3);
            x -= rate * g * (clip / g.abs()).min(1.0);
            if !x.is_finite() || x.abs() > 1e3 {
                return None;
            }
        }
        None
    };
    // Plain descent at rates up to the one that no longer converges; it may well not get there within the steps.
    let plain =
        (0..60).filter_map(|i| steps(10f64.powf(-6.0 + 0.1 * f64::from(i)), f64::INFINITY)).min().unwrap_or(most);
    let clipped = (0..40)
        .flat_map(|i| [0.1, 0.3, 1.0, 3.0, 10.0].map(|way| (10f64.powf(-3.0 + 0.1 * f64::from(i)), way)))
        .filter_map(|(rate, way)| steps(rate, way / rate))
        .min()
        .unwrap_or(most);
    Ok(metrics([("share", clipped as f64 / plain as f64), ("plain", plain as f64), ("clipped", clipped as f64)]))
}

/// Norms of the gradient of a recurrence of 50 steps over a plane of its two parameters.
fn cliff(draws: usize, run: &mut Run<'_>) -> Metrics {
    let at = |w: f64, b: f64| {
        let (mut h, mut dw, mut db) = (0.5f64, 0.0f64, 0.0f64);
        for _ in 0..50 {
            let z = (w * h + b).tanh();
            let slope = 1.0 - z * z;
            (dw, db) = (slope * (h + w * dw), slope * (1.0 + w * db));
            h = z;
        }
        let e = h - 0.7;
        (e * e, 2.0 * e.abs() * (dw * dw + db * db).sqrt())
    };
    let mut u = [0.0f64; 2];
    let mut norms: Vec<f64> = (0..draws)
        .map(|i| {
            Stream::new(2013).at(i as u64).uniform(0, &mut u);
            at(16.0 * u[0] - 8.0, 8.0 * u[1] - 4.0).1
        })
        .collect();
    norms.sort_by(f64::total_cmp);
    let ws: Vec<f64> = (0..600).map(|i| -8.0 + 16.0 * f64::from(i) / 599.0).collect();
    run.curve("cliff", ws.iter().copied(), ws.iter().map(|w| at(*w, -0.6).0));
    let share = |q: f64| norms[((draws - 1) as f64 * q) as usize];
    let median = share(0.5).max(1e-12);
    metrics([("ratio", norms[draws - 1] / median), ("median", median)])
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let loss = Chart::new("20 layers of tanh, gain 3", Axis::new("step"), Axis::new("training loss").log());
    let norm = Chart::new("Norm of the gradient, before clipping", Axis::new("step"), Axis::new("norm").log());
    let cliff = Chart::new("A cliff: tanh(w h - 0.6) fifty times", Axis::new("w"), Axis::new("loss"));
    let walls: Vec<Series> = r
        .variant("cliff")
        .and_then(|v| v.first())
        .and_then(|o| o.curves.get("cliff"))
        .map(|c| Series::new("loss", &c.x, &c.y))
        .into_iter()
        .collect();
    Ok(vec![
        Figure::new(
            "loss",
            "Training loss with and without clipping; bands over all seeds, as far as all of them go.",
            lines(&loss, &common::bands(r, "loss", |_| true)),
        )?,
        Figure::new(
            "norm",
            "Norm of the gradient; bands over all seeds.",
            lines(&norm, &common::bands(r, "norm", |_| true)),
        )?,
        Figure::new("cliff", "Loss of a recurrence by its weight: flat, and then a wall.", lines(&cliff, &walls))?,
    ])
}
