//! Schedules: fixed points of each formula, and the rate an optimizer makes of it.

use layerwise_optim::{Constant, Cosine, OptimizerConfig, Schedule, Sgd, Step, Warmup};

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
