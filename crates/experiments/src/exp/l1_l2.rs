//! L1 and L2: against closed forms, and on digits over the size of the penalty.

use super::common::{self, DIGITS};
use crate::criterion::{Criterion, Estimate, Kind, Side};
use crate::error::ExperimentError;
use crate::experiment::{Anchor, Experiment, Grain, Metrics, Profile, Run, Settings, Tag, Variant, metrics};
use crate::figure::{Axis, Chart, Figure, Series, lines};
use crate::results::{Results, estimate};
use layerwise::nn::{BuildModel, Init, Mlp, SoftmaxCrossEntropy};
use layerwise::optim::{L1Style, OptimError, OptimizerConfig, Sgd};
use layerwise::tensor::{Constant, Gradients, Layout, ParamKind, Params, Stream};
use layerwise::train::{Samples, Trainer};
use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "l1-l2",
    question: "Do the penalties on weights do what their formulas say, and how much of them is good?",
    claim: "L2 shrinks all weights, L1 sets weights to zero; a penalty of the right size helps on new data, one too large hurts.",
    protocol: "Exact: least squares with 200 rows and 20 columns, full gradients in f64; L2 on normal columns against the ridge's closed \
               form, L1 on orthogonal columns against soft thresholds, once by proximal steps, once by subgradients. Digits: \
               784-128-10 ReLU on 1 000 digits, SGD with momentum 0.9 at 0.05, batches of 50, 60 epochs; the penalty is chosen by the \
               error on 5 000 other training digits, and judged on the test digits.",
    anchor: Anchor {
        text: "ridge: (X'X/n + l I)^-1 X'y/n; lasso on orthogonal columns: sign(b) max(|b| - l, 0)",
        source: "A. E. Hoerl and R. W. Kennard 1970; R. Tibshirani 1996; closed forms",
        tag: Tag::V,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 5, 10],
    seconds: [3.0, 90.0, 900.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        exact("ridge", "L2 ends within 1e-6 of the ridge's closed form", 1e-6, |r| r.largest(&[RIDGE], "error")),
        exact("lasso", "L1 by proximal steps ends within 1e-6 of the soft thresholds", 1e-6, |r| {
            r.largest(&[PROXIMAL], "error")
        }),
        exact("zeros", "it sets exactly those weights to zero that the closed form does", 0.0, |r| {
            r.largest(&[PROXIMAL], "zeros_missed")
        }),
        exact("no-zeros", "by subgradients not a single weight is zero at the end", 0.0, |r| {
            r.largest(&[SUBGRADIENT], "zeros")
        }),
        Criterion {
            id: "helps",
            statement: "on the test digits the penalty that was chosen on others has a lower error than none",
            threshold: 0.0,
            side: Side::Above,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: Some("mnist"),
            published: None,
            source: "the claim of the slide",
            cause: "",
            estimate: |r| against_chosen(r, &name(PENALTIES[0])),
        },
        Criterion {
            id: "too-much-hurts",
            statement: "and than the largest",
            threshold: 0.0,
            side: Side::Above,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: Some("mnist"),
            published: None,
            source: "the curve over the penalty is U-shaped",
            cause: "",
            estimate: |r| against_chosen(r, &name(PENALTIES[PENALTIES.len() - 1])),
        },
    ],
    figures,
};

const RIDGE: &str = "ridge";
const PROXIMAL: &str = "lasso, proximal";
const SUBGRADIENT: &str = "lasso, subgradient";
const PENALTIES: [f64; 7] = [0.0, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2];

fn name(penalty: f64) -> String {
    format!("digits l2={penalty}")
}

/// A criterion on what no seed may break.
const fn exact(
    id: &'static str,
    statement: &'static str,
    threshold: f64,
    estimate: fn(&Results) -> Option<Estimate>,
) -> Criterion {
    Criterion {
        id,
        statement,
        threshold,
        side: Side::AtMost,
        kind: Kind::Exact,
        profile: Profile::Smoke,
        needs: None,
        published: None,
        source: "closed form",
        cause: "",
        estimate,
    }
}

/// The penalty with the least error on the digits for choosing, on the average over seeds.
fn chosen(r: &Results) -> Option<String> {
    let mut all = Vec::new();
    for penalty in PENALTIES {
        all.push((r.mean(&name(penalty), "valid_error")?.value, name(penalty)));
    }
    all.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

fn against_chosen(r: &Results, other: &str) -> Option<Estimate> {
    let chosen = chosen(r)?;
    if chosen == other {
        return estimate(&r.values(other, "test_error").iter().map(|_| 0.0).collect::<Vec<_>>());
    }
    r.difference(other, &chosen, "test_error")
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    penalty: f64,
    examples: usize,
    epochs: usize,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let of = |name: &str, penalty, examples, epochs| Variant::new(name, Config { penalty, examples, epochs });
    let mut all = vec![of(RIDGE, 0.1, 200, 4_000), of(PROXIMAL, 0.3, 200, 2_000), of(SUBGRADIENT, 0.3, 200, 2_000)];
    let (examples, epochs) = (s.profile.pick([200, 1_000, 1_000]), s.profile.pick([3, 60, 60]));
    all.extend(PENALTIES.iter().map(|p| of(&name(*p), *p, examples, epochs)));
    all
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let config: Config = v.config()?;
    match v.name.as_str() {
        RIDGE => ridge(&config, seed),
        PROXIMAL => lasso(&config, seed, L1Style::Proximal),
        SUBGRADIENT => lasso(&config, seed, L1Style::Subgradient),
        _ => digits(&config, seed, run),
    }
}

const COLUMNS: usize = 20;

/// Normal columns and targets that every second of them bears on, with noise.
fn table(rows: usize, seed: u64) -> (DMatrix<f64>, DVector<f64>) {
    let stream = Stream::new(seed).child("table");
    let normal = |name: &str, n: usize| {
        let mut values = vec![0.0; n];
        stream.child(name).normal(0, &mut values);
        values
    };
    let x = DMatrix::from_vec(rows, COLUMNS, normal("columns", rows * COLUMNS));
    let w = DVector::from_fn(COLUMNS, |j, _| if j % 2 == 0 { 1.0 + j as f64 / 10.0 } else { 0.0 });
    let y = &x * w + DVector::from_vec(normal("noise", rows)) * 0.5;
    (x, y)
}

/// Where gradient descent on `|Xw - y|^2 / 2n` with a penalty ends.
fn descend(
    x: &DMatrix<f64>,
    y: &DVector<f64>,
    config: OptimizerConfig,
    steps: usize,
) -> Result<DVector<f64>, OptimError> {
    let mut layout = Layout::new();
    let id = layout.scope().param("w", ParamKind::Weight, 1, COLUMNS, Constant(0.0));
    let mut params = Params::<f64>::init(layout, &Stream::new(0));
    let mut grads = Gradients::new(&params);
    let mut optimizer = config.build(&params)?;
    for _ in 0..steps {
        let w = DVector::from_column_slice(params.get(id));
        let gradient = x.tr_mul(&(x * w - y)) / y.len() as f64;
        grads.clear();
        grads.slot(id).0.copy_from_slice(gradient.as_slice());
        optimizer.step(&mut params, &mut grads);
    }
    Ok(DVector::from_column_slice(params.get(id)))
}

fn ridge(config: &Config, seed: u64) -> Result<Metrics, ExperimentError> {
    let (x, y) = table(config.examples, seed);
    let n = config.examples as f64;
    let settings = OptimizerConfig::new(Sgd::default()).rate(0.1).weight_decay(config.penalty);
    let found = descend(&x, &y, settings, config.epochs).map_err(failed)?;
    let normal = x.tr_mul(&x) / n + DMatrix::identity(COLUMNS, COLUMNS) * config.penalty;
    let exact = normal
        .cholesky()
        .ok_or_else(|| ExperimentError::Training("the normal equations are singular".into()))?
        .solve(&(x.tr_mul(&y) / n));
    Ok(metrics([("error", (found - exact).amax())]))
}

fn lasso(config: &Config, seed: u64, style: L1Style) -> Result<Metrics, ExperimentError> {
    let (x, y) = table(config.examples, seed);
    let n = config.examples as f64;
    // Orthogonal columns of mean square 1.
    let x = x.qr().q() * n.sqrt();
    let settings = OptimizerConfig::new(Sgd::default()).rate(0.1).l1(config.penalty).l1_style(style);
    let found = descend(&x, &y, settings, config.epochs).map_err(failed)?;
    let exact = (x.tr_mul(&y) / n).map(|b| b.signum() * (b.abs() - config.penalty).max(0.0));
    let zeros = found.iter().filter(|w| **w == 0.0).count();
    let missed = found.iter().zip(exact.iter()).filter(|(a, b)| (**a == 0.0) != (**b == 0.0)).count();
    let wanted = exact.iter().filter(|w| **w == 0.0).count();
    Ok(metrics([
        ("error", (found - exact).amax()),
        ("zeros", zeros as f64),
        ("zeros_missed", missed as f64),
        ("zeros_wanted", wanted as f64),
    ]))
}

fn failed(e: OptimError) -> ExperimentError {
    ExperimentError::Training(e.to_string())
}

fn digits(config: &Config, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let digits = common::digits(run)?;
    let train = digits.train.head(config.examples);
    let net = Mlp::builder(train.cols()).hidden(&[128]).outputs(10).init(Init::HE_NORMAL);
    let (mlp, mut params) = net.create::<f32>(seed)?;
    let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).epochs(config.epochs).batch(50).seed(seed);
    let trainer = trainer.rule(Sgd::default().momentum(0.9)).rate(0.05).weight_decay(config.penalty);
    trainer.fit(&mut params, &Samples::labels(train.x.view(), &train.y)?)?;
    let end = digits.train.y.len();
    let valid = end.saturating_sub(5_000).max(config.examples)..end;
    let rows = layerwise::tensor::ndarray::s![valid.clone(), ..];
    let valid = common::accuracy(&mlp, &params, digits.train.x.slice(rows), &digits.train.y[valid])?;
    let test = common::accuracy(&mlp, &params, digits.test.x.view(), &digits.test.y)?;
    let norm = mlp.weights().into_iter().flat_map(|w| params.get(w)).map(|w| f64::from(*w).powi(2)).sum::<f64>().sqrt();
    Ok(metrics([("valid_error", 100.0 * (1.0 - valid)), ("test_error", 100.0 * (1.0 - test)), ("weight_norm", norm)]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let chart = Chart::new(
        "Error over the size of the L2 penalty, 1 000 digits",
        Axis::new("penalty (none is drawn at 0.00003)").log(),
        Axis::new("error (%)"),
    );
    let place: Vec<f64> = PENALTIES.iter().map(|p| p.max(3e-5)).collect();
    let series = |label: &str, metric: &str| {
        let seeds = r.values(&name(PENALTIES[0]), metric).len();
        let each: Vec<Vec<f64>> = (0..seeds)
            .map(|s| PENALTIES.iter().filter_map(|p| r.values(&name(*p), metric).get(s).copied()).collect())
            .collect();
        Series::band(label, each.iter().map(|y| (&place[..], &y[..])))
    };
    Ok(vec![Figure::new(
        "penalty",
        "Mean over seeds, bands over all seeds. The penalty is chosen by the other training digits.",
        lines(&chart, &[series("other training digits", "valid_error"), series("test digits", "test_error")]),
    )?])
}
