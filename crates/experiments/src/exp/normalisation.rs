//! Batch normalisation on the network of its paper's first figure.

use super::common::{self, DIGITS};
use crate::criterion::{Criterion, Kind, Published, Side};
use crate::error::ExperimentError;
use crate::experiment::{Anchor, Experiment, Grain, Metrics, Profile, Run, Settings, Tag, Variant, metrics};
use crate::figure::{Axis, Chart, Figure, lines};
use crate::results::{Results, estimate};
use layerwise::datasets::Labelled;
use layerwise::nn::{Activation, BuildModel, Init, Mlp, Norm, SoftmaxCrossEntropy};
use layerwise::optim::Sgd;
use layerwise::train::{Samples, Stop, Trainer};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "normalisation",
    question: "Does normalising the hidden layers make training faster and the result better?",
    claim: "With batch normalisation a sigmoid network learns faster and ends higher. (The lecture's reason, internal covariate shift, \
            is contested: Santurkar 2018. This experiment tests the effect, not the reason.)",
    protocol: "784-100-100-100-10, sigmoid, binary input (threshold 0.5), weights N(0, 0.1^2), SGD at 0.5, batches of 60; 10 000 steps \
               (50 000 under full). Plain, batch normalisation and layer normalisation before each activation; accuracy on the \
               test images every 50 steps (500 under full) and at the end.",
    anchor: Anchor {
        text: "Fig. 1: batch normalisation rises faster and ends higher; reproductions with SGD 0.5: 0.9800 against 0.9769",
        source: "S. Ioffe and C. Szegedy, ICML 2015; independent reproductions",
        tag: Tag::V2,
    },
    data: &[DIGITS],
    tour: true,
    seeds: [1, 3, 5],
    seconds: [4.0, 60.0, 600.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion {
            id: "faster",
            statement: "with batch normalisation 90 % test accuracy is reached in at most a third of the steps of the plain network",
            threshold: 1.0 / 3.0,
            side: Side::AtMost,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "Ioffe and Szegedy 2015, Fig. 1",
            cause: "",
            estimate: |r| {
                let (bn, plain) = (r.values("batch", "steps_to_90"), r.values("plain", "steps_to_90"));
                estimate(&bn.iter().zip(&plain).map(|(b, p)| b / p).collect::<Vec<_>>())
            },
        },
        Criterion {
            id: "accuracy",
            statement: "with batch normalisation the final test accuracy is at least 97.4 %",
            threshold: 0.974,
            side: Side::AtLeast,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: Some("mnist"),
            published: Some(Published { value: 0.98, source: "reproductions, 50 000 steps", tag: Tag::V2 }),
            source: "reproductions at 50 000 steps, less 0.6 points for the shorter run",
            cause: "",
            estimate: |r| r.mean("batch", "test_accuracy"),
        },
        Criterion {
            id: "gain",
            statement: "after 50 000 steps batch normalisation is at least 0.2 points above the plain network",
            threshold: 0.002,
            side: Side::AtLeast,
            kind: Kind::Interval,
            profile: Profile::Full,
            needs: Some("mnist"),
            published: Some(Published { value: 0.0031, source: "reproductions, 50 000 steps", tag: Tag::V2 }),
            source: "reproductions: 0.9800 against 0.9769",
            cause: "",
            estimate: |r| r.difference("batch", "plain", "test_accuracy"),
        },
        Criterion {
            id: "learns-at-all",
            statement: "with batch normalisation the final training loss is below the plain network's",
            threshold: 0.0,
            side: Side::Below,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "the claim, on whatever digits are at hand",
            cause: "",
            estimate: |r| r.difference("batch", "plain", "train_loss"),
        },
    ],
    figures,
};

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    norm: Norm,
    steps: u64,
    every: u64,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let (steps, every) = (s.profile.pick([400, 10_000, 50_000]), s.profile.pick([50, 50, 500]));
    let of = |name: &str, norm| Variant::new(name, Config { norm, steps, every });
    vec![of("plain", Norm::None), of("batch", Norm::Batch), of("layer", Norm::Layer)]
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let config: Config = v.config()?;
    let digits = common::digits(run)?;
    let (train, test) = (binary(&digits.train), binary(&digits.test));
    let init = Init::NORMAL.with("std", 0.1)?;
    let net = Mlp::builder(train.cols()).hidden(&[100; 3]).outputs(10).activation(Activation::SIGMOID);
    let (mlp, mut params) = net.norm(config.norm).init(init).create(seed)?;

    let mut curve: Vec<(f64, f64)> = Vec::new();
    let mut losses: Vec<f64> = Vec::new();
    let watch = |s: &layerwise::train::StepEnd<'_, f32>| {
        let step = s.step + 1;
        losses.push(s.loss);
        if step.is_multiple_of(config.every)
            && let Ok(accuracy) = common::accuracy(&mlp, s.params, test.x.view(), &test.y)
        {
            curve.push((step as f64, accuracy));
        }
        if step >= config.steps { ControlFlow::Break(Stop::new("all steps done")) } else { ControlFlow::Continue(()) }
    };
    let epochs = (config.steps as usize * 60).div_ceil(train.rows()) + 1;
    Trainer::new(&mlp, SoftmaxCrossEntropy)
        .epochs(epochs)
        .batch(60)
        .seed(seed)
        .rule(Sgd::default())
        .rate(0.5)
        .on_step(watch)
        .fit(&mut params, &Samples::labels(train.x.view(), &train.y)?)?;
    for (step, accuracy) in &curve {
        run.log(*step as u64, &[("test_accuracy", *accuracy)]);
    }
    run.curve("accuracy", curve.iter().map(|c| c.0), curve.iter().map(|c| 100.0 * c.1));
    let reached = curve.iter().find(|c| c.1 >= 0.9).map_or(config.steps as f64, |c| c.0);
    let tail = &losses[losses.len().saturating_sub(200)..];
    let last = common::accuracy(&mlp, &params, test.x.view(), &test.y)?;
    Ok(metrics([
        ("test_accuracy", last),
        ("steps_to_90", reached),
        ("train_loss", tail.iter().sum::<f64>() / tail.len().max(1) as f64),
    ]))
}

pub(super) fn binary(data: &Labelled<f32>) -> Labelled<f32> {
    let x = data.x.mapv(|v| f32::from(v > 0.5));
    Labelled::new(data.name.clone(), x, data.y.clone(), data.classes)
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let chart =
        Chart::new("Test accuracy while training", Axis::new("steps of 60 images"), Axis::new("test accuracy (%)"));
    let caption =
        "784-100-100-100-10 with sigmoids, as in the first figure of Ioffe and Szegedy 2015; bands over all seeds.";
    Ok(vec![Figure::new("accuracy", caption, lines(&chart, &common::bands(r, "accuracy", |_| true)))?])
}
