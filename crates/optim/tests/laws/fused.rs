//! What rides on the pass equals what is done before it; penalties have the gradients they claim.

use layerwise_optim::{Clip, DecayOn, OptimizerConfig, Penalty, clip};
use layerwise_tensor::{Gradients, Scalar};
use proptest::prelude::*;

use crate::{fill, model, samples};

const ADAPTIVE: Clip = Clip::Adaptive { ratio: 0.05, floor: 1e-3 };

fn fused_equals_composed<T: Scalar>() {
    for sample in samples() {
        for bound in [Clip::None, Clip::Value(0.3), Clip::GlobalNorm(2.0), Clip::ParameterNorm(0.5), ADAPTIVE] {
            let (mut fused, mut grads) = model::<T>();
            let (mut composed, mut changed) = model::<T>();
            let plain = OptimizerConfig::new(sample.rule.clone()).rate(sample.rate).weight_decay(0.0);
            // A penalty is coupled by nature: where the rule decouples its decay, only L1 is compared.
            let coupled = sample.rule.decay_style() == layerwise_optim::DecayStyle::Coupled;
            let decay = if coupled { 0.1 } else { 0.0 };
            let mut a = plain.clone().clip(bound).weight_decay(decay).l1(0.01).build(&fused).unwrap();
            let mut b = plain.build(&composed).unwrap();
            for t in 0..3 {
                fill(&mut grads, t);
                fill(&mut changed, t);
                let report = a.step(&mut fused, &mut grads);
                let norm = match bound {
                    Clip::Value(c) => clip::value(&mut changed, c),
                    Clip::GlobalNorm(max) => clip::global_norm(&mut changed, max),
                    Clip::ParameterNorm(max) => clip::parameter_norm(&mut changed, max),
                    Clip::Adaptive { ratio, floor } => clip::adaptive(&composed, &mut changed, ratio, floor),
                    _ => changed.norm(),
                };
                assert_eq!(report.grad_norm, norm);
                assert_eq!(report.clipped, bound != Clip::None);
                let penalty = Penalty::Elastic { l1: 0.01, l2: decay };
                penalty.add_gradient_of(&composed, &mut changed, DecayOn::Weights);
                b.step(&mut composed, &mut changed);
            }
            assert_eq!(fused.to_le_bytes(), composed.to_le_bytes(), "{:?} {bound:?}", sample.rule);
        }
    }
}

#[test]
fn fused_equals_composed_in_both_types() {
    fused_equals_composed::<f32>();
    fused_equals_composed::<f64>();
}

#[test]
fn clipping_leaves_small_gradients_alone_and_bounds_large_ones() {
    let (_, mut grads) = model::<f64>();
    fill(&mut grads, 1);
    let before = grads.values().to_vec();
    let norm = clip::global_norm(&mut grads, 1e9);
    assert_eq!(grads.values(), before);
    assert_eq!(norm, grads.norm());
    assert_eq!(clip::global_norm(&mut grads, 1.0), norm);
    // PyTorch's 1e-6 in the denominator leaves the norm that much below the bound.
    assert!((grads.norm() - norm / (norm + 1e-6)).abs() < 1e-12);
    clip::value(&mut grads, 1e-3);
    assert!(grads.values().iter().all(|g| g.abs() <= 1e-3));
}

#[test]
fn clipping_by_parameter_bounds_each_by_itself() {
    let (_, mut grads) = model::<f64>();
    fill(&mut grads, 1);
    let small = grads.layout().find("0.bias").unwrap();
    grads.slot(small).0.iter_mut().for_each(|g| *g *= 1e-3);
    let before = grads.clone();
    let norm = clip::parameter_norm(&mut grads, 1.0);
    assert_eq!(norm, before.norm());
    for (id, _) in before.written() {
        let length = |g: &Gradients<f64>| g.get(id).unwrap().iter().map(|v| v * v).sum::<f64>().sqrt();
        let (was, now) = (length(&before), length(&grads));
        // PyTorch's 1e-6 in the denominator.
        let expected = if id == small { was } else { was / (was + 1e-6) };
        assert!((now - expected).abs() < 1e-12, "{now} for {expected}");
    }
    assert_eq!(grads.get(small), before.get(small));
}

#[test]
fn adaptive_clipping_bounds_each_unit_by_its_weights() {
    let (mut params, mut grads) = model::<f64>();
    let id = params.layout().find("0.weight").unwrap();
    // A unit without weights counts as one of the floor's norm.
    params.get_mut(id).iter_mut().step_by(167).for_each(|w| *w = 0.0);
    fill(&mut grads, 1);
    grads.slot(id).0.iter_mut().skip(1).step_by(167).for_each(|g| *g *= 1e-6);
    let before = grads.clone();
    clip::adaptive(&params, &mut grads, 0.1, 1e-3);
    let norm = |x: &[f64], j: usize| x.iter().skip(j).step_by(167).map(|v| v * v).sum::<f64>().sqrt();
    let (w, was, now) = (params.get(id), before.get(id).unwrap(), grads.get(id).unwrap());
    for j in 0..167 {
        let bound = 0.1 * norm(w, j).max(1e-3);
        assert!(norm(now, j) <= bound * (1.0 + 1e-12), "unit {j}");
        let factor = (bound / norm(was, j)).min(1.0);
        let same = now.iter().zip(was).skip(j).step_by(167).all(|(n, w)| (n - factor * w).abs() <= 1e-15);
        assert!(same, "unit {j} has another direction");
    }
    assert_eq!(now.iter().skip(1).step_by(167).next(), was.get(1));
    // What is no weight is clipped as a whole.
    let id = params.layout().find("0.bias").unwrap();
    let length = |x: &[f64]| x.iter().map(|v| v * v).sum::<f64>().sqrt();
    let (bias, now) = (length(params.get(id)), length(grads.get(id).unwrap()));
    assert!((now - 0.1 * bias).abs() < 1e-12, "{now} {bias}");
}

#[test]
fn a_norm_that_is_not_finite_is_reported_and_changes_nothing() {
    for bad in [f64::NAN, f64::INFINITY] {
        for bound in [Clip::None, Clip::Value(0.3), Clip::GlobalNorm(2.0), Clip::ParameterNorm(0.5), ADAPTIVE] {
            let (mut params, mut grads) = model::<f64>();
            let mut optimizer = OptimizerConfig::new(samples()[1].rule.clone()).clip(bound).build(&params).unwrap();
            fill(&mut grads, 0);
            optimizer.step(&mut params, &mut grads);
            let (bytes, meta) = (params.to_le_bytes(), optimizer.state_meta());
            fill(&mut grads, 1);
            grads.values_mut()[77] = bad;
            let report = optimizer.step(&mut params, &mut grads);
            assert!(!report.applied && !report.grad_norm.is_finite());
            assert_eq!(params.to_le_bytes(), bytes);
            assert_eq!(optimizer.state_meta(), meta);
            assert!(!clip::global_norm(&mut grads, 1.0).is_finite());
        }
    }
}

proptest! {
    #[test]
    fn penalties_have_the_gradients_they_claim(
        // L1 has a kink at 0: values keep a distance from it that a difference of 1e-5 does not cross.
        w in prop::collection::vec(prop_oneof![-3.0..-0.01f64, 0.01..3.0f64], 1..40),
        lambda in 1e-3..10.0f64,
        seed in 0..1000usize,
    ) {
        for penalty in [Penalty::L1(lambda), Penalty::L2(lambda), Penalty::Elastic { l1: 0.3, l2: lambda }] {
            let direction: Vec<f64> = (0..w.len()).map(|i| crate::wave(i, seed)).collect();
            let moved = |h: f64| -> Vec<f64> { w.iter().zip(&direction).map(|(w, d)| w + h * d).collect() };
            let h = 1e-4;
            let numeric = (penalty.value(&moved(h)) - penalty.value(&moved(-h))) / (2.0 * h);
            let mut gradient = vec![0.0; w.len()];
            penalty.add_gradient(&w, &mut gradient);
            let exact: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
            let size: f64 = gradient.iter().zip(&direction).map(|(g, d)| (g * d).abs()).sum();
            prop_assert!((numeric - exact).abs() <= 1e-6 * size, "{penalty:?}: {numeric} {exact}");
        }
    }
}

#[test]
fn the_gradient_of_l1_at_zero_is_zero() {
    let mut gradient = [0.0; 3];
    Penalty::L1(2.0).add_gradient(&[0.0, -0.0, 1.0], &mut gradient);
    assert_eq!(gradient, [0.0, 0.0, 2.0]);
}
