//! Self-normalising networks: the fixed point, fifty layers, and ranks on tables.

use super::prelude::*;
use crate::figure::critical_difference;
use crate::results::significant;
use layerwise::datasets::catalog::{self, DataDir};
use layerwise::datasets::{Missing, Scaler, ScalerKind, split};
use layerwise::nn::layer::{ActivationConfig, AlphaDropoutConfig, LinearConfig};
use layerwise::nn::{Module, SequentialModelConfig};
use layerwise::train::{EarlyStopping, Monitor};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "selu-snn",
    question: "Do SELU networks keep mean 0 and variance 1 by themselves, and are they better on tables?",
    claim: "SELU networks normalise themselves; on tables they beat networks with batch normalisation.",
    protocol: "Fixed point: mean and variance of SELU of a standard normal variable by quadrature. Layers: 50 layers of 256 units, \
               LeCun's weights, standard normal inputs, batch of 1 024; the same with ReLU and He's weights. Tables: iris, wine, wdbc, \
               dermatology, pima, heart, vertebral, hepatitis and optdigits; standardised; 3 hidden layers of 256 units; SNN (SELU, \
               LeCun, alpha dropout 0.05), ReLU with He's weights, batch norm, layer norm (both ReLU), residual (ReLU); dropout 0.05 for \
               all; SGD at 0.01 with momentum 0.9, batches of 64, at most 100 epochs with early stopping (15 % for validation, patience \
               10); a quarter of the rows for the test, drawn for each seed. Rank of the accuracy on each table, mean over seeds; \
               Friedman and Nemenyi.",
    anchor: Anchor {
        text: "121 tables, difference of the mean rank: SNN -0.756, ReLU with He -0.240, layer norm -0.198, residual 0.273, batch norm \
               0.504; accuracies in appendix A.11",
        source: "G. Klambauer et al., Self-normalizing neural networks, NIPS 2017, Tables 1 and A11",
        tag: Tag::V,
    },
    data: &[TABLES],
    tour: false,
    seeds: [1, 5, 10],
    seconds: [8.0, 240.0, 1800.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::exact("fixed-point", "mean and variance of SELU(z), z standard normal, are 0 and 1 within 1e-12", Side::AtMost, 1e-12, |r| {
            r.largest(&["fixed point"], "off")
        })
        .from("Klambauer et al. 2017, theorem 1"),
        Criterion::interval("mean", "after 50 layers of SELU the mean's absolute value is below 0.05", Side::Below, 0.05, |r| {
            r.mean("layers selu", "mean")
        })
        .from("Klambauer et al. 2017"),
        Criterion::interval("variance", "and the variance is within 0.1 of 1", Side::Below, 0.1, |r| {
            r.mean("layers selu", "variance_off")
        })
        .from("Klambauer et al. 2017; the suite's bound"),
        Criterion::exact(
            "rank",
            "on the tables the SNN's mean rank is not worse than batch norm's",
            Side::AtMost,
            0.0,
            |r| {
                let ranks = mean_ranks(r)?;
                Some(Estimate::exact(ranks[0] - ranks[2]))
            },
        )
        .on("tabular")
        .published(-1.26, "-0.756 less 0.504", Tag::V)
        .from("Klambauer et al. 2017, Table 1")
        .because("no cause was found; nine tables of the 121, with one rate and one shape for all methods."),
        Criterion::exact(
            "accuracies",
            "the SNN's mean accuracy is within 3 points of the published one on optdigits, wine, iris, wdbc, dermatology and pima \
             (estimate: largest distance)",
            Side::AtMost,
            0.03,
            |r| {
                let off = |(name, published): &(&str, f64)| Some((r.mean(name, "snn")?.value - published).abs());
                PUBLISHED.iter().map(off).collect::<Option<Vec<_>>>()?.into_iter().reduce(f64::max).map(Estimate::exact)
            },
        )
        .on("tabular")
        .from("Klambauer et al. 2017, Table A11; one split there, so several points of chance on the small ones")
        .because("one table, dermatology, lies four to five points above the published single split."),
    ],
    figures,
};

const TABLES: Need = Need { set: "tabular", without: "only the fixed point and the layers are looked at" };
const NAMES: [&str; 9] = [
    "iris",
    "wine",
    "wdbc",
    "dermatology",
    "pima_diabetes",
    "heart_cleveland",
    "vertebral_3class",
    "hepatitis",
    "optdigits",
];
const METHODS: [&str; 5] = ["snn", "relu", "batch_norm", "layer_norm", "residual"];
const PUBLISHED: [(&str, f64); 6] = [
    ("optdigits", 0.9711),
    ("wine", 0.9773),
    ("iris", 0.9730),
    ("wdbc", 0.9789),
    ("dermatology", 0.9231),
    ("pima_diabetes", 0.7552),
];

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    layers: usize,
    width: usize,
    epochs: usize,
    rate: f64,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let stack = Config { layers: 50, width: 256, epochs: 0, rate: 0.0 };
    let table = Config { layers: 3, width: 256, epochs: s.profile.pick([2, 100, 300]), rate: 0.01 };
    let mut all = vec![
        Variant::new("fixed point", stack.clone()).with_seeds(1),
        Variant::new("layers selu", stack.clone()),
        Variant::new("layers relu", stack),
    ];
    if s.data.has("tabular") {
        let names = if s.profile == Profile::Smoke { &NAMES[..2] } else { &NAMES[..] };
        all.extend(names.iter().map(|n| Variant::new(*n, table.clone())));
    }
    all
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let config: Config = v.config()?;
    match v.name.as_str() {
        "fixed point" => Ok(metrics([("off", fixed_point())])),
        "layers selu" => propagated(&config, Activation::SELU, Init::LECUN_NORMAL, seed, run),
        "layers relu" => propagated(&config, Activation::RELU, Init::HE_NORMAL, seed, run),
        name => table(&config, name, seed, run),
    }
}

/// How far mean and variance of SELU of a standard normal variable are from 0 and 1, by Simpson's rule on either side of the kink.
fn fixed_point() -> f64 {
    const N: usize = 20_000;
    let moment = |power: i32| {
        let density = |z: f64| (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
        let side = |from: f64, to: f64| {
            let h = (to - from) / N as f64;
            let f = |i: usize| {
                let z = from + h * i as f64;
                Activation::SELU.value(z).powi(power) * density(z)
            };
            let weight = |i: usize| if i == 0 || i == N { 1.0 } else { 2.0 + 2.0 * (i % 2) as f64 };
            (0..=N).map(|i| weight(i) * f(i)).sum::<f64>() * h / 3.0
        };
        side(-12.0, 0.0) + side(0.0, 12.0)
    };
    let mean = moment(1);
    mean.abs().max((moment(2) - mean * mean - 1.0).abs())
}

fn propagated(
    c: &Config,
    activation: Activation,
    init: Init,
    seed: u64,
    run: &mut Run<'_>,
) -> Result<Metrics, ExperimentError> {
    let net = Mlp::builder(c.width).hidden(&vec![c.width; c.layers]).outputs(1).activation(activation).bias(false);
    let (mlp, params) = net.init(init).create::<f32>(seed)?;
    let mut values = vec![0.0f32; 1_024 * c.width];
    Stream::new(seed).child("input").normal(0, &mut values);
    let x = Array2::from_shape_vec((1_024, c.width), values).unwrap_or_default();
    let hidden = common::hidden(&mlp, &params, x.view());
    let moments: Vec<(f64, f64)> = hidden
        .iter()
        .map(|h| {
            let h = h.mapv(f64::from);
            (h.mean().unwrap_or(f64::NAN), h.var(0.0))
        })
        .collect();
    let layers = || (1..=c.layers).map(|l| l as f64);
    run.curve("mean", layers(), moments.iter().map(|m| m.0));
    run.curve("variance", layers(), moments.iter().map(|m| m.1));
    let (mean, variance) = moments[c.layers - 1];
    Ok(metrics([("mean", mean.abs()), ("variance", variance), ("variance_off", (variance - 1.0).abs())]))
}

fn table(c: &Config, name: &str, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let root = run.data.root().unwrap_or(std::path::Path::new("."));
    let all = catalog::tabular(&DataDir::new(root), name)?.labelled::<f64>(Missing::Mean)?;
    let stream = Stream::new(seed).child("split").child(name);
    let outer = split::stratified_split(&all.y, 0.25, &stream.child("test"));
    let (rest, test) = (all.take(&outer.train), all.take(&outer.test));
    let inner = split::stratified_split(&rest.y, 0.15, &stream.child("validation"));
    let (train, held) = (rest.take(&inner.train), rest.take(&inner.test));
    let scaler = Scaler::fit(ScalerKind::Standard, train.x.view());
    let plain = |data: &Labelled<f64>| scaler.transform(data.x.view()).mapv(|v| v as f32);
    let parts = Parts { x: [plain(&train), plain(&held), plain(&test)], y: [train.y, held.y, test.y] };
    let cols = parts.x[0].ncols();
    let mut found = Metrics::new();
    for method in METHODS {
        let hidden = vec![c.width; c.layers];
        let net = Mlp::builder(cols).hidden(&hidden).outputs(all.classes).dropout(0.05).init(Init::HE_NORMAL);
        let accuracy = match method {
            "snn" => {
                let mut net = SequentialModelConfig::new(cols);
                for width in hidden {
                    net = net
                        .then(&LinearConfig::new(width).init(Init::LECUN_NORMAL))
                        .then(&ActivationConfig::new(Activation::SELU))
                        .then(&AlphaDropoutConfig::new(0.05));
                }
                let net = net.then(&LinearConfig::new(all.classes).init(Init::LECUN_NORMAL));
                let (model, params) = net.create::<f32>(seed)?;
                fitted(c, &model, params, &parts, seed)?
            }
            other => {
                let net = match other {
                    "batch_norm" => net.norm(Norm::Batch),
                    "layer_norm" => net.norm(Norm::Layer),
                    "residual" => net.residual(true),
                    _ => net,
                };
                let (model, params) = net.create::<f32>(seed)?;
                fitted(c, &model, params, &parts, seed)?
            }
        };
        found.insert(method.into(), accuracy);
    }
    Ok(found)
}

/// Training, validation and test rows.
struct Parts {
    x: [Array2<f32>; 3],
    y: [Vec<u32>; 3],
}

/// Accuracy on the test rows after training with early stopping.
fn fitted<M: Module<f32>>(
    c: &Config,
    model: &M,
    mut params: Params<f32>,
    parts: &Parts,
    seed: u64,
) -> Result<f64, ExperimentError> {
    let [train, held, test] = &parts.x;
    let rule = layerwise::optim::Sgd::default().momentum(0.9);
    let stop = EarlyStopping::new(10).monitor(Monitor::ValidationLoss).restore_best(true);
    Trainer::new(model, SoftmaxCrossEntropy)
        .rule(rule)
        .rate(c.rate)
        .epochs(c.epochs)
        .batch(64)
        .seed(seed)
        .validation(Samples::labels(held.view(), &parts.y[1])?)
        .callback(stop)
        .fit(&mut params, &Samples::labels(train.view(), &parts.y[0])?)?;
    common::accuracy(model, &params, test.view(), &parts.y[2])
}

/// Tables in rows, methods in columns: mean accuracy over the seeds.
fn accuracies(r: &Results) -> Vec<(String, Vec<f64>)> {
    let tables = r.variants.iter().filter(|v| NAMES.contains(&v.name.as_str()) && v.first().is_some());
    tables.map(|v| (v.name.clone(), METHODS.iter().map(|m| stats::mean(&v.values(m))).collect())).collect()
}

/// Mean rank of each method over the tables, 1 the best.
fn mean_ranks(r: &Results) -> Option<Vec<f64>> {
    let rows: Vec<Vec<f64>> = accuracies(r).into_iter().map(|(_, row)| row).collect();
    (!rows.is_empty()).then(|| stats::friedman(&rows).mean_ranks)
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let mean = Chart::new("Mean of the values", Axis::new("layer"), Axis::new("mean"));
    let variance = Chart::new("Variance of the values", Axis::new("layer"), Axis::new("variance").log());
    let mut all = vec![
        Figure::new(
            "mean",
            "Mean of the values after each of 50 layers at birth; bands over all seeds.",
            lines(&mean, &common::bands(r, "mean", |_| true)),
        )?,
        Figure::new(
            "variance",
            "Their variance. ReLU with He's weights keeps it on average over draws, not in each.",
            lines(&variance, &common::bands(r, "variance", |_| true)),
        )?,
    ];
    let rows = accuracies(r);
    if rows.len() > 2 {
        let names: Vec<String> = rows.iter().map(|(n, _)| n.clone()).collect();
        // Longer names would run into each other under the bars.
        let short: Vec<String> = names.iter().map(|n| n.split('_').next().unwrap_or(n).to_string()).collect();
        let methods: Vec<String> = METHODS.map(|m| m.replace('_', " ")).into();
        let values: Vec<Vec<f64>> = rows.into_iter().map(|(_, row)| row).collect();
        let test = stats::friedman(&values);
        let bars_values: Vec<Vec<(f64, f64)>> =
            names.iter().map(|n| METHODS.iter().map(|m| common::bar(r, n, m, 100.0)).collect()).collect();
        let chart = Chart::new("Accuracy on tables", Axis::new("table"), Axis::new("test accuracy (%)"));
        all.push(Figure::new(
            "tables",
            "Mean accuracy over seeds, which draw the test rows anew, with its 95 % interval.",
            bars(&chart, &short, &methods, &bars_values),
        )?);
        let caption = format!(
            "Mean ranks over {} tables, best on the left (Friedman p = {}); methods under one bar are not told apart by Nemenyi's \
             test at 5 %.",
            names.len(),
            significant(test.p, 2)
        );
        all.push(Figure::new("ranks", caption, critical_difference("Mean ranks", &methods, &test))?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selu_has_its_fixed_point() {
        assert!(fixed_point() < 1e-12);
    }
}
