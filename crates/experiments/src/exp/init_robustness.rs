//! How much the result depends on the first weights, by depth, with and without pretraining.

use super::prelude::*;
use layerwise::autoencoder::AutoencoderConfig;
use layerwise::autoencoder::pretrain::Pretraining;
use layerwise::optim::{OptimizerConfig, Sgd};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "init-robustness",
    question: "Does it pay to try several initialisations?",
    claim: "Results depend on the first weights, the more the deeper the network: try several.",
    protocol: "784-100^d-10, sigmoid, weights U(+-1/sqrt n_in), SGD at 0.1 with momentum 0.9, batches of 32, 20 epochs of 2 000 digits, \
               the same for all; only the first weights and the order of batches differ. 20 seeds a depth (50 under full). With \
               pretraining: the layers first as autoencoders by SGD at 5 with momentum 0.9 on the mean squared error, 5 epochs each, \
               then the same training.",
    anchor: Anchor {
        text: "with 400 seeds the spread of the test error grows with depth without pretraining, and less with it",
        source: "D. Erhan et al., Why does unsupervised pre-training help deep learning?, JMLR 2010",
        tag: Tag::M,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [2, 20, 50],
    seconds: [6.0, 150.0, 900.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::exact(
            "spread-grows",
            "the standard deviation of the test error with four hidden layers is more than 1.5 times that with one (lower end of its \
             bootstrap interval)",
            Side::Above,
            1.5,
            |r| spread_ratio(r, "depth 4", "depth 1").map(|[low, _]| Estimate::exact(low)),
        )
        .from("Erhan et al. 2010; the suite's bound"),
        Criterion::exact(
            "pretraining-steadies",
            "with pretraining it is smaller at four hidden layers than without (upper end of the ratio's interval)",
            Side::Below,
            1.0,
            |r| spread_ratio(r, "depth 4, pretrained", "depth 4").map(|[_, high]| Estimate::exact(high)),
        )
        .from("Erhan et al. 2010")
        .because("without pretraining all networks of four layers stay at chance, which leaves no spread to lower: pretraining \
             makes them learn at all."),
    ],
    figures,
};

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    pretrain: usize,
    learning: Learning,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let (epochs, examples) = (s.profile.pick([2, 20, 20]), s.profile.pick([300, 2_000, 10_000]));
    let of = |depth: usize, pretrain| Config {
        pretrain,
        learning: Learning {
            activation: Activation::SIGMOID,
            init: Init::TORCH_LINEAR,
            rule: momentum(0.9),
            rate: 0.1,
            batch: 32,
            ..Learning::new(&vec![100; depth], epochs, examples)
        },
    };
    let mut all: Vec<Variant> = (1..=4).map(|d| Variant::new(format!("depth {d}"), of(d, 0))).collect();
    all.push(Variant::new("depth 4, pretrained", of(4, s.profile.pick([1, 5, 10]))));
    all
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let config: Config = v.config()?;
    let digits = common::digits(run)?;
    let train = digits.train.head(config.learning.examples);
    let learning = &config.learning;
    let learned = if config.pretrain > 0 {
        let (code, hidden) = learning.hidden.split_last().unwrap_or((&100, &[]));
        let net = AutoencoderConfig::new(train.cols(), *code)
            .hidden(hidden)
            .activation(Activation::SIGMOID)
            .code_activation(Activation::SIGMOID)
            .output_activation(Activation::SIGMOID)
            .init(learning.init);
        let optimizer = OptimizerConfig::new(Sgd::default().momentum(0.9)).rate(5.0);
        let pretraining = Pretraining::new(net).epochs(config.pretrain).fine_tuning(0).batch(32).seed(seed);
        let (mlp, params) = pretraining.optimizer(optimizer).fit(train.x.view())?.with_output(10, seed)?;
        learning.fit(mlp, params, &train, seed)?
    } else {
        learning.learn(&train, seed)?
    };
    run.log(learned.losses.len() as u64, &[("loss", learned.losses.last().copied().unwrap_or(f64::NAN))]);
    Ok(metrics([("error", learned.error(&digits.test)?)]))
}

/// The 95 % bootstrap interval of the ratio of standard deviations, seeds drawn in pairs.
fn spread_ratio(r: &Results, a: &str, b: &str) -> Option<[f64; 2]> {
    let (a, b) = (r.values(a, "error"), r.values(b, "error"));
    if a.len() < 2 || a.len() != b.len() {
        return None;
    }
    let index: Vec<f64> = (0..a.len()).map(|i| i as f64).collect();
    let ratio = |drawn: &[f64]| {
        let of = |values: &[f64]| stats::std(&drawn.iter().map(|i| values[*i as usize]).collect::<Vec<_>>());
        of(&a) / of(&b).max(1e-12)
    };
    stats::bootstrap(&index, ratio, 2_000, Stream::new(2010))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let names = ["depth 1", "depth 2", "depth 3", "depth 4", "depth 4, pretrained"];
    let series: Vec<Series> = names
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let errors: Vec<f64> = r.values(name, "error").iter().map(|e| 100.0 * e).collect();
            let n = errors.len() as f64;
            let x: Vec<f64> = (0..errors.len()).map(|k| i as f64 + 1.0 + 0.4 * (k as f64 / n - 0.5)).collect();
            Series::new(*name, &x, &errors)
        })
        .collect();
    let chart = Chart::new(
        "Test error by first weights",
        Axis::new("hidden layers (5: four, pretrained)"),
        Axis::new("test error (%)"),
    );
    Ok(vec![Figure::new(
        "spread",
        "Test error of networks that differ in nothing but their seed, one point for each.",
        scatter(&chart, &series),
    )?])
}
