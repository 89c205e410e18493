//! ELU against ReLU and leaky ReLU: activations near zero, training loss, autoencoders.

use super::prelude::*;
use layerwise::optim::{OptimizerConfig, Sgd};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "elu-mnist",
    question: "Do negative values of ELU bring activations nearer to zero, and does that speed learning?",
    claim: "ELU pushes mean activations towards zero and learns faster than ReLU and leaky ReLU.",
    protocol: "(a) 784-8x128-10, He's weights, SGD at 0.01, batches of 64, 8 epochs of 20 000 digits (60 of 60 000 under full): ELU with \
               alpha 1, ReLU, leaky ReLU with slope 0.1; median over units and 300 test images of the hidden values at the end. (b) \
               Autoencoder 784-256-128-64-30 and back (1000-500-250-30 under full) with sigmoid output, He's weights, SGD at 0.01 and \
               0.001 on the squared error summed over pixels (halved), batches of 64, 5 epochs of 10 000 digits (60 of 60 000 under \
               full); squared error a test image.",
    anchor: Anchor {
        text: "ELU: median activation nearest 0, fastest fall of the training loss (Fig. 2), lowest autoencoder error at every rate \
               (Fig. 3); curves only",
        source: "D.-A. Clevert et al., Fast and accurate deep network learning by exponential linear units, ICLR 2016",
        tag: Tag::V,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 3, 5],
    seconds: [8.0, 240.0, 4500.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::interval(
            "nearest-zero",
            "the median of ELU's hidden values is nearer to zero than leaky ReLU's",
            Side::Below,
            0.0,
            |r| common::paired(r, ("elu", "median"), ("leaky", "median"), |a, b| a.abs() - b.abs()),
        )
        .from("Clevert et al. 2016, Fig. 2"),
        Criterion::interval("leaky-before-relu", "leaky ReLU's is nearer than ReLU's", Side::Below, 0.0, |r| {
            common::paired(r, ("leaky", "mean"), ("relu", "mean"), |a, b| a.abs() - b.abs())
        })
        .from("Clevert et al. 2016, Fig. 2; by the mean, since ReLU's median is 0 when half of its units are off"),
        Criterion::interval("faster", "ELU's training loss at the end is below ReLU's", Side::Below, 0.0, |r| {
            r.difference("elu", "relu", "train_loss")
        })
        .from("Clevert et al. 2016, Fig. 2"),
        Criterion::interval(
            "autoencoder-high",
            "at rate 0.01 the ELU autoencoder's test error is below ReLU's",
            Side::Below,
            0.0,
            |r| r.difference("ae elu 0.01", "ae relu 0.01", "error"),
        )
        .from("Clevert et al. 2016, Fig. 3"),
        Criterion::interval("autoencoder-low", "and at 0.001", Side::Below, 0.0, |r| {
            r.difference("ae elu 0.001", "ae relu 0.001", "error")
        })
        .from("Clevert et al. 2016, Fig. 3"),
    ],
    figures,
};

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    activation: Activation,
    hidden: Vec<usize>,
    /// Width of the code; 0: a classifier.
    code: usize,
    rate: f64,
    epochs: usize,
    examples: usize,
}

fn activations() -> [(&'static str, Activation); 3] {
    let leaky = Activation::LEAKY_RELU.with("slope", 0.1).unwrap_or(Activation::LEAKY_RELU);
    [("elu", Activation::ELU), ("relu", Activation::RELU), ("leaky", leaky)]
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let mut all = Vec::new();
    for (name, activation) in activations() {
        let (epochs, examples) = (s.profile.pick([1, 8, 60]), s.profile.pick([500, 20_000, 60_000]));
        let hidden = vec![128; 8];
        all.push(Variant::new(name, Config { activation, hidden, code: 0, rate: 0.01, epochs, examples }));
    }
    let full = s.profile == Profile::Full;
    for rate in [0.01, 0.001] {
        for (name, activation) in activations() {
            let (epochs, examples) = (s.profile.pick([1, 5, 60]), s.profile.pick([500, 10_000, 60_000]));
            let hidden = if full { vec![1000, 500, 250] } else { vec![256, 128, 64] };
            let config = Config { activation, hidden, code: 30, rate, epochs, examples };
            all.push(Variant::new(format!("ae {name} {rate}"), config));
        }
    }
    all
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let c: Config = v.config()?;
    let digits = common::digits(run)?;
    if c.code > 0 {
        // Half the sum over pixels: 392 times the mean.
        let optimizer = OptimizerConfig::new(Sgd::default()).rate(392.0 * c.rate);
        let rebuilding = Rebuilding { optimizer, epochs: c.epochs, batch: 64 };
        let net = pictures(&c.hidden, c.code, c.activation, Init::HE_NORMAL);
        let rebuilder = rebuilding.learn(&net, digits.train.head(c.examples).x.view(), seed)?;
        rebuilder.draw("ae loss", run);
        return Ok(metrics([("error", rebuilder.error(digits.test.x.view())?)]));
    }
    let learning = Learning {
        activation: c.activation,
        rule: sgd(),
        rate: c.rate,
        batch: 64,
        ..Learning::new(&c.hidden, c.epochs, c.examples)
    };
    let learned = learning.learn(&digits.train, seed)?;
    learned.draw(run);
    let hidden = common::hidden(&learned.model, &learned.params, digits.test.x.slice(s![..300, ..]));
    let values: Vec<f64> = hidden.iter().flat_map(|h| h.iter().map(|v| f64::from(*v))).collect();
    Ok(metrics([
        ("median", stats::median(&values)),
        ("mean", stats::mean(&values)),
        ("train_loss", learned.losses[learned.losses.len() - 1]),
        ("test_error", learned.error(&digits.test)?),
    ]))
}

/// Squared error a picture by epoch and on the test images.
fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let loss = Chart::new("Training loss, 784-8x128-10", Axis::new("epoch"), Axis::new("loss (nats)").log());
    let ae = Chart::new("Autoencoder", Axis::new("epoch"), Axis::new("squared error a picture").log());
    let (names, values) = common::bars_of(r, &["elu", "leaky", "relu"], "median", 1.0);
    let chart = Chart::new("Median of the hidden values", Axis::new("activation"), Axis::new("median"));
    Ok(vec![
        Figure::new(
            "median",
            "Median over hidden units and 300 images after training; mean over seeds with its 95 % interval.",
            bars(&chart, &names, &["median".into()], &values),
        )?,
        Figure::new(
            "loss",
            "Training loss by epoch; bands over all seeds.",
            lines(&loss, &common::bands(r, "loss", |_| true)),
        )?,
        Figure::new(
            "autoencoder",
            "Training error of the autoencoders by epoch at two rates; bands over all seeds.",
            lines(&ae, &common::bands(r, "ae loss", |_| true)),
        )?,
    ])
}
