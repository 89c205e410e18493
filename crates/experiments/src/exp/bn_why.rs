//! Why batch normalisation works: not by steadying what layers see, since it works as well when that is shaken.

use super::normalisation::binary;
use super::prelude::*;
use layerwise::autograd::{Graph, Tape, Var};
use layerwise::datasets::Batches;
use layerwise::nn::layer::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use layerwise::nn::{Loss, Module, Target};
use layerwise::optim::{OptimizerConfig, Sgd};
use layerwise::tensor::{Accum, Gradients, Layout};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "bn-why",
    question: "Does batch normalisation help by reducing internal covariate shift?",
    claim: "The lecture: batch norm reduces internal covariate shift. Contested: it makes the loss smoother.",
    protocol: "784-100-100-100-10, sigmoid, binary input, weights N(0, 0.1^2), SGD at 0.5, batches of 60, 3 000 steps (20 000 under \
               full): plain, batch norm, and batch norm after which every unit gets a shift and a scale drawn anew at every step (shift \
               N(0, 0.5^2), scale uniform between 0.5 and 1.5), so that what the next layer sees keeps moving. Along the way, at 20 \
               places: the range of the loss on one batch after steps of 0.1, 0.3, 1, 3 and 10 times the rate along its gradient, and \
               the largest change of the gradient over the length of that way (beta). Training loss: of 2 000 training images at the \
               end, without the noise (a trial that measured it under the noise compared different things).",
    anchor: Anchor {
        text: "noise injected after batch norm does not slow training; loss range and gradient change along the gradient are smaller with \
               batch norm",
        source: "S. Santurkar et al., How does batch normalization help optimization?, NeurIPS 2018",
        tag: Tag::M,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 3, 5],
    seconds: [5.0, 60.0, 600.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::interval(
            "noise-harmless",
            "the noisy network's test accuracy is within 0.3 points of batch norm's",
            Side::AtMost,
            0.003,
            |r| common::paired(r, ("batch", "accuracy"), ("noisy", "accuracy"), |a, b| a - b),
        )
        .from("Santurkar et al. 2018 (from memory)"),
        Criterion::interval(
            "noise-beats-plain",
            "and its training loss is below the plain network's",
            Side::Below,
            0.0,
            |r| r.difference("noisy", "plain", "train_loss"),
        )
        .from("Santurkar et al. 2018 (from memory)"),
        Criterion::interval(
            "smoother",
            "the loss range along the gradient is at most half of the plain network's",
            Side::AtMost,
            0.5,
            |r| common::paired(r, ("batch", "range"), ("plain", "range"), |a, b| a / b),
        )
        .from("Santurkar et al. 2018, Fig. 4; the suite's factor"),
        Criterion::interval("beta", "the change of the gradient is at most half", Side::AtMost, 0.5, |r| {
            common::paired(r, ("batch", "beta"), ("plain", "beta"), |a, b| a / b)
        })
        .from("Santurkar et al. 2018, Fig. 4; the suite's factor")
        .because("not found."),
    ],
    figures,
};

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    norm: bool,
    noise: bool,
    steps: usize,
    rate: f64,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let steps = s.profile.pick([60, 3_000, 20_000]);
    let of = |name: &str, norm, noise| Variant::new(name, Config { norm, noise, steps, rate: 0.5 });
    vec![of("plain", false, false), of("batch", true, false), of("noisy", true, true)]
}

/// Linear, batch norm, shaken, sigmoid, three times; then linear.
struct Shaken {
    linears: Vec<Linear>,
    norms: Vec<BatchNorm>,
    noise: bool,
}

impl Shaken {
    fn build(config: &Config, layout: &mut Layout) -> Result<Self, ExperimentError> {
        let init = Init::NORMAL.with("std", 0.1)?;
        let (mut linears, mut norms) = (Vec::new(), Vec::new());
        let mut width = 784;
        for l in 0..3 {
            linears
                .push(LinearConfig::new(100).init(init).build(&mut layout.scope().child(format!("linear{l}")), width)?);
            width = 100;
            if config.norm {
                norms.push(BatchNormConfig::new().build(&mut layout.scope().child(format!("norm{l}")), width)?);
            }
        }
        linears.push(LinearConfig::new(10).init(init).build(&mut layout.scope().child("out"), width)?);
        Ok(Self { linears, norms, noise: config.noise })
    }
}

impl Module<f32> for Shaken {
    fn forward(&self, g: &mut Graph<'_, f32>, x: Var) -> Var {
        let mut h = x;
        for (l, linear) in self.linears[..3].iter().enumerate() {
            h = linear.forward(g, h);
            if let Some(norm) = self.norms.get(l) {
                h = norm.forward(g, h);
            }
            if self.noise && g.mode() == Mode::Train {
                let stream = g.next_stream();
                let cols = g.shape(h).1;
                let scale = g.input_from(1, cols, |out| {
                    stream.child("scale").uniform(0, out);
                    out.iter_mut().for_each(|v| *v += 0.5);
                });
                let shift = g.input_from(1, cols, |out| {
                    stream.child("shift").normal(0, out);
                    out.iter_mut().for_each(|v| *v *= 0.5);
                });
                h = g.mul(h, scale);
                h = g.add(h, shift);
            }
            h = g.activate(h, Activation::SIGMOID.act());
        }
        self.linears[3].forward(g, h)
    }
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let c: Config = v.config()?;
    let digits = common::digits(run)?;
    let (train, test) = (binary(&digits.train), binary(&digits.test));
    let mut layout = Layout::new();
    let net = Shaken::build(&c, &mut layout)?;
    let stream = Stream::new(seed).child("bn-why");
    let mut params = Params::<f32>::init(layout, &stream.child("init"));
    let (mut tape, mut grads) = (Tape::new(), Gradients::new(&params));
    let optimizer = OptimizerConfig::new(Sgd::default()).rate(c.rate).build(&params);
    let mut optimizer = optimizer.map_err(|e| ExperimentError::Training(e.to_string()))?;
    let batches = Batches::new(train.rows(), 60, stream.child("shuffle"));
    let every = (c.steps / 20).max(1);
    let (mut losses, mut ranges, mut betas, mut places) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut rows = Vec::new();
    let per_epoch = batches.per_epoch();
    for step in 0..c.steps {
        batches.fill((step / per_epoch) as u64, step % per_epoch, &mut rows);
        let batch = train.take(&rows);
        let mut pass = |params: &Params<f32>, grads: &mut Gradients<f32>| {
            let mut g = tape.graph(params, Mode::Train, stream.child("step").at(step as u64));
            let x = g.input(batch.x.view());
            let y = net.forward(&mut g, x);
            let loss = SoftmaxCrossEntropy.loss(&mut g, y, Target::Labels(&batch.y));
            g.backward(loss, grads, Accum::Replace)
        };
        let loss = pass(&params, &mut grads);
        losses.push(loss);
        if step % every == every - 1 {
            let start = params.clone();
            let here: Vec<f32> = grads.values().to_vec();
            let norm = here.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt().max(1e-30);
            let (mut low, mut high, mut beta) = (f64::INFINITY, f64::NEG_INFINITY, 0.0f64);
            let mut aside = Gradients::new(&params);
            for factor in [0.1, 0.3, 1.0, 3.0, 10.0] {
                let mut moved = start.clone();
                for (p, d) in moved.trainable_mut().iter_mut().zip(&here) {
                    *p -= (factor * c.rate) as f32 * d;
                }
                let there = pass(&moved, &mut aside);
                (low, high) = (low.min(there), high.max(there));
                let change: f64 =
                    aside.values().iter().zip(&here).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt();
                beta = beta.max(change / (factor * c.rate * norm));
            }
            places.push((step + 1) as f64);
            ranges.push((high - low).max(1e-6));
            betas.push(beta.max(1e-6));
        }
        optimizer.step(&mut params, &mut grads);
    }
    run.curve("range", places.iter().copied(), ranges.iter().copied());
    run.curve("beta", places.iter().copied(), betas.iter().copied());
    let blocks: Vec<f64> = losses.chunks(every).map(stats::mean).collect();
    run.curve("loss", (1..=blocks.len()).map(|b| (b * every) as f64), blocks.iter().copied());
    let accuracy = common::accuracy(&net, &params, test.x.view(), &test.y)?;
    let part = train.head(2_000);
    let samples = Samples::labels(part.x.view(), &part.y)?;
    let clean = evaluate(&net, &SoftmaxCrossEntropy, &params, &samples, 500);
    Ok(metrics([
        ("accuracy", accuracy),
        ("train_loss", clean),
        // Of the logarithms: ranges span orders of magnitude.
        ("range", stats::mean(&ranges.iter().map(|v| v.ln()).collect::<Vec<_>>()).exp()),
        ("beta", stats::mean(&betas.iter().map(|v| v.ln()).collect::<Vec<_>>()).exp()),
    ]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let loss = Chart::new("Training loss", Axis::new("step"), Axis::new("loss (nats)").log());
    let range =
        Chart::new("Loss range along the gradient", Axis::new("step"), Axis::new("range of the loss (nats)").log());
    let beta = Chart::new("Change of the gradient", Axis::new("step"), Axis::new("largest change over length").log());
    Ok(vec![
        Figure::new(
            "loss",
            "Training loss; noisy: every unit is shifted and scaled anew at every step, after batch norm. Bands over all seeds.",
            lines(&loss, &common::bands(r, "loss", |_| true)),
        )?,
        Figure::new(
            "range",
            "How far the loss of a batch varies over steps of 0.1 to 10 times the rate along its gradient; bands over all seeds.",
            lines(&range, &common::bands(r, "range", |_| true)),
        )?,
        Figure::new(
            "beta",
            "Largest change of the gradient on that way, over its length; bands over all seeds.",
            lines(&beta, &common::bands(r, "beta", |_| true)),
        )?,
    ])
}
