//! Where a formula says what must come out.

use layerwise_optim::{Adam, DecayOn, DecayStyle, L1Style, OptimizerConfig, RmsProp, Sgd};

use crate::{samples, vector};

/// Gradient descent on `lambda w^2 / 2`: `w_t = (1 - eta lambda)^t`.
#[test]
fn gradient_descent_on_a_quadratic_is_a_geometric_series() {
    let (eta, lambda) = (0.1, [0.5, 1.0, 3.0, 15.0]);
    let (mut params, mut grads, id) = vector::<f64>(&[1.0; 4]);
    let mut optimizer = OptimizerConfig::new(Sgd::default()).rate(eta).build(&params).unwrap();
    for t in 1..=50 {
        grads.clear();
        let gradient: Vec<f64> = params.get(id).iter().zip(lambda).map(|(w, l)| l * w).collect();
        grads.slot(id).0.copy_from_slice(&gradient);
        optimizer.step(&mut params, &mut grads);
        for (w, l) in params.get(id).iter().zip(lambda) {
            let expected: f64 = (1.0f64 - eta * l).powi(t);
            assert!((w - expected).abs() <= 1e-13 * expected.abs().max(1e-3), "step {t}: {w} for {expected}");
        }
    }
}

/// With a constant gradient, heavy-ball momentum reaches the velocity `g / (1 - momentum)`.
#[test]
fn momentum_reaches_its_final_velocity() {
    let (mut params, mut grads, id) = vector::<f64>(&[0.0]);
    let rule = Sgd::default().momentum(0.9);
    let mut optimizer = OptimizerConfig::new(rule).rate(1.0).build(&params).unwrap();
    let mut last = 0.0;
    for _ in 0..400 {
        last = params.get(id)[0];
        grads.clear();
        grads.slot(id).0[0] = 2.0;
        optimizer.step(&mut params, &mut grads);
    }
    let velocity = last - params.get(id)[0];
    assert!((velocity - 20.0).abs() < 1e-9, "{velocity}");
}

/// The first step of Adam has the length of the rate in every component, whatever the gradient; so it stays under a constant one.
#[test]
fn the_first_step_of_adam_is_the_rate() {
    let gradient = [1e-3, 1.0, -40.0, 1e4];
    let (mut params, mut grads, id) = vector::<f64>(&[0.5; 4]);
    let mut optimizer = OptimizerConfig::new(Adam::default()).rate(0.01).build(&params).unwrap();
    for t in 1..=20 {
        let before = params.get(id).to_vec();
        grads.clear();
        grads.slot(id).0.copy_from_slice(&gradient);
        optimizer.step(&mut params, &mut grads);
        for i in 0..4 {
            let step = before[i] - params.get(id)[i];
            // eps = 1e-8 beside a root of 1e-3 shortens the step by a share of 1e-5.
            assert!((step - 0.01 * gradient[i].signum()).abs() < 1.1e-7, "step {t}, component {i}: {step}");
        }
    }
}

/// A gradient of zero moves nothing when there is no state yet.
#[test]
fn a_zero_gradient_moves_nothing() {
    let start = [0.5, -3.0, 0.0, 1e-30];
    for sample in samples() {
        let (mut params, mut grads, id) = vector::<f64>(&start);
        let config = OptimizerConfig::new(sample.rule.clone()).rate(0.1).weight_decay(0.0).decay_on(DecayOn::All);
        let mut optimizer = config.build(&params).unwrap();
        for _ in 0..5 {
            grads.clear();
            grads.slot(id).0.fill(0.0);
            let report = optimizer.step(&mut params, &mut grads);
            assert!(report.applied && report.grad_norm == 0.0);
        }
        assert_eq!(params.get(id), start, "{:?}", sample.rule);
    }
}

/// With decoupled decay a gradient of zero shrinks the parameter by `1 - rate * decay`, whatever the rule.
#[test]
fn every_rule_can_decay_decoupled() {
    let start = [0.5, -3.0, 0.0, 1e-30];
    for sample in samples() {
        let (mut params, mut grads, id) = vector::<f64>(&start);
        let config = OptimizerConfig::new(sample.rule.clone()).rate(0.1).weight_decay(0.5);
        let mut optimizer = config.decay_style(DecayStyle::Decoupled).build(&params).unwrap();
        grads.slot(id).0.fill(0.0);
        optimizer.step(&mut params, &mut grads);
        assert_eq!(params.get(id), start.map(|w| (1.0 - 0.1 * 0.5) * w), "{:?}", sample.rule);
    }
}

/// Under a constant gradient the variance is zero up to rounding, and may come out below: no NaN in `f32`.
#[test]
fn centred_rmsprop_survives_a_constant_gradient() {
    let (mut params, mut grads, id) = vector::<f32>(&[1.0; 64]);
    let mut optimizer = OptimizerConfig::new(RmsProp::default().centered()).rate(1e-4).build(&params).unwrap();
    for _ in 0..5000 {
        grads.clear();
        (0..64).for_each(|i| grads.slot(id).0[i] = 0.1 + 0.317 * i as f32);
        optimizer.step(&mut params, &mut grads);
    }
    assert!(params.get(id).iter().all(|w| w.is_finite()));
}

#[test]
fn single_and_double_precision_agree() {
    for sample in samples() {
        let start: Vec<f64> = (0..50).map(|i| crate::wave(i, 3)).collect();
        let (mut single, mut single_grads, id) = vector::<f32>(&start);
        let (mut double, mut double_grads, _) = vector::<f64>(&start);
        let config = OptimizerConfig::new(sample.rule.clone()).rate(1e-3).weight_decay(0.01).l1(1e-3);
        let (mut a, mut b) = (config.build(&single).unwrap(), config.build(&double).unwrap());
        for t in 0..100 {
            crate::fill(&mut single_grads, t);
            crate::fill(&mut double_grads, t);
            a.step(&mut single, &mut single_grads);
            b.step(&mut double, &mut double_grads);
        }
        for (x, y) in single.get(id).iter().zip(double.get(id)) {
            // A hundred roundings of values up to 2, plus the rounding of each gradient.
            assert!((f64::from(*x) - y).abs() < 100.0 * 2.0 * f64::from(f32::EPSILON), "{:?}: {x} {y}", sample.rule);
        }
    }
}

/// Least squares on an orthogonal design: `sum a_i (w_i - c_i)^2 / 2` plus a penalty, from `start`, with plain gradient descent.
fn fit_least_squares(config: OptimizerConfig, start: [f64; 4]) -> Vec<f64> {
    let (mut params, mut grads, id) = vector::<f64>(&start);
    let mut optimizer = config.rate(0.1).build(&params).unwrap();
    for _ in 0..2000 {
        grads.clear();
        let gradient: Vec<f64> = (0..4).map(|i| CURVATURE[i] * (params.get(id)[i] - CENTRE[i])).collect();
        grads.slot(id).0.copy_from_slice(&gradient);
        optimizer.step(&mut params, &mut grads);
    }
    params.get(id).to_vec()
}

const CURVATURE: [f64; 4] = [1.0, 2.0, 0.5, 4.0];
const CENTRE: [f64; 4] = [0.3, -2.0, 1.5, -0.01];

/// Ridge: `w_i = a_i c_i / (a_i + l2)`. Lasso by proximal steps: `w_i = sign(c_i) max(|c_i| - l1 / a_i, 0)`, with true zeros; both
/// together: the elastic net.
#[test]
fn ridge_lasso_and_elastic_net_have_their_closed_forms() {
    let expected = |i: usize, l1: f64, l2: f64| {
        let (a, c) = (CURVATURE[i], CENTRE[i]);
        c.signum() * (a * c.abs() - l1).max(0.0) / (a + l2)
    };
    for (l1, l2) in [(0.0, 0.7), (0.4, 0.0), (0.4, 0.7)] {
        for start in [[0.0; 4], [1.0, -1.0, 2.0, 3.0]] {
            let config = OptimizerConfig::new(Sgd::default()).l1(l1).l1_style(L1Style::Proximal).weight_decay(l2);
            for (i, w) in fit_least_squares(config, start).into_iter().enumerate() {
                let exact = expected(i, l1, l2);
                assert!((w - exact).abs() < 1e-12, "l1 {l1}, l2 {l2}, component {i}: {w} for {exact}");
                assert!(exact != 0.0 || w == 0.0, "l1 {l1}, component {i} is not quite zero: {w}");
            }
        }
    }
}

/// The threshold is the rate of the step times the penalty, whatever the rule, and acts where decay would.
#[test]
fn proximal_steps_shrink_by_rate_times_penalty() {
    for sample in samples() {
        let (mut params, mut grads, id) = vector::<f64>(&[0.5, -3.0, 0.01, -0.02]);
        let config = OptimizerConfig::new(sample.rule.clone()).rate(0.1).weight_decay(0.0).l1(0.2);
        let mut optimizer = config.l1_style(L1Style::Proximal).build(&params).unwrap();
        grads.slot(id).0.fill(0.0);
        optimizer.step(&mut params, &mut grads);
        let expected = [0.5 - 0.1 * 0.2, -3.0 + 0.1 * 0.2, 0.0, 0.0];
        assert_eq!(params.get(id), expected, "{:?}", sample.rule);
    }
}
