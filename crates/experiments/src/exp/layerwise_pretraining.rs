//! Greedy layerwise pretraining of a deep sigmoid autoencoder, and the modern way without it.

use super::prelude::*;
use super::rebuilder::rebuilding_error;
use layerwise::autoencoder::pretrain::Pretraining;
use layerwise::optim::{Adam, OptimizerConfig, Sgd};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "layerwise-pretraining",
    question: "Does layerwise pretraining rescue a deep sigmoid autoencoder, and is it still needed?",
    claim: "From random weights a deep autoencoder rebuilds only the mean image; pretrained layer by layer it learns.",
    protocol: "784-256-128-64-30 and back on 10 000 digits (1000-500-250-30 on 60 000 under full), sigmoid throughout, linear code, \
               batches of 100. Random: weights N(0, 0.01^2), SGD at 0.1 with momentum 0.9 on the squared error summed over pixels and \
               divided by 100, 40 epochs. Pretrained: each layer as an autoencoder of one hidden layer by Adam at 0.003, \
               5 epochs, then as many epochs of the whole by the same SGD as remain, so that both see as many examples. Adam: \
               Glorot's weights, Adam at 0.003, the same number of epochs in all. Squared error a test image.",
    anchor: Anchor {
        text: "without pretraining the deep autoencoder always reconstructs the average of the training data (52.9 a test image); \
               pretrained 3.00",
        source: "G. Hinton and R. Salakhutdinov, Science 2006; Y. Bengio et al., NIPS 2006",
        tag: Tag::V2,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 3, 3],
    seconds: [8.0, 220.0, 2400.0],
    grain: Grain::Tiles,
    variants,
    run,
    criteria: &[
        Criterion::interval(
            "random-stays",
            "from small random weights the error stays at 45 or more",
            Side::AtLeast,
            45.0,
            |r| r.mean("random", "error"),
        )
        .on("mnist")
        .published(52.9, "the mean image", Tag::R)
        .from("the suite's bound"),
        Criterion::interval(
            "pretrained-quick",
            "pretrained it ends at 25 or less even with the small budget",
            Side::AtMost,
            25.0,
            |r| r.mean("pretrained", "error"),
        )
        .on("mnist")
        .from("half of the mean image's"),
        Criterion::interval("pretrained", "with the full one at 12 or less", Side::AtMost, 12.0, |r| {
            r.mean("pretrained", "error")
        })
        .on("mnist")
        .under(Profile::Full)
        .from("the suite's bound"),
        Criterion::interval(
            "not-needed",
            "Glorot's weights and Adam end at 25 or less without pretraining",
            Side::AtMost,
            25.0,
            |r| r.mean("glorot, adam", "error"),
        )
        .on("mnist")
        .from("the honest control"),
    ],
    figures,
};

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    hidden: Vec<usize>,
    /// Epochs a layer before the whole.
    pretrain: usize,
    /// Epochs in all, a layer's counted as one of the whole.
    epochs: usize,
    examples: usize,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let hidden = if s.profile == Profile::Full { vec![1000, 500, 250] } else { vec![256, 128, 64] };
    let (epochs, examples) = (s.profile.pick([6, 40, 40]), s.profile.pick([300, 10_000, 60_000]));
    let of = |name: &str, pretrain| Variant::new(name, Config { hidden: hidden.clone(), pretrain, epochs, examples });
    vec![of("random", 0), of("pretrained", s.profile.pick([1, 5, 5])), of("glorot, adam", 0)]
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let c: Config = v.config()?;
    let digits = common::digits(run)?;
    let train = digits.train.head(c.examples);
    let modern = v.name == "glorot, adam";
    let small = Init::NORMAL.with("std", 0.01)?;
    let init = if v.name == "random" { small } else { Init::GLOROT_UNIFORM };
    let net = pictures(&c.hidden, 30, Activation::SIGMOID, init);
    let adam = OptimizerConfig::new(Adam::default()).rate(3e-3);
    // A hundredth of the sum over 784 pixels is 7.84 times the mean.
    let descent = OptimizerConfig::new(Sgd::default().momentum(0.9)).rate(0.1 * 7.84);
    let (model, params) = if c.pretrain > 0 {
        let pretraining = Pretraining::new(net).epochs(c.pretrain).fine_tuning(0).batch(100).seed(seed);
        let pretrained = pretraining.optimizer(adam.clone()).fit(train.x.view())?;
        (pretrained.model, pretrained.params)
    } else {
        net.create::<f32>(seed)?
    };
    let born = rebuilding_error(&model, &params, digits.test.x.view())?;
    let spent = c.pretrain * if c.pretrain > 0 { c.hidden.len() + 1 } else { 0 };
    let epochs = c.epochs.saturating_sub(spent).max(1);
    let optimizer = if modern { adam } else { descent };
    let rebuilder = Rebuilding { optimizer, epochs, batch: 100 }.go_on(model, params, train.x.view(), seed)?;
    let stages = &rebuilder.errors;
    run.curve("error", (1..=stages.len()).map(|e| (e + spent) as f64), stages.iter().copied());
    Ok(metrics([("error", rebuilder.error(digits.test.x.view())?), ("before_fine_tuning", born)]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let course = Chart::new(
        "Training of the whole",
        Axis::new("epoch, those of single layers included"),
        Axis::new("squared error an image").log(),
    );
    let names = ["random", "pretrained", "glorot, adam"];
    let labels: Vec<String> = names.map(String::from).into();
    let values: Vec<Vec<(f64, f64)>> =
        names.iter().map(|n| ["before_fine_tuning", "error"].map(|m| common::bar(r, n, m, 1.0)).to_vec()).collect();
    let chart =
        Chart::new("Test error before and after", Axis::new("training"), Axis::new("squared error a test image"));
    Ok(vec![
        Figure::new(
            "course",
            "Training error by epoch; bands over all seeds. The mean image has 52.9.",
            lines(&course, &common::bands(r, "error", |_| true)),
        )?,
        Figure::new(
            "error",
            "Squared error a test image before and after the training of the whole; mean over seeds with its 95 % interval.",
            bars(&chart, &labels, &["before".into(), "after".into()], &values),
        )?,
    ])
}
