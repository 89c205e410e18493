//! Plain, residual and highway networks by depth.

use super::prelude::*;
use layerwise::nn::layer::{ActivationConfig, HighwayConfig, LayerConfig, LinearConfig, ResidualConfig};
use layerwise::nn::{Module, Mse, SequentialModelConfig};
use layerwise::train::TrainError;
use std::ops::ControlFlow;

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "residual-depth",
    question: "Do ways around the layers let very deep networks learn?",
    claim: "Residual connections solve the degradation of very deep networks.",
    protocol: "784-50, then L layers of 50 units, then 10: plain (linear, ReLU), residual (L/2 blocks x + linear(ReLU(linear(x))), the \
               last linear of each from zeros), highway (ReLU, gate bias -2 for 10 and 20, -4 for more layers); He's weights, SGD with \
               momentum 0.9 at 0.01, the gradient's norm clipped at 5, batches of 128; L = 10, 20, 50 (100 under full), 6 epochs of 10 \
               000 digits; under full 40 of 60 000, the rate falling to zero along a cosine (in a first full run, 15 epochs at \
               a constant rate, the residual network of 100 layers ended at 0.024 to 0.026, the plain one at 0.63 to 1.0); mean loss of \
               the last epoch. Gradient at birth at the first hidden value over that \
               at the last, the last linear of each branch drawn as well, at sqrt(2 / L) of its usual scale. Identity task: 20 layers of \
               32 units learn to repeat 512 standard normal inputs, Adam at 0.001, steps until the mean squared error is below 0.0001, \
               at most 3 000.",
    anchor: Anchor {
        text: "highway networks of 100 layers train more than two orders of magnitude lower than plain ones; plain-56 trains worse than \
               plain-20",
        source: "R. Srivastava et al., Training very deep networks, NIPS 2015; K. He et al., CVPR 2016 (from memory)",
        tag: Tag::V,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 3, 3],
    seconds: [8.0, 200.0, 1200.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::interval(
            "degrades",
            "the plain network of 50 layers ends at 10 times the training loss of the one of 10, or more",
            Side::AtLeast,
            10.0,
            |r| common::paired(r, ("plain 50", "train_loss"), ("plain 10", "train_loss"), |a, b| a / b),
        )
        .from("Srivastava et al. 2015: strong degradation at 50")
        .because("probably that six epochs of 10 000 digits are too few for the network of 10 layers to get low."),
        Criterion::interval(
            "residual-keeps",
            "the residual network of 50 layers ends within 3 times that of 10",
            Side::AtMost,
            3.0,
            |r| common::paired(r, ("residual 50", "train_loss"), ("residual 10", "train_loss"), |a, b| a / b),
        )
        .from("the suite's bound"),
        Criterion::interval(
            "residual-over-plain",
            "at 100 layers the residual network's training loss is at most a hundredth of the plain one's",
            Side::AtMost,
            0.01,
            |r| common::paired(r, ("residual 100", "train_loss"), ("plain 100", "train_loss"), |a, b| a / b),
        )
        .under(Profile::Full)
        .published(0.01, "highway against plain, Srivastava et al. 2015", Tag::V)
        .from("more than two orders of magnitude"),
        Criterion::interval(
            "gradient",
            "at birth the gradient at the first hidden value is at least 0.3 times that at the last in the \
                                         residual network of 50 layers",
            Side::AtLeast,
            0.3,
            |r| r.mean("residual 50", "gradient_ratio"),
        )
        .from("the identity path hands it on"),
        Criterion::interval(
            "identity",
            "the residual network learns to repeat its input in fewer steps than the plain one",
            Side::Below,
            0.0,
            |r| common::paired(r, ("repeat residual", "steps"), ("repeat plain", "steps"), |a, b| a - b),
        )
        .from("He et al. 2016: nothing is easier than to learn nothing"),
    ],
    figures,
};

const WIDTH: usize = 50;
const KINDS: [&str; 3] = ["plain", "residual", "highway"];

fn depths(profile: Profile) -> &'static [usize] {
    match profile {
        Profile::Smoke => &[4, 10],
        Profile::Quick => &[10, 20, 50],
        Profile::Full => &[10, 20, 50, 100],
    }
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    kind: String,
    layers: usize,
    learning: Learning,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let learning = Learning {
        rule: momentum(0.9),
        rate: 0.01,
        cosine: s.profile == Profile::Full,
        ..Learning::new(&[WIDTH], s.profile.pick([1, 6, 40]), s.profile.pick([500, 10_000, 60_000]))
    };
    let mut all = Vec::new();
    for kind in KINDS {
        for layers in depths(s.profile) {
            let config = Config { kind: kind.into(), layers: *layers, learning: learning.clone() };
            all.push(Variant::new(format!("{kind} {layers}"), config));
        }
    }
    for kind in ["plain", "residual"] {
        let learning = Learning {
            epochs: s.profile.pick([50, 3_000, 10_000]),
            rule: adam(),
            rate: 1e-3,
            cosine: false,
            ..learning.clone()
        };
        all.push(Variant::new(format!("repeat {kind}"), Config { kind: kind.into(), layers: 20, learning }));
    }
    all
}

/// The deep part; `zero`: residual branches end in a linear layer of zeros.
fn layers(kind: &str, count: usize, zero: bool) -> Result<Vec<LayerConfig>, ExperimentError> {
    let width = |init| LinearConfig::new(WIDTH).init(init);
    let relu = ActivationConfig::new(Activation::RELU);
    Ok(match kind {
        "residual" => {
            let last = if zero { Init::ZEROS } else { Init::HE_NORMAL.scaled((2.0 / count as f64).sqrt())? };
            let block = ResidualConfig::default().then(&width(Init::HE_NORMAL)).then(&relu).then(&width(last));
            vec![LayerConfig::of(&block); count / 2]
        }
        "highway" => {
            let bias = if count > 20 { -4.0 } else { -2.0 };
            vec![LayerConfig::of(&HighwayConfig::new().gate_bias(bias).init(Init::HE_NORMAL)); count]
        }
        _ => (0..count).flat_map(|_| [LayerConfig::of(&width(Init::HE_NORMAL)), LayerConfig::of(&relu)]).collect(),
    })
}

fn network(
    kind: &str,
    count: usize,
    inputs: usize,
    outputs: usize,
    zero: bool,
) -> Result<SequentialModelConfig, ExperimentError> {
    let mut net = SequentialModelConfig::new(inputs).then(&LinearConfig::new(WIDTH).init(Init::HE_NORMAL));
    net.layers.push(LayerConfig::of(&ActivationConfig::new(Activation::RELU)));
    net.layers.extend(layers(kind, count, zero)?);
    Ok(net.then(&LinearConfig::new(outputs).init(Init::HE_NORMAL)))
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let c: Config = v.config()?;
    if v.name.starts_with("repeat") {
        return repeat(&c, seed);
    }
    let digits = common::digits(run)?;
    let train = digits.train.head(c.learning.examples);
    let ratio = gradient_ratio(&c, &train.head(128), seed)?;
    let (model, mut params) = network(&c.kind, c.layers, train.cols(), 10, true)?.create::<f32>(seed)?;
    let mut losses = Vec::new();
    let fit = Trainer::new(&model, SoftmaxCrossEntropy)
        .epochs(c.learning.epochs)
        .batch(c.learning.batch)
        .seed(seed)
        .optimizer(c.learning.optimizer(train.rows())?.clip(layerwise::optim::Clip::GlobalNorm(5.0)))
        .on_epoch(|e| {
            losses.push(e.record.loss);
            ControlFlow::Continue(())
        })
        .fit(&mut params, &Samples::labels(train.x.view(), &train.y)?);
    match fit {
        Ok(_) | Err(TrainError::Diverged { .. }) => {}
        Err(e) => return Err(e.into()),
    }
    run.curve("loss", (1..=losses.len()).map(|e| e as f64), losses.iter().copied());
    let diverged = losses.len() < c.learning.epochs;
    let last = losses.last().copied().filter(|_| !diverged).unwrap_or(10f64.ln());
    let error =
        if diverged { 0.9 } else { 1.0 - common::accuracy(&model, &params, digits.test.x.view(), &digits.test.y)? };
    Ok(metrics([("train_loss", last), ("error", error), ("gradient_ratio", ratio)]))
}

/// Norm of the gradient at the first hidden value over that at the last, at birth with all weights drawn.
fn gradient_ratio(c: &Config, batch: &Labelled<f32>, seed: u64) -> Result<f64, ExperimentError> {
    use layerwise::nn::{Loss, Target};
    use layerwise::tensor::{Accum, Gradients, Layout};
    let mut layout = Layout::new();
    let mut deep = SequentialModelConfig::new(WIDTH);
    deep.layers = layers(&c.kind, c.layers, false)?;
    let first =
        LinearConfig::new(WIDTH).init(Init::HE_NORMAL).build(&mut layout.scope().child("first"), batch.cols())?;
    let deep = deep.build_model(&mut layout.scope().child("deep"))?;
    let last = LinearConfig::new(10).init(Init::HE_NORMAL).build(&mut layout.scope().child("last"), WIDTH)?;
    let params = Params::<f32>::init(layout, &Stream::new(seed).child("gradient"));
    let (mut tape, mut grads) = (layerwise::autograd::Tape::new(), Gradients::new(&params));
    let mut g = tape.graph(&params, Mode::Train, Stream::new(seed));
    let x = g.input(batch.x.view());
    let zeros = Array2::zeros((batch.rows(), WIDTH));
    let (near, far) = (g.leaf(zeros.view()), g.leaf(zeros.view()));
    let h = first.forward_act(&mut g, x, Activation::RELU);
    let h = g.add(h, near);
    let h = deep.forward(&mut g, h);
    let h = g.add(h, far);
    let y = last.forward(&mut g, h);
    let loss = SoftmaxCrossEntropy.loss(&mut g, y, Target::Labels(&batch.y));
    g.backward(loss, &mut grads, Accum::Replace);
    let norm = |v| tape.grad(v).map_or(0.0, |d| d.iter().map(|d| f64::from(*d).powi(2)).sum::<f64>().sqrt());
    Ok(norm(near) / norm(far).max(1e-30))
}

/// Steps until a network repeats its input.
fn repeat(c: &Config, seed: u64) -> Result<Metrics, ExperimentError> {
    const N: usize = 32;
    let mut values = vec![0.0f32; 512 * N];
    Stream::new(seed).child("repeat").normal(0, &mut values);
    let x = Array2::from_shape_vec((512, N), values).unwrap_or_default();
    // Without the ReLU in front: it would cut half of what is to be repeated.
    let mut net = SequentialModelConfig::new(N).then(&LinearConfig::new(WIDTH).init(Init::HE_NORMAL));
    net.layers.extend(layers(&c.kind, c.layers, true)?);
    let (model, mut params) = net.then(&LinearConfig::new(N).init(Init::HE_NORMAL)).create::<f32>(seed)?;
    let mut reached = None;
    let fit = Trainer::new(&model, Mse)
        .epochs(c.learning.epochs)
        .batch(512)
        .seed(seed)
        .optimizer(c.learning.optimizer(512)?)
        .on_step(|s| {
            if s.loss < 1e-4 {
                reached = Some(s.step);
                return ControlFlow::Break(layerwise::train::Stop::new("repeats"));
            }
            ControlFlow::Continue(())
        })
        .fit(&mut params, &Samples::reconstruct(x.view())?);
    match fit {
        Ok(_) | Err(TrainError::Diverged { .. }) => {}
        Err(e) => return Err(e.into()),
    }
    let loss = evaluate(&model, &Mse, &params, &Samples::reconstruct(x.view())?, 512);
    Ok(metrics([("steps", reached.unwrap_or(c.learning.epochs as u64) as f64), ("loss", loss)]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let depths = depths(r.profile);
    let x: Vec<f64> = depths.iter().map(|d| *d as f64).collect();
    let of = |metric: &str| -> Vec<Series> {
        KINDS
            .iter()
            .map(|kind| {
                let values: Vec<Vec<f64>> = depths.iter().map(|d| r.values(&format!("{kind} {d}"), metric)).collect();
                let seeds = values.iter().map(Vec::len).min().unwrap_or(0);
                let curves: Vec<Vec<f64>> =
                    (0..seeds).map(|s| values.iter().map(|v| v[s].max(1e-12)).collect()).collect();
                Series::band(*kind, curves.iter().map(|c| (&x[..], &c[..])))
            })
            .collect()
    };
    let loss =
        Chart::new("Training loss by depth", Axis::new("layers"), Axis::new("loss of the last epoch (nats)").log());
    let gradient =
        Chart::new("Gradient at birth", Axis::new("layers"), Axis::new("first hidden value over last").log());
    Ok(vec![
        Figure::new(
            "loss",
            "Training loss at the end by the number of layers; bands over all seeds. Chance is 2.30.",
            lines(&loss, &of("train_loss")),
        )?,
        Figure::new(
            "gradient",
            "Norm of the gradient at the first hidden value over that at the last, before training; bands over all seeds.",
            lines(&gradient, &of("gradient_ratio")),
        )?,
    ])
}
