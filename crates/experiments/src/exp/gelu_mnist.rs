//! GELU against ReLU and ELU: training loss with and without dropout, noise at the input, autoencoders.

use super::prelude::*;
use layerwise::optim::{Adam, OptimizerConfig};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "gelu-mnist",
    question: "Does GELU learn better than ReLU and ELU?",
    claim: "GELU, smooth and not monotone, reaches a lower training loss.",
    protocol: "(a) 784-8x128-10, He's weights, Adam at 0.001, batches of 128, 10 epochs of 20 000 digits (50 of 60 000 under full), with \
               and without dropout 0.5; mean loss of the last epoch; test error under noise U(-a, a) on the pixels, a up to 3. (b) \
               Autoencoder 784-256-128-64-30 and back (1000-500-250-30 under full), sigmoid output, Adam at 0.001, batches of 64, 5 \
               epochs of 10 000 digits (25 of 60 000 under full). Medians over seeds.",
    anchor: Anchor {
        text: "GELU has the lowest median training log loss with and without dropout, and the lowest autoencoder error at 0.001 and \
               0.0001; curves only",
        source: "D. Hendrycks and K. Gimpel, Gaussian error linear units, 2016, Figs. 2 to 4",
        tag: Tag::V,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 3, 5],
    seconds: [8.0, 240.0, 3300.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::interval("below-relu", "without dropout GELU's training loss is below ReLU's", Side::Below, 0.0, |r| {
            r.difference("gelu", "relu", "train_loss")
        })
        .from("Hendrycks and Gimpel 2016, Fig. 2"),
        Criterion::interval("below-elu", "and below ELU's", Side::Below, 0.0, |r| r.difference("gelu", "elu", "train_loss"))
            .from("Hendrycks and Gimpel 2016, Fig. 2"),
        Criterion::interval("below-relu-dropout", "with dropout 0.5 GELU's training loss is below ReLU's", Side::Below, 0.0, |r| {
            r.difference("gelu, dropout", "relu, dropout", "train_loss")
        })
        .from("Hendrycks and Gimpel 2016, Fig. 2"),
        Criterion::exact(
            "autoencoder",
            "the GELU autoencoder has the lowest median test error of the three (estimate: GELU's less the lower of the others')",
            Side::Below,
            0.0,
            |r| {
                let error = |name: &str| stats::median(&r.values(name, "error"));
                Some(Estimate::exact(error("ae gelu") - error("ae relu").min(error("ae elu"))))
            },
        )
        .from("Hendrycks and Gimpel 2016, Fig. 4: best at 0.001")
        .because("ELU's autoencoder falls faster in the five quick epochs; the source trains longer, which probably decides it."),
    ],
    figures,
};

const NOISE: [f32; 7] = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0];

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    activation: Activation,
    dropout: f64,
    hidden: Vec<usize>,
    /// Width of the code; 0: a classifier.
    code: usize,
    epochs: usize,
    examples: usize,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let all = [("gelu", Activation::GELU), ("relu", Activation::RELU), ("elu", Activation::ELU)];
    let mut variants = Vec::new();
    for (suffix, dropout) in [("", 0.0), (", dropout", 0.5)] {
        for (name, activation) in all {
            let (epochs, examples) = (s.profile.pick([1, 10, 50]), s.profile.pick([500, 20_000, 60_000]));
            let config = Config { activation, dropout, hidden: vec![128; 8], code: 0, epochs, examples };
            variants.push(Variant::new(format!("{name}{suffix}"), config));
        }
    }
    for (name, activation) in all {
        let (epochs, examples) = (s.profile.pick([1, 5, 25]), s.profile.pick([500, 10_000, 60_000]));
        let hidden = if s.profile == Profile::Full { vec![1000, 500, 250] } else { vec![256, 128, 64] };
        let config = Config { activation, dropout: 0.0, hidden, code: 30, epochs, examples };
        variants.push(Variant::new(format!("ae {name}"), config));
    }
    variants
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let c: Config = v.config()?;
    let digits = common::digits(run)?;
    if c.code > 0 {
        let optimizer = OptimizerConfig::new(Adam::default()).rate(1e-3);
        let rebuilding = Rebuilding { optimizer, epochs: c.epochs, batch: 64 };
        let net = pictures(&c.hidden, c.code, c.activation, Init::HE_NORMAL);
        let rebuilder = rebuilding.learn(&net, digits.train.head(c.examples).x.view(), seed)?;
        rebuilder.draw("ae loss", run);
        return Ok(metrics([("error", rebuilder.error(digits.test.x.view())?)]));
    }
    let learning =
        Learning { activation: c.activation, dropout: c.dropout, ..Learning::new(&c.hidden, c.epochs, c.examples) };
    let learned = learning.learn(&digits.train, seed)?;
    learned.draw(run);
    let mut u = vec![0.0f32; digits.test.x.len()];
    Stream::new(seed).child("noise").uniform(0, &mut u);
    let u = Array2::from_shape_vec(digits.test.x.dim(), u).unwrap_or_default();
    let mut errors = Vec::new();
    for a in NOISE {
        let noisy = &digits.test.x + &u.mapv(|u| a * (2.0 * u - 1.0));
        errors.push(100.0 * learned.error_at(noisy.view(), &digits.test.y)?);
    }
    run.curve("noise", NOISE.map(f64::from), errors.iter().copied());
    Ok(metrics([
        ("train_loss", learned.losses[learned.losses.len() - 1]),
        ("test_error", errors[0] / 100.0),
        ("error_noise_1", errors[2] / 100.0),
    ]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let loss = Chart::new("Training loss, 784-8x128-10", Axis::new("epoch"), Axis::new("loss (nats)").log());
    let noise = Chart::new("Noise U(-a, a) on the pixels", Axis::new("a"), Axis::new("test error (%)"));
    let ae = Chart::new("Autoencoder", Axis::new("epoch"), Axis::new("squared error a picture"));
    Ok(vec![
        Figure::new(
            "loss",
            "Training loss by epoch; bands over all seeds.",
            lines(&loss, &common::bands(r, "loss", |_| true)),
        )?,
        Figure::new(
            "noise",
            "Test error under uniform noise that was not in training; bands over all seeds.",
            lines(&noise, &common::bands(r, "noise", |v| !v.name.contains("dropout"))),
        )?,
        Figure::new(
            "autoencoder",
            "Training error of the autoencoders by epoch; bands over all seeds.",
            lines(&ae, &common::bands(r, "ae loss", |_| true)),
        )?,
    ])
}
