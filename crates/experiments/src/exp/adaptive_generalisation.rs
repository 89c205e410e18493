//! Wilson's construction: what adaptive rules learn where every feature but one says nothing about new examples.

use crate::criterion::{Criterion, Kind, Side};
use crate::error::ExperimentError;
use crate::experiment::{Anchor, Experiment, Grain, Metrics, Profile, Run, Settings, Tag, Variant, metrics};
use crate::figure::{Axis, Chart, Figure, bars, lines};
use crate::results::Results;
use layerwise::optim::{OptimizerConfig, rule};
use layerwise::tensor::{Constant, Gradients, Layout, ParamKind, Params, Stream};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::common;

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "adaptive-generalisation",
    question: "Can an adaptive optimizer fit the training data as well as gradient descent and yet be wrong on new data?",
    claim: "Adam may generalise worse than SGD: there are separable problems on which gradient descent makes no error on new data and \
            adaptive rules are wrong on every example of the rarer class.",
    protocol: "Least squares on 200 examples, labels +1 with probability 0.6, else -1. Feature 1 is the label, features 2 and 3 are 1, \
               and every example has features of its own that are 1: one where the label is +1, five where it is -1. Full gradients \
               from zero until the fit is exact. Test: 10 000 new labels, whose own features were never seen. Rates: 0.1 for gradient \
               descent with and without momentum and for AdaGrad, 0.001 for RMSprop and Adam; nothing is tuned.",
    anchor: Anchor {
        text: "gradient descent reaches test error zero, AdaGrad, Adam and RMSprop errors arbitrarily close to one half",
        source: "A. C. Wilson et al., The marginal value of adaptive gradient methods in machine learning, NeurIPS 2017, abstract",
        tag: Tag::V,
    },
    data: &[],
    tour: false,
    seeds: [1, 10, 20],
    seconds: [5.0, 30.0, 60.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion {
            id: "descent-generalises",
            statement: "gradient descent, with and without momentum, makes no error on new data with any seed",
            threshold: 0.0,
            side: Side::AtMost,
            kind: Kind::Exact,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "Wilson et al. 2017, section 3.3: the least-norm solution; follows from its closed form",
            cause: "",
            estimate: |r| r.largest(&DESCENT, "test_error"),
        },
        Criterion {
            id: "adaptive-says-yes",
            statement: "AdaGrad, RMSprop and Adam call every new example positive: the error is the share of negatives, exactly",
            threshold: 0.0,
            side: Side::AtMost,
            kind: Kind::Exact,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "Wilson et al. 2017, lemma 3.1: the solution is a multiple of sign(X'y)",
            cause: "",
            estimate: |r| r.largest(&ADAPTIVE, "from_negatives"),
        },
        Criterion {
            id: "sign-vector",
            statement: "the adaptive solutions point along sign(X'y): the cosine is at least 0.999",
            threshold: 0.001,
            side: Side::AtMost,
            kind: Kind::Exact,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "Wilson et al. 2017, lemma 3.1",
            cause: "",
            estimate: |r| r.largest(&ADAPTIVE, "off_signs"),
        },
        Criterion {
            id: "all-fit",
            statement: "every rule fits the training data: the mean squared residual is at most 0.001",
            threshold: 0.001,
            side: Side::AtMost,
            kind: Kind::Exact,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "without it the comparison would say nothing",
            cause: "",
            estimate: |r| r.largest(&[DESCENT.as_slice(), &ADAPTIVE].concat(), "residual"),
        },
    ],
    figures,
};

const DESCENT: [&str; 2] = ["gradient descent", "momentum"];
const ADAPTIVE: [&str; 3] = ["adagrad", "rmsprop", "adam"];

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    rule: Value,
    rate: f64,
    examples: usize,
    positive: f64,
    steps: usize,
}

fn variants(_: &Settings<'_>) -> Vec<Variant> {
    let of = |name: &str, rule: Value, rate: f64| {
        Variant::new(name, Config { rule, rate, examples: 200, positive: 0.6, steps: 20_000 })
    };
    vec![
        of(DESCENT[0], json!({"name": "sgd"}), 0.1),
        of(DESCENT[1], json!({"name": "sgd", "momentum": 0.9}), 0.1),
        of(ADAPTIVE[0], json!({"name": "adagrad"}), 0.1),
        of(ADAPTIVE[1], json!({"name": "rmsprop"}), 0.001),
        of(ADAPTIVE[2], json!({"name": "adam"}), 0.001),
    ]
}

/// Below this mean squared residual the fit counts as exact and the run ends.
const FITTED: f64 = 1e-6;

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let config: Config = v.config()?;
    let rule = rule::from_config(&config.rule)
        .map_err(|e| ExperimentError::Config { variant: v.name.clone(), message: e.to_string() })?;
    let stream = Stream::new(seed).child("wilson");
    let labels = |name: &str, n: usize| {
        let mut u = vec![0.0; n];
        stream.child(name).uniform(0, &mut u);
        u.into_iter().map(|u| if u < config.positive { 1.0 } else { -1.0 }).collect::<Vec<f64>>()
    };
    let y = labels("train", config.examples);
    let (own, features) = own_features(&y);

    let mut layout = Layout::new();
    let id = layout.scope().param("w", ParamKind::Weight, 1, features, Constant(0.0));
    let mut params = Params::<f64>::init(layout, &stream.child("init"));
    let mut grads = Gradients::new(&params);
    let optimizer = OptimizerConfig::new(rule).rate(config.rate).build(&params);
    let mut optimizer = optimizer.map_err(|e| ExperimentError::Training(e.to_string()))?;
    let test = labels("test", 10_000);
    let error = |w: &[f64]| {
        let wrong = test.iter().filter(|y| **y * (w[0] * **y + w[1] + w[2]) <= 0.0).count();
        wrong as f64 / test.len() as f64
    };
    let (mut residual, mut steps, mut errors) = (f64::INFINITY, Vec::new(), Vec::new());
    for step in 0..config.steps {
        let residuals = residuals(params.get(id), &y, &own);
        residual = residuals.iter().map(|r| r * r).sum::<f64>() / y.len() as f64;
        if step % 50 == 0 || residual <= FITTED {
            steps.push(step as f64);
            errors.push(100.0 * error(params.get(id)));
            run.log(step as u64, &[("residual", residual), ("test_error", errors[errors.len() - 1] / 100.0)]);
        }
        if residual <= FITTED {
            break;
        }
        grads.clear();
        let gradient = grads.slot(id).0;
        gradient.fill(0.0);
        for ((r, y), own) in residuals.iter().zip(&y).zip(&own) {
            let r = r / config.examples as f64;
            gradient[0] += r * y;
            gradient[1] += r;
            gradient[2] += r;
            gradient[own.clone()].iter_mut().for_each(|g| *g += r);
        }
        optimizer.step(&mut params, &mut grads);
    }
    run.curve("error", steps, errors);
    let w = params.get(id);
    let negatives = test.iter().filter(|y| **y < 0.0).count() as f64 / test.len() as f64;
    let cosine = cosine(w, &signs(&y, &own, features));
    Ok(metrics([
        ("test_error", error(w)),
        ("from_negatives", (error(w) - negatives).abs()),
        ("off_signs", 1.0 - cosine),
        ("residual", residual),
    ]))
}

/// Where the features of its own lie for each example, and how many features there are in all.
fn own_features(y: &[f64]) -> (Vec<std::ops::Range<usize>>, usize) {
    let mut next = 3;
    let own = y.iter().map(|y| {
        let first = next;
        next += if *y > 0.0 { 1 } else { 5 };
        first..next
    });
    (own.collect(), next)
}

/// `Xw - y`.
fn residuals(w: &[f64], y: &[f64], own: &[std::ops::Range<usize>]) -> Vec<f64> {
    let common = w[1] + w[2];
    y.iter().zip(own).map(|(y, own)| w[0] * y + common + w[own.clone()].iter().sum::<f64>() - y).collect()
}

/// `sign(X'y)`.
fn signs(y: &[f64], own: &[std::ops::Range<usize>], features: usize) -> Vec<f64> {
    let majority = y.iter().sum::<f64>().signum();
    let mut signs = vec![1.0; features];
    (signs[1], signs[2]) = (majority, majority);
    for (y, own) in y.iter().zip(own) {
        signs[own.clone()].fill(*y);
    }
    signs
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let names: Vec<String> = r.variants.iter().map(|v| v.name.clone()).collect();
    let error: Vec<(f64, f64)> = names.iter().map(|n| common::bar(r, n, "test_error", 100.0)).collect();
    let chart = Chart::new("Error on new data after an exact fit", Axis::new("rule"), Axis::new("test error (%)"));
    let course = Chart::new("Error on new data while fitting", Axis::new("step"), Axis::new("test error (%)"));
    Ok(vec![
        Figure::new(
            "error",
            "All rules fit the 200 training examples; the adaptive ones are wrong on every negative example that is new. Mean over \
             seeds with its 95 % interval.",
            bars(&chart, &names, &["test error".into()], &error.iter().map(|e| vec![*e]).collect::<Vec<_>>()),
        )?,
        Figure::new(
            "course",
            "The same by step; bands over all seeds. A rule ends when the mean squared residual is below a millionth.",
            lines(&course, &common::bands(r, "error", |_| true)),
        )?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_vector_solves_the_problem() {
        let y = [1.0, -1.0, 1.0];
        let (own, features) = own_features(&y);
        assert_eq!((own.clone(), features), (vec![3..4, 4..9, 9..10], 10));
        let w: Vec<f64> = signs(&y, &own, features).iter().map(|s| s / 4.0).collect();
        assert_eq!(residuals(&w, &y, &own), vec![0.0; 3]);
        assert!((cosine(&w, &signs(&y, &own, features)) - 1.0).abs() < 1e-12);
    }
}
