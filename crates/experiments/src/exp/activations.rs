//! How activations pass gradients through a deep network, and how fast the network learns.

use super::common::{self, DIGITS};
use super::stack::Stack;
use crate::criterion::{Criterion, Kind, Side};
use crate::error::ExperimentError;
use crate::experiment::{Anchor, Experiment, Grain, Metrics, Profile, Run, Settings, Tag, Variant, metrics};
use crate::figure::{Axis, Chart, Figure, lines};
use crate::results::Results;
use layerwise::nn::{Activation, BuildModel, Init, Mlp, SoftmaxCrossEntropy};
use layerwise::optim::Sgd;
use layerwise::tensor::Stream;
use layerwise::train::{Samples, Trainer};
use serde::{Deserialize, Serialize};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "activations",
    question: "Which activations let the gradient through a deep network, and which let it learn?",
    claim: "The derivative of the sigmoid is at most 1/4, so its gradient fades with every layer and a deep network does not learn; \
            tanh with Glorot's weights fades slowly, ReLU with He's weights not at all, ReLU with Glorot's by half the variance a layer.",
    protocol: "Gradient: stacks of 10 layers of 256 units, standard normal inputs and cotangents, batch 256; the norm of the gradient at \
               each layer, and the slope of its log10 from the last layer to the first. Learning: 784-8x128-10 on 5 000 digits (60 000 \
               under full), SGD with momentum 0.9 at 0.01, batches of 64; He weights for the rectifiers, LeCun's for SELU, Glorot's for \
               sigmoid and tanh.",
    anchor: Anchor {
        text: "gradient std per layer: x 0.7071 for ReLU with Glorot, x 1 with He; sigmoid at most 1/4; 8 x 128 networks on MNIST",
        source: "X. Glorot and Y. Bengio, AISTATS 2010; K. He et al., ICCV 2015; D.-A. Clevert et al., ICLR 2016",
        tag: Tag::V,
    },
    data: &[DIGITS],
    tour: true,
    seeds: [1, 3, 5],
    seconds: [4.0, 45.0, 1500.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion {
            id: "sigmoid-fades",
            statement: "sigmoid with Glorot's weights: log10 of the gradient's norm falls by at least 0.4 a layer towards the input",
            threshold: -0.4,
            side: Side::AtMost,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "the derivative is at most 1/4: log10(1/4) = -0.60 at zero input",
            cause: "",
            estimate: |r| r.mean("sigmoid", "slope"),
        },
        Criterion {
            id: "tanh-fades-slowly",
            statement: "tanh with Glorot's weights: the slope is above -0.15 a layer",
            threshold: -0.15,
            side: Side::Above,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "Glorot and Bengio 2010",
            cause: "",
            estimate: |r| r.mean("tanh", "slope"),
        },
        Criterion {
            id: "he-keeps",
            statement: "ReLU with He's weights: the slope is within 0.05 of 0",
            threshold: 0.05,
            side: Side::AtMost,
            kind: Kind::Exact,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "He et al. 2015: the variance is kept exactly on average",
            cause: "",
            estimate: |r| r.mean("relu", "slope").map(|e| crate::criterion::Estimate::exact(e.value.abs())),
        },
        Criterion {
            id: "glorot-halves",
            statement: "ReLU with Glorot's weights: the slope is within 0.05 of log10(sqrt(1/2)) = -0.1505",
            threshold: 0.05,
            side: Side::AtMost,
            kind: Kind::Exact,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "half of the units are off, so half of the variance is lost a layer",
            cause: "",
            estimate: |r| {
                let slope = r.mean("relu with glorot", "slope")?.value;
                Some(crate::criterion::Estimate::exact((slope - 0.5f64.sqrt().log10()).abs()))
            },
        },
        Criterion {
            id: "sigmoid-stalls",
            statement: "the sigmoid network's training loss at the end is more than 1 above the ReLU network's",
            threshold: 1.0,
            side: Side::Above,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "chance is ln 10 = 2.303; deep sigmoid networks stay on the plateau (Glorot and Bengio 2010, Fig. 2)",
            cause: "",
            estimate: |r| r.difference("sigmoid", "relu", "train_loss"),
        },
        Criterion {
            id: "elu-faster",
            statement: "the ELU network's training loss at the end is below the ReLU network's",
            threshold: 0.0,
            side: Side::Below,
            kind: Kind::Interval,
            profile: Profile::Full,
            needs: Some("mnist"),
            published: None,
            source: "Clevert et al. 2016, Fig. 2: at equal epochs ELU has the lower training loss",
            cause: "",
            estimate: |r| r.difference("elu", "relu", "train_loss"),
        },
    ],
    figures,
};

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    activation: Activation,
    init: Init,
    examples: usize,
    epochs: usize,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let (examples, epochs) = (s.profile.pick([1_000, 5_000, 60_000]), s.profile.pick([2, 12, 40]));
    let of = |name: &str, activation, init| Variant::new(name, Config { activation, init, examples, epochs });
    vec![
        of("sigmoid", Activation::SIGMOID, Init::GLOROT_NORMAL),
        of("tanh", Activation::TANH, Init::GLOROT_NORMAL),
        of("relu", Activation::RELU, Init::HE_NORMAL),
        of("relu with glorot", Activation::RELU, Init::GLOROT_NORMAL),
        of("leaky_relu", Activation::LEAKY_RELU, Init::HE_NORMAL),
        of("elu", Activation::ELU, Init::HE_NORMAL),
        of("selu", Activation::SELU, Init::LECUN_NORMAL),
        of("gelu", Activation::GELU, Init::HE_NORMAL),
    ]
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let config: Config = v.config()?;
    let stack =
        Stack { activation: config.activation, init: config.init, width: 256, layers: 10, batch: 256, input: 1.0 };
    let seen = stack.look(&Stream::new(seed).child("stack"), false);
    let norms: Vec<f64> = seen.iter().map(|s| s.gradient).collect();
    let logs: Vec<f64> = norms.iter().map(|n| n.log10()).collect();
    let layers = (1..=logs.len()).map(|l| l as f64);
    run.curve("gradient", layers, norms.iter().map(|n| n / norms[norms.len() - 1]));
    // From the last layer to the first, so a fading gradient has a negative slope.
    let slope = (logs[0] - logs[logs.len() - 1]) / (logs.len() - 1) as f64;

    let digits = common::digits(run)?;
    let train = digits.train.head(config.examples);
    let net = Mlp::builder(train.cols()).hidden(&[128; 8]).outputs(10).activation(config.activation).init(config.init);
    let (mlp, mut params) = net.create(seed)?;
    let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).epochs(config.epochs).batch(64).seed(seed);
    let report = trainer
        .rule(Sgd::default().momentum(0.9))
        .rate(0.01)
        .fit(&mut params, &Samples::labels(train.x.view(), &train.y)?)?;
    let losses = report.history.losses();
    run.curve("loss", (1..=losses.len()).map(|e| e as f64), losses.iter().copied());
    for e in &report.history.epochs {
        run.log(e.epoch as u64, &[("loss", e.loss), ("gradient_norm", e.gradient_norm)]);
    }
    let test = common::accuracy(&mlp, &params, digits.test.x.view(), &digits.test.y)?;
    let last = losses.last().copied().unwrap_or(f64::NAN);
    Ok(metrics([("slope", slope), ("train_loss", last), ("test_accuracy", test)]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let gradient = Chart::new(
        "Gradient at each of ten layers, at the start",
        Axis::new("layer (1 is next to the input)"),
        Axis::new("norm, relative to the last layer").log(),
    );
    let loss = Chart::new("Learning with eight hidden layers", Axis::new("epoch"), Axis::new("training loss (nats)"));
    let all = |curve| common::bands(r, curve, |_| true);
    Ok(vec![
        Figure::new(
            "gradients",
            "Norm of the back-propagated gradient by layer before training, over all seeds: a sigmoid stack passes on less than a \
             third a layer, ReLU with He's weights keeps it.",
            lines(&gradient, &all("gradient")),
        )?,
        Figure::new(
            "training",
            "Training loss by epoch of 784-8x128-10 networks; bands over all seeds. Chance is ln 10 = 2.30.",
            lines(&loss, &all("loss")),
        )?,
    ])
}
