//! Constraints: nearest points, held after every step, on weights alone.

use layerwise_optim::{
    AdamW, Clip, Group, MaxNorm, NonNegative, OptimizerConfig, Sgd, SharedConstraint, UnitNorm, constraint,
};
use layerwise_tensor::{Constant, Gradients, Layout, ParamKind, Params, Scalar, Stream};
use proptest::prelude::*;

use crate::{fill, model};

/// Every constraint of the table in each of its forms.
fn samples() -> Vec<SharedConstraint> {
    let samples: Vec<_> = constraint::table().iter().flat_map(|entry| entry.samples()).collect();
    assert!(constraint::table().iter().all(|entry| !entry.samples().is_empty()));
    samples
}

fn projected<T: Scalar>(constraint: &SharedConstraint, w: &[T], units: usize) -> Vec<T> {
    let mut w = w.to_vec();
    constraint::project(&**constraint, &mut w, &mut vec![0.0; units]);
    w
}

/// The distance of `a` and `b` in unit `j` of `units`.
fn distance(a: &[f64], b: &[f64], j: usize, units: usize) -> f64 {
    let column = |x: &[f64]| x.iter().skip(j).step_by(units).copied().collect::<Vec<f64>>();
    column(a).iter().zip(column(b)).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

proptest! {
    #[test]
    fn a_projection_is_the_nearest_point_and_stays(
        units in 1..5usize,
        rows in 1..6usize,
        pairs in prop::collection::vec((-3.0..3.0f64, -3.0..3.0f64), 30),
    ) {
        let (w, other): (Vec<f64>, Vec<f64>) = pairs[..units * rows].iter().copied().unzip();
        for constraint in samples() {
            let nearest = projected(&constraint, &w, units);
            // Any other point that fulfils the constraint is at least as far away.
            let elsewhere = projected(&constraint, &other, units);
            let again = projected(&constraint, &nearest, units);
            for j in 0..units {
                let (near, far) = (distance(&w, &nearest, j, units), distance(&w, &elsewhere, j, units));
                prop_assert!(near <= far + 1e-12, "{constraint:?}, unit {j}: {near} {far}");
                prop_assert!(distance(&nearest, &again, j, units) < 1e-14, "{constraint:?}, unit {j}");
            }
            let single: Vec<f32> = w.iter().map(|v| *v as f32).collect();
            for (single, double) in projected(&constraint, &single, units).iter().zip(&nearest) {
                prop_assert!((f64::from(*single) - double).abs() < 1e-6, "{constraint:?}: {single} {double}");
            }
        }
    }
}

#[test]
fn projections_of_special_points() {
    let max: SharedConstraint = MaxNorm::new(5.0).into();
    // Columns (3, 4), (6, 8), (0, 0), (0.1, 0).
    let w = [3.0f32, 6.0, 0.0, 0.1, 4.0, 8.0, 0.0, 0.0];
    assert_eq!(projected(&max, &w, 4), [3.0, 3.0, 0.0, 0.1, 4.0, 4.0, 0.0, 0.0]);
    let unit: SharedConstraint = UnitNorm {}.into();
    assert_eq!(projected(&unit, &w, 4), [0.6, 0.6, 0.0, 1.0, 0.8, 0.8, 0.0, 0.0]);
    // The smallest number there is has a norm whose inverse is none of the type.
    assert_eq!(projected(&unit, &[f32::from_bits(1), -f32::MAX], 2), [1.0, -1.0]);
    let positive: SharedConstraint = NonNegative {}.into();
    assert_eq!(projected(&positive, &[-1.0, 2.0, -0.0, -1e-300], 1), [0.0, 2.0, 0.0, 0.0]);
    assert!(projected(&positive, &[f64::NAN], 1)[0].is_nan());
    assert!(projected::<f32>(&unit, &[], 0).is_empty() && projected::<f32>(&positive, &[], 3).is_empty());
}

fn holds_after_every_step<T: Scalar>() {
    for constraint in samples() {
        let (mut params, mut grads) = model::<T>();
        let (mut free, _) = model::<T>();
        let config = OptimizerConfig::new(AdamW::default()).rate(0.05);
        let mut bound = config.clone().constraint(constraint.clone()).build(&params).unwrap();
        let mut unbound = config.build(&free).unwrap();
        for t in 0..5 {
            fill(&mut grads, t);
            bound.step(&mut params, &mut grads);
            unbound.step(&mut free, &mut grads);
            for name in ["0.weight", "2.weight"] {
                let id = params.layout().find(name).unwrap();
                let again = projected(&constraint, params.get(id), params.layout().spec(id).cols);
                for (found, expected) in params.get(id).iter().zip(&again) {
                    assert!((*found - *expected).as_f64().abs() < 1e-6, "{constraint:?}: {found:?} {expected:?}");
                }
            }
        }
        for name in ["0.bias", "1.weight"] {
            let id = params.layout().find(name).unwrap();
            assert_eq!(params.get(id), free.get(id), "{constraint:?} changed `{name}`");
        }
        assert!(params.trainable() != free.trainable(), "{constraint:?} changed nothing");
    }
}

#[test]
fn a_constraint_holds_after_every_step_in_both_types() {
    holds_after_every_step::<f32>();
    holds_after_every_step::<f64>();
}

#[test]
fn parameters_without_values_are_no_trouble() {
    let mut layout = Layout::new();
    for (name, rows, cols) in [("a", 3, 0), ("b", 0, 3), ("c", 2, 2), ("d", 2, 0)] {
        layout.scope().param(name, ParamKind::Weight, rows, cols, Constant(1.0));
    }
    let mut params = Params::<f64>::init(layout, &Stream::new(0));
    let mut grads = Gradients::new(&params);
    for constraint in samples() {
        let config = OptimizerConfig::new(Sgd::default()).constraint(constraint);
        let mut optimizer = config.clip(Clip::Adaptive { ratio: 0.1, floor: 1e-3 }).build(&params).unwrap();
        params.layout().ids().for_each(|id| grads.slot(id).0.fill(1.0));
        assert!(optimizer.step(&mut params, &mut grads).clipped);
    }
}

#[test]
fn groups_have_constraints_of_their_own() {
    let (mut params, mut grads) = model::<f64>();
    let config = OptimizerConfig::new(Sgd::default())
        .rate(0.1)
        .constraint(NonNegative {})
        .constraint(MaxNorm::new(0.5))
        .group(Group::below("2").no_constraint());
    let mut optimizer = config.build(&params).unwrap();
    fill(&mut grads, 1);
    optimizer.step(&mut params, &mut grads);
    let (first, second) = (params.layout().find("0.weight").unwrap(), params.layout().find("2.weight").unwrap());
    let square: f64 = params.get(first).iter().step_by(167).map(|w| w * w).sum();
    assert!(params.get(first).iter().all(|w| *w >= 0.0) && square.sqrt() < 0.5 + 1e-12);
    assert!(params.get(second).iter().any(|w| *w < 0.0));
    let text = serde_json::to_string(&config).unwrap();
    assert!(text.contains(r#""constraints":[{"name":"non_negative"},{"max":0.5,"name":"max_norm"}]"#), "{text}");
    let again: OptimizerConfig = serde_json::from_str(&text).unwrap();
    assert_eq!(again.groups, config.groups);
}

#[test]
fn configurations_survive_writing_and_reading() {
    for constraint in samples() {
        let again = constraint::from_config(&constraint.config()).unwrap();
        assert_eq!(again, constraint);
    }
    for entry in constraint::table() {
        let built = constraint::from_config(&serde_json::Value::from(entry.name)).unwrap();
        assert_eq!((built.name(), built), (entry.name, entry.samples()[0].clone()));
    }
    let refused = |config| constraint::from_config(&config).unwrap_err().to_string();
    let zero = refused(serde_json::json!({"name": "max_norm", "max": 0.0}));
    assert_eq!(zero, "`max` must be finite and above 0, but is 0");
    let unknown = refused(serde_json::json!("maxnorm"));
    assert!(unknown.contains("choose one of `max_norm`, `non_negative`, `unit_norm`"), "{unknown}");
}

#[test]
#[should_panic(expected = "7 values are not whole rows of 2 units")]
fn values_that_are_no_matrix_are_refused() {
    projected(&samples()[0], &[0.0f32; 7], 2);
}
