//! Which parameters a step touches, and with which numbers.

use layerwise_optim::{Adam, AdamW, DecayOn, Group, OptimError, Optimizer, OptimizerConfig, Sgd};
use layerwise_tensor::{BufferUpdate, ParamKind};

use crate::{fill, model};

/// One step of gradient descent with zero gradients shows the decay of each parameter: `w (1 - rate * decay)`.
#[track_caller]
fn check_decay(config: OptimizerConfig, expected: &[(&str, f64)]) {
    let (mut params, mut grads) = model::<f64>();
    let before = params.clone();
    let mut optimizer = config.build(&params).unwrap();
    fill(&mut grads, 0);
    grads.values_mut().fill(0.0);
    optimizer.step(&mut params, &mut grads);
    for (name, factor) in expected {
        let id = params.layout().find(name).unwrap();
        for (now, was) in params.get(id).iter().zip(before.get(id)) {
            assert!((now - was * factor).abs() < 1e-15, "{name}: {now} from {was}, expected times {factor}");
        }
    }
}

#[test]
fn decay_acts_on_weights_unless_told_otherwise() {
    let sgd = || OptimizerConfig::new(Sgd::default()).rate(0.1).weight_decay(0.5);
    check_decay(sgd(), &[("0.weight", 0.95), ("0.bias", 1.0), ("1.weight", 1.0), ("2.weight", 0.95)]);
    check_decay(sgd().decay_on(DecayOn::All), &[("0.weight", 0.95), ("0.bias", 0.95), ("1.weight", 0.95)]);
    let adamw = OptimizerConfig::new(AdamW::default()).rate(0.1);
    check_decay(adamw, &[("0.weight", 0.999), ("0.bias", 1.0), ("1.weight", 1.0)]);
}

#[test]
fn the_first_group_that_takes_a_parameter_has_it() {
    let config = OptimizerConfig::new(Sgd::default())
        .rate(0.1)
        .weight_decay(0.5)
        .group(Group::below("0").kinds(&[ParamKind::Bias]).weight_decay(1.0))
        .group(Group::below("0").rate_factor(0.1))
        .group(Group::below("2").no_decay());
    check_decay(config, &[("0.weight", 0.995), ("0.bias", 0.9), ("1.weight", 1.0), ("2.weight", 1.0)]);
}

#[test]
fn a_group_that_takes_nothing_is_an_error() {
    let (params, _) = model::<f32>();
    for group in [Group::below("encoder"), Group::below("0.w"), Group::of_kinds(&[ParamKind::Buffer])] {
        let error = OptimizerConfig::new(Adam::default()).group(group).build(&params).unwrap_err();
        assert!(matches!(error, OptimError::EmptyGroup { .. }));
        assert!(error.to_string().contains("`0.weight`"), "{error}");
    }
}

#[test]
fn unwritten_and_frozen_parameters_stay_and_do_not_count() {
    let (mut params, mut grads) = model::<f64>();
    let mut optimizer = OptimizerConfig::new(AdamW::default()).build(&params).unwrap();
    let (frozen, unwritten) = (params.layout().find("2.weight").unwrap(), params.layout().find("0.bias").unwrap());
    params.set_frozen(frozen, true);
    let before = params.clone();
    for t in 0..3 {
        fill(&mut grads, t);
        let weight = params.layout().find("0.weight").unwrap();
        let values = grads.get(weight).unwrap().to_vec();
        let second = grads.get(frozen).unwrap().to_vec();
        grads.clear();
        grads.slot(weight).0.copy_from_slice(&values);
        grads.slot(frozen).0.copy_from_slice(&second);
        optimizer.step(&mut params, &mut grads);
    }
    assert_eq!(params.get(frozen), before.get(frozen));
    assert_eq!(params.get(unwritten), before.get(unwritten));
    assert!(params.get(params.layout().find("0.weight").unwrap()) != &before.trainable()[..301 * 167]);
    let updates = optimizer.state_meta().updates;
    assert_eq!((updates["0.weight"], updates["0.bias"], updates["2.weight"]), (3, 0, 0));
    assert_eq!(optimizer.steps(), 3);
}

#[test]
fn a_step_applies_the_pending_updates_of_buffers() {
    let (mut params, mut grads) = model::<f64>();
    let id = params.layout().find("1.running_mean").unwrap();
    let mut optimizer = Optimizer::new(Sgd::default(), &params);
    grads.push_update(id, BufferUpdate::Blend { momentum: 0.1 }).fill(2.0);
    grads.push_update(id, BufferUpdate::Add).fill(1.0);
    optimizer.step(&mut params, &mut grads);
    assert!(params.get(id).iter().all(|v| (v - 1.2).abs() < 1e-15));
    assert_eq!(grads.pending_updates(), 0);
}

#[test]
#[should_panic(expected = "belong to another model")]
fn parameters_of_another_model_are_refused() {
    let (mut params, mut grads) = model::<f64>();
    let (other, _, _) = crate::vector::<f64>(&[1.0]);
    Optimizer::new(Sgd::default(), &other).step(&mut params, &mut grads);
}
