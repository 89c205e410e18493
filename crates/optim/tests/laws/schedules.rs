//! Schedules: fixed points of each formula, and the rate an optimizer makes of it.

use layerwise_optim::{
    Chained, Constant, Cosine, Exponential, Goal, Linear, Margin, MultiStep, OneCycle, OptimizerConfig, Plateau,
    Polynomial, Schedule, Sequential, Sgd, Step, Sutskever, WarmRestarts, Warmup,
};

use crate::vector;

#[track_caller]
fn check(schedule: impl Schedule, points: &[(u64, f64)]) {
    for (step, expected) in points {
        let found = schedule.factor(*step);
        assert!((found - expected).abs() < 1e-14, "{schedule:?} at {step}: {found} for {expected}");
    }
}

#[test]
fn schedules_pass_through_their_fixed_points() {
    check(Constant {}, &[(0, 1.0), (u64::MAX, 1.0)]);
    check(Step::new(10, 0.1), &[(0, 1.0), (9, 1.0), (10, 0.1), (29, 0.01), (30, 0.001)]);
    check(Cosine::new(100, 0.2), &[(0, 1.0), (50, 0.6), (100, 0.2), (1000, 0.2)]);
    check(Cosine::new(3, 0.0), &[(0, 1.0), (1, 0.75), (2, 0.25), (3, 0.0)]);
    check(Warmup::new(4, Constant {}).start(0.2), &[(0, 0.2), (1, 0.4), (2, 0.6), (3, 0.8), (4, 1.0), (9, 1.0)]);
    check(Warmup::new(4, Cosine::new(2, 0.0)), &[(0, 1.0 / 3.0), (4, 1.0), (5, 0.5), (6, 0.0)]);
    check(Warmup::new(0, Step::new(1, 0.5)), &[(0, 1.0), (1, 0.5)]);
    check(Exponential::new(0.5), &[(0, 1.0), (1, 0.5), (10, 1.0 / 1024.0), (u64::MAX, 0.0)]);
    check(Linear::new(4, 1.0, 0.0), &[(0, 1.0), (1, 0.75), (4, 0.0), (9, 0.0)]);
    check(MultiStep::new(&[3, 3, 5], 0.5), &[(0, 1.0), (2, 1.0), (3, 0.25), (4, 0.25), (5, 0.125), (99, 0.125)]);
    check(Polynomial::new(4, 2.0).floor(0.2), &[(0, 1.0), (2, 0.4), (4, 0.2), (9, 0.2)]);
    check(WarmRestarts::new(2, 2), &[(0, 1.0), (1, 0.5), (2, 1.0), (4, 0.5), (6, 1.0), (10, 0.5), (14, 1.0)]);
    check(Chained::new(Step::new(2, 0.5)).with(Linear::new(2, 0.0, 1.0)), &[(0, 0.0), (1, 0.5), (2, 0.5), (4, 0.25)]);
    let steps = Sequential::new(Linear::new(2, 0.0, 1.0)).then(3, Exponential::new(0.5)).then(6, Constant {});
    check(steps, &[(0, 0.0), (1, 0.5), (2, 1.0), (3, 1.0), (5, 0.25), (6, 1.0), (u64::MAX, 1.0)]);
    check(OneCycle::new(1), &[(0, 1.0 / 250_000.0)]);
    check(OneCycle::new(10).rise(0.1), &[(0, 1.0), (9, 1.0 / 250_000.0), (10, 1.0 / 250_000.0)]);
}

#[track_caller]
fn check_momentum(schedule: impl Schedule, points: &[(u64, Option<f64>)]) {
    for (step, expected) in points {
        assert_eq!(schedule.momentum(*step), *expected, "{schedule:?} at {step}");
    }
}

#[test]
fn schedules_move_the_momentum() {
    check_momentum(Constant {}, &[(0, None)]);
    let points = [(0, Some(0.5)), (249, Some(0.5)), (250, Some(0.75)), (750, Some(0.875)), (u64::MAX, Some(0.99))];
    check_momentum(Sutskever::default(), &points);
    check_momentum(Chained::new(Sutskever::default()).with(Constant {}), &points);
    let steps = Sequential::new(Constant {}).then(5, Sutskever::new(10, 0.7)).then(20, Constant {});
    check_momentum(steps, &[(0, None), (5, Some(0.5)), (15, Some(0.7)), (20, None)]);
    check_momentum(Warmup::new(3, Sutskever::new(2, 0.9)), &[(0, Some(0.5)), (4, Some(0.5)), (5, Some(0.75))]);
    check_momentum(OneCycle::new(11).momentum(0.5, 0.9).without_momentum(), &[(0, None)]);
}

/// A momentum by schedule does what the rule's own does.
#[test]
fn a_rule_takes_the_momentum_of_the_schedule() {
    let descend = |config: OptimizerConfig| {
        let (mut params, mut grads, id) = vector::<f64>(&[1.0, -2.0]);
        let mut optimizer = config.rate(0.1).build(&params).unwrap();
        for _ in 0..10 {
            grads.clear();
            grads.slot(id).0.copy_from_slice(params.get(id));
            optimizer.step(&mut params, &mut grads);
        }
        params.get(id).to_vec()
    };
    let own = descend(OptimizerConfig::new(Sgd::default().momentum(0.5)));
    let moved = OptimizerConfig::new(Sgd::default().momentum(0.9)).schedule(Sutskever::new(100, 0.9));
    assert_eq!(own, descend(moved));
}

#[test]
fn a_plateau_waits_rests_and_stops_at_its_floor() {
    let (params, _, _) = vector::<f64>(&[0.0]);
    let rates = |plateau: Plateau, metrics: &[f64]| -> Vec<f64> {
        let mut optimizer = OptimizerConfig::new(Sgd::default()).rate(1.0).plateau(plateau).build(&params).unwrap();
        let observe = |m: &f64| {
            optimizer.observe(*m);
            optimizer.rate()
        };
        metrics.iter().map(observe).collect()
    };
    let halved = Plateau::default().factor(0.5).patience(1).floor(0.2);
    assert_eq!(rates(halved, &[5.0, 5.0, 5.0, 4.0, 4.0, 4.0]), [1.0, 1.0, 0.5, 0.5, 0.5, 0.25]);
    assert_eq!(rates(halved.cooldown(2).patience(0), &[5.0; 8]), [1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2]);
    // Neither nothing nor infinity is better than anything.
    assert_eq!(rates(halved, &[f64::NAN, f64::NEG_INFINITY, 5.0, 4.0])[1..], [0.5; 3]);
    let accuracy = halved.goal(Goal::Max).margin(Margin::Absolute(0.1)).patience(0);
    assert_eq!(rates(accuracy, &[0.5, 0.55, 0.65, 0.6]), [1.0, 0.5, 0.5, 0.25]);
}

#[test]
fn the_rate_is_base_times_schedule() {
    let (mut params, mut grads, id) = vector::<f64>(&[0.0]);
    let config = OptimizerConfig::new(Sgd::default()).rate(0.5).schedule(Step::new(2, 0.1));
    let mut optimizer = config.build(&params).unwrap();
    let mut rates = Vec::new();
    for t in 0..5 {
        if t == 4 {
            optimizer.set_rate(50.0);
        }
        grads.clear();
        grads.slot(id).0[0] = 1.0;
        rates.push(optimizer.step(&mut params, &mut grads).rate);
    }
    let expected = [0.5, 0.5, 0.05, 0.05, 0.5];
    assert!(rates.iter().zip(expected).all(|(r, e)| (r - e).abs() < 1e-15), "{rates:?}");
    assert!((params.get(id)[0] + rates.iter().sum::<f64>()).abs() < 1e-15);
    assert_eq!(optimizer.steps(), 5);
}
