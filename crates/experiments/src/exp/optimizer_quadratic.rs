//! Optimizers on quadratics: exact against closed forms, and DeepOBS's noisy one against its floor.

use super::common;
use super::optimizers::{Config, quadratic};
use crate::criterion::{Criterion, Estimate, Kind, Side};
use crate::error::ExperimentError;
use crate::experiment::{Anchor, Experiment, Grain, Metrics, Profile, Run, Settings, Tag, Variant, metrics};
use crate::figure::{Axis, Chart, Figure, Series, lines};
use crate::results::Results;
use layerwise::optim::{OptimizerConfig, rule};
use layerwise::tensor::{Constant, Gradients, Layout, ParamKind, Params, Stream};
use serde_json::{Value, json};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "optimizer-quadratic",
    question: "What do momentum and adaptive rates do on a bowl that is steep in some directions and flat in others?",
    claim: "Momentum is faster than plain gradient descent and overshoots; Adam needs no knowledge of the curvature.",
    protocol: "Noisy quadratic (DeepOBS P1): 100 parameters, eigenvalues 90 % U(0,1) and 10 % U(30,60), 1 000 training points with \
               standard deviation 0.6, batches of 128, 100 epochs, start at 1, the published tuned rates; test loss on 1 000 fresh \
               points against its floor, which is that of the best constant. Closed forms: one parameter, curvature and rate so that \
               the product is 0.05; 200 steps in f64 of our own rules against the powers of their matrices.",
    anchor: Anchor {
        text: "quadratic deep, test loss at epoch 100: SGD 87.518, momentum 0.99 87.025, Adam 87.068; momentum rises from 139 to 218 \
               between epochs 2 and 5",
        source: "F. Schneider et al., DeepOBS, ICLR 2019, problem file and logs",
        tag: Tag::V,
    },
    data: &[],
    tour: false,
    seeds: [1, 5, 20],
    seconds: [2.0, 10.0, 60.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        near_floor("sgd-floor", "SGD ends within 3 % of the floor of the test loss", |r| {
            r.mean(NOISY[0], "over_floor")
        }),
        near_floor("momentum-floor", "momentum 0.99 ends within 3 % of it", |r| r.mean(NOISY[1], "over_floor")),
        near_floor("adam-floor", "Adam ends within 3 % of it", |r| r.mean(NOISY[2], "over_floor")),
        Criterion {
            id: "momentum-overshoots",
            statement: "with momentum 0.99 the test loss rises by more than 5 % from one epoch to the next at least 3 times",
            threshold: 3.0,
            side: Side::AtLeast,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "DeepOBS logs: 138.9 at epoch 2, 217.6 at epoch 5",
            cause: "",
            estimate: |r| r.mean(NOISY[1], "rises"),
        },
        Criterion {
            id: "sgd-does-not",
            statement: "with plain SGD it never does",
            threshold: 0.0,
            side: Side::AtMost,
            kind: Kind::Exact,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "DeepOBS logs: the loss of SGD falls from epoch to epoch",
            cause: "",
            estimate: |r| r.mean(NOISY[0], "rises").map(|e| Estimate::exact(e.value)),
        },
        Criterion {
            id: "closed-forms",
            statement: "gradient descent, heavy ball and Nesterov follow their closed forms for 200 steps to 1e-10 of the start",
            threshold: 1e-10,
            side: Side::AtMost,
            kind: Kind::Exact,
            profile: Profile::Smoke,
            needs: None,
            published: None,
            source: "theta_t = (1 - rate curvature)^t; the others are powers of a matrix of two rows",
            cause: "",
            estimate: |r| r.largest(&EXACT, "error"),
        },
        Criterion {
            id: "spectral-radii",
            statement: "their factors a step are |1 - rate curvature|, sqrt(mu) and sqrt(mu (1 - rate curvature)) to 1e-10",
            threshold: 1e-10,
            side: Side::AtMost,
            kind: Kind::Exact,
            profile: Profile::Smoke,
            needs: None,
            published: None,
            source: "the determinants of these matrices, where the eigenvalues are complex",
            cause: "",
            estimate: |r| r.largest(&EXACT, "radius_error"),
        },
    ],
    figures,
};

const NOISY: [&str; 3] = ["noisy sgd", "noisy momentum", "noisy adam"];
const EXACT: [&str; 3] = ["exact gradient descent", "exact heavy ball", "exact nesterov"];

/// A criterion on the end of the noisy quadratic.
const fn near_floor(
    id: &'static str,
    statement: &'static str,
    estimate: fn(&Results) -> Option<Estimate>,
) -> Criterion {
    Criterion {
        id,
        statement,
        threshold: 1.03,
        side: Side::AtMost,
        kind: Kind::Interval,
        profile: Profile::Quick,
        needs: None,
        published: None,
        source: "DeepOBS logs: 87.0 to 87.5, at the noise floor",
        cause: "",
        estimate,
    }
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let epochs = s.profile.pick([20, 100, 100]);
    let of = |name: &str, rule: Value, rate: f64| {
        Variant::new(name, Config { rule, rates: vec![rate], examples: 1_000, epochs })
    };
    let exact = |name: &str, rule: Value| of(name, rule, 0.01).with_seeds(1);
    vec![
        of(NOISY[0], json!({"name": "sgd"}), 1.585e-2),
        of(NOISY[1], json!({"name": "sgd", "momentum": 0.99}), 2.512e-3),
        of(NOISY[2], json!({"name": "adam"}), 3.981e-2),
        exact(EXACT[0], json!({"name": "sgd"})),
        exact(EXACT[1], json!({"name": "sgd", "momentum": 0.9})),
        exact(EXACT[2], json!({"name": "sgd", "momentum": 0.9, "nesterov": true})),
    ]
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let config: Config = v.config()?;
    let wrong = |message: String| ExperimentError::Config { variant: v.name.clone(), message };
    if v.name.starts_with("noisy") {
        let rule = rule::from_config(&config.rule).map_err(|e| wrong(e.to_string()))?;
        return quadratic(&config, rule, seed, run);
    }
    closed_form(&config, run)
}

/// The curvature of the one parameter: times the rate of 0.01 it is 0.05.
const CURVATURE: f64 = 5.0;
const STEPS: usize = 200;

/// `theta` after each step of our rule, against the powers of the matrix that takes `(theta, velocity)` to the next.
fn closed_form(config: &Config, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let failed = |e: layerwise::optim::OptimError| ExperimentError::Training(e.to_string());
    let mut layout = Layout::new();
    let id = layout.scope().param("w", ParamKind::Weight, 1, 1, Constant(1.0));
    let mut params = Params::<f64>::init(layout, &Stream::new(0));
    let mut grads = Gradients::new(&params);
    let rule = rule::from_config(&config.rule).map_err(failed)?;
    let mut optimizer = OptimizerConfig::new(rule).rate(config.rates[0]).build(&params).map_err(failed)?;
    let momentum = config.rule.get("momentum").and_then(Value::as_f64).unwrap_or(0.0);
    let nesterov = config.rule.get("nesterov").and_then(Value::as_bool).unwrap_or(false);
    let matrix = matrix(config.rates[0], momentum, nesterov);
    let (mut found, mut exact, mut state) = (vec![1.0], vec![1.0], [1.0, 0.0]);
    for _ in 0..STEPS {
        grads.clear();
        grads.slot(id).0[0] = CURVATURE * params.get(id)[0];
        optimizer.step(&mut params, &mut grads);
        found.push(params.get(id)[0]);
        state = [0, 1].map(|i| matrix[i][0] * state[0] + matrix[i][1] * state[1]);
        exact.push(state[0]);
    }
    let error = found.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let radius = radius(&found, momentum == 0.0);
    let product = config.rates[0] * CURVATURE;
    let expected = match (momentum == 0.0, nesterov) {
        (true, _) => (1.0 - product).abs(),
        (false, false) => momentum.sqrt(),
        (false, true) => (momentum * (1.0 - product)).sqrt(),
    };
    run.curve("theta", (0..found.len()).map(|t| t as f64), found);
    Ok(metrics([("error", error), ("radius", radius), ("radius_error", (radius - expected).abs())]))
}

/// What one step does to `(theta, velocity)`: `v' = mu v + c theta`, `theta' = theta - rate v'`, with Nesterov
/// `theta' = theta - rate (c theta + mu v')`.
fn matrix(rate: f64, mu: f64, nesterov: bool) -> [[f64; 2]; 2] {
    let c = CURVATURE;
    let first = if nesterov { [1.0 - rate * c * (1.0 + mu), -rate * mu * mu] } else { [1.0 - rate * c, -rate * mu] };
    [first, [c, mu]]
}

/// The factor by which a step shrinks `theta` in the long run, from its first values: they obey
/// `theta'' = trace theta' - determinant theta`, and where the eigenvalues are complex both have the root of the determinant as modulus.
fn radius(theta: &[f64], one_term: bool) -> f64 {
    if one_term {
        return (theta[1] / theta[0]).abs();
    }
    let [a, b, c, d] = [theta[1], theta[2], theta[3], theta[4]];
    let determinant = (c * c - b * d) / (b * b - a * c);
    determinant.sqrt()
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let excess = Chart::new("Noisy quadratic", Axis::new("epoch"), Axis::new("test loss above its floor (%)").log());
    let theta = Chart::new("One parameter, curvature x rate = 0.05", Axis::new("step"), Axis::new("theta"));
    let exact: Vec<Series> = common::bands(r, "theta", |_| true);
    Ok(vec![
        Figure::new(
            "noisy",
            "Excess of the test loss over its floor; bands over all seeds. Momentum overshoots again and again; SGD falls steadily.",
            lines(&excess, &common::bands(r, "excess", |_| true)),
        )?,
        Figure::new(
            "exact",
            "The path of one parameter from 1 towards 0: momentum arrives sooner and passes the goal.",
            lines(&theta, &exact),
        )?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_radius_of_known_powers() {
        // 2 * 0.5^t cos t: eigenvalues 0.5 e^(+-i).
        let theta: Vec<f64> = (0..6).map(|t| 2.0 * 0.5f64.powi(t) * f64::from(t).cos()).collect();
        assert!((radius(&theta, false) - 0.5).abs() < 1e-12);
        assert_eq!(radius(&[2.0, -1.0], true), 0.5);
    }
}
