//! No state and no gradient's share of it becomes subnormal, however long a unit has been dead: a step costs what the first one cost.

use layerwise_optim::OptimizerConfig;
use layerwise_tensor::Scalar;

use crate::{samples, vector, wave};

/// Steps with zero or vanishing gradients after some with real ones; in `f32` half of that brings 0.9^t below every normal number.
const STEPS: usize = 4000;

fn check<T: Scalar>() {
    let subnormal = |v: &T| *v != T::zero() && v.abs() < T::min_positive_value();
    for sample in samples() {
        let (mut params, mut grads, id) = vector::<T>(&[0.5; 64]);
        let mut optimizer =
            OptimizerConfig::new(sample.rule.clone()).rate(1e-3).build(&params).expect("a rule of the table");
        let mut vanishing = 1.0;
        for t in 0..STEPS {
            vanishing *= 0.95;
            for (i, g) in grads.slot(id).0.iter_mut().enumerate() {
                // Dead from the twentieth step on, vanishing, or alive.
                let now = [if t < 20 { 1.0 } else { 0.0 }, vanishing, 1.0][i % 3];
                *g = T::of(0.1 * now * wave(i, t));
            }
            optimizer.step(&mut params, &mut grads);
            let left: usize = optimizer.state_tensors().map(|s| s.values.iter().filter(|v| subnormal(v)).count()).sum();
            assert_eq!(left, 0, "{:?}: subnormal state after step {t}", sample.rule);
        }
        assert!(params.get(id).iter().all(|w| w.is_finite() && !subnormal(w)), "{:?}", sample.rule);
    }
}

#[test]
fn a_dead_unit_leaves_none() {
    check::<f32>();
    check::<f64>();
}
