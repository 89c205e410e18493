//! Save, load, go on: the same bits. Configurations: written and read, the same rule.

use std::collections::BTreeMap;

use layerwise_optim::{Adam, Cosine, OptimError, Optimizer, OptimizerConfig, Plateau, Sgd, StateMeta, rule, schedule};
use layerwise_tensor::Scalar;

use crate::{fill, model, samples};

fn saved<T: Scalar>(optimizer: &Optimizer<T>) -> (String, BTreeMap<String, Vec<T>>) {
    let tensors = optimizer.state_tensors().map(|t| (t.name, t.values.to_vec())).collect();
    (serde_json::to_string(&optimizer.state_meta()).unwrap(), tensors)
}

fn resume_equals_continue<T: Scalar>() {
    for sample in samples() {
        let config = OptimizerConfig::new(sample.rule.clone()).rate(sample.rate).schedule(Cosine::new(10, 0.1));
        let (mut straight, mut grads) = model::<T>();
        let mut first = config.build(&straight).unwrap();
        for t in 0..4 {
            fill(&mut grads, t);
            first.step(&mut straight, &mut grads);
        }
        let mut resumed = straight.clone();
        let (meta, tensors) = saved(&first);
        let mut second = config.build(&resumed).unwrap();
        let meta: StateMeta = serde_json::from_str(&meta).unwrap();
        second.load_state(&meta, |name| tensors.get(name).map(Vec::as_slice)).unwrap();
        for t in 4..8 {
            fill(&mut grads, t);
            let report = first.step(&mut straight, &mut grads);
            assert_eq!(report, second.step(&mut resumed, &mut grads));
        }
        assert_eq!(straight.to_le_bytes(), resumed.to_le_bytes(), "{:?}", sample.rule);
        assert_eq!(saved(&first).1, saved(&second).1, "{:?}", sample.rule);
    }
}

#[test]
fn resume_equals_continue_in_both_types() {
    resume_equals_continue::<f32>();
    resume_equals_continue::<f64>();
}

#[test]
fn schedules_and_plateau_go_on_where_they_stopped() {
    let metrics = [3.0, 2.0, 2.5, 2.5, 2.5, 1.0, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5];
    for schedule in schedule::table().iter().flat_map(|entry| entry.samples()) {
        let plateau = Plateau::default().factor(0.5).patience(1).cooldown(1);
        let config = OptimizerConfig::new(Sgd::default().momentum(0.5)).schedule(schedule.clone()).plateau(plateau);
        let (mut params, mut grads) = model::<f64>();
        let mut first = config.build(&params).unwrap();
        let mut run = |optimizer: &mut Optimizer<f64>, times: std::ops::Range<usize>| -> Vec<f64> {
            let mut rates = Vec::new();
            for t in times {
                fill(&mut grads, t);
                optimizer.observe(metrics[t]);
                rates.push(optimizer.momentum().unwrap_or(0.0));
                rates.push(optimizer.step(&mut params, &mut grads).rate);
            }
            rates
        };
        run(&mut first, 0..5);
        let (meta, tensors) = saved(&first);
        let mut second = config.build(&model::<f64>().0).unwrap();
        let straight = run(&mut first, 5..12);
        second.load_state(&serde_json::from_str(&meta).unwrap(), |name| tensors.get(name).map(Vec::as_slice)).unwrap();
        assert_eq!(straight, run(&mut second, 5..12), "{schedule:?}");
    }
}

#[test]
fn a_state_that_does_not_fit_is_refused_and_changes_nothing() {
    let (mut params, mut grads) = model::<f64>();
    let mut adam = Optimizer::new(Adam::default(), &params);
    fill(&mut grads, 0);
    adam.step(&mut params, &mut grads);
    let before = saved(&adam);
    let other = Optimizer::new(Sgd::default().momentum(0.5), &params);
    let none = |_: &str| None;
    assert!(matches!(adam.load_state(&other.state_meta(), none), Err(OptimError::State { .. })));
    assert!(matches!(adam.load_state(&adam.state_meta(), none), Err(OptimError::State { .. })));
    let short = [0.0; 2];
    assert!(matches!(adam.load_state(&adam.state_meta(), |_| Some(&short[..])), Err(OptimError::State { .. })));
    let mut meta = adam.state_meta();
    meta.updates.remove("0.bias");
    let own = before.1.clone();
    assert!(adam.load_state(&meta, |name| own.get(name).map(Vec::as_slice)).is_err());
    assert_eq!(saved(&adam), before);
}

#[test]
fn configurations_survive_writing_and_reading() {
    for sample in samples() {
        let config = OptimizerConfig::new(sample.rule).rate(0.1).weight_decay(0.2).l1(0.3);
        let text = serde_json::to_string(&config).unwrap();
        let again: OptimizerConfig = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), text);
    }
    for sample in schedule::table().iter().flat_map(|entry| entry.samples()) {
        let again = schedule::from_config(&sample.config()).unwrap();
        assert_eq!(again.config(), sample.config());
        (0..200).for_each(|s| assert_eq!(again.factor(s), sample.factor(s)));
        (0..200).for_each(|s| assert_eq!(again.momentum(s), sample.momentum(s)));
        assert!(sample.moves_momentum() || (0..200).all(|s| sample.momentum(s).is_none()));
    }
}

#[test]
fn every_rule_is_built_from_its_bare_name_with_its_defaults() {
    for entry in rule::table() {
        let built = rule::from_config(&serde_json::Value::from(entry.name)).unwrap();
        assert_eq!(built.name(), entry.name);
        assert_eq!(built.config(), entry.samples()[0].rule.config());
    }
}

#[track_caller]
fn check_refused(config: &str, expected: &str) {
    let error = serde_json::from_str::<OptimizerConfig>(config)
        .map_err(|e| e.to_string())
        .and_then(|c| c.check().map_err(|e| e.to_string()))
        .unwrap_err();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn wrong_configurations_are_refused_in_clear_words() {
    check_refused(r#"{"rule": "adma"}"#, "no rule is called `adma`: choose one of `adadelta`, `adagrad`");
    check_refused(r#"{"rule": {"name": "adam", "beta3": 1}}"#, "unknown field `beta3`");
    check_refused(r#"{"rule": {"name": "adamw", "beta3": 1}}"#, "unknown field `beta3`");
    check_refused(r#"{"rule": {"name": "adam", "beta1": 1.0}}"#, "`beta1` must be in [0, 1), but is 1");
    check_refused(r#"{"rule": {"name": "sgd", "nesterov": true}}"#, "`momentum` must be above 0");
    check_refused(r#"{"rule": {"beta1": 0.5}}"#, "expected a name or an object with a `name`");
    check_refused(r#"{"rule": "adam", "rat": 0.1}"#, "unknown field `rat`");
    check_refused(r#"{"rule": "adam", "rate": -0.1}"#, "`rate` must be finite and at least 0, but is -0.1");
    check_refused(r#"{"rule": "adam", "schedule": {"name": "cosine"}}"#, "missing field `steps`");
    check_refused(r#"{"rule": "adam", "schedule": {"name": "step", "every": 0}}"#, "`every` must be at least 1");
    check_refused(r#"{"rule": "adam", "clip": {"global_norm": 0.0}}"#, "`clip.global_norm` must be above 0");
    check_refused(r#"{"rule": "adam", "clip": {"parameter_norm": -1.0}}"#, "`clip.parameter_norm` must be above 0");
    check_refused(r#"{"rule": "adam", "groups": [{"prefx": "a"}]}"#, "unknown field `prefx`");
    check_refused(r#"{"rule": "sgd", "schedule": {"name": "one_cycle", "steps": 9}}"#, "this rule has none to move");
    check_refused(r#"{"rule": "adam", "schedule": {"name": "sutskever", "max": 1.0}}"#, "`max` must be in [0, 1)");
    check_refused(
        r#"{"rule": "adam", "schedule": {"name": "multi_step", "milestones": [5, 3]}}"#,
        "`milestones` must be in ascending order, but is 3",
    );
    check_refused(r#"{"rule": "adam", "schedule": {"name": "chained", "schedules": []}}"#, "at least one schedule");
    check_refused(
        r#"{"rule": "adam", "schedule": {"name": "sequential", "schedules": ["constant"], "milestones": [3]}}"#,
        "one fewer than the schedules",
    );
    check_refused(r#"{"rule": {"name": "muon", "iterations": 100}}"#, "`iterations` must be below 100, but is 100");
    check_refused(
        r#"{"rule": "muon", "groups": [{"rule": {"name": "sgd", "momentum": 1.0}}]}"#,
        "`momentum` must be in [0, 1)",
    );
    check_refused(r#"{"rule": "adam", "plateau": {"factor": 1.0}}"#, "`plateau.factor` must be in [0, 1)");
}
