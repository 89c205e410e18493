//! Every rule comes down a quadratic and Rosenbrock's valley.

use layerwise_optim::{Cosine, OptimizerConfig};

use crate::{samples, vector};

#[test]
fn every_rule_minimises_a_quadratic() {
    let curvature = [1.0, 2.0, 5.0, 10.0];
    for sample in samples() {
        let value = |w: &[f64]| w.iter().zip(curvature).map(|(w, c)| 0.5 * c * w * w).sum::<f64>();
        let gradient = |w: &[f64], g: &mut [f64]| (0..4).for_each(|i| g[i] = curvature[i] * w[i]);
        let end = descend(&sample, &[1.0, -1.0, 0.5, 2.0], 20_000, gradient);
        assert!(value(&end) < 1e-6, "{:?} ends at {end:?}", sample.rule);
    }
}

#[test]
fn every_rule_comes_down_rosenbrocks_valley() {
    for sample in samples() {
        let gradient = |w: &[f64], g: &mut [f64]| {
            let bend = w[1] - w[0] * w[0];
            g[0] = -2.0 * (1.0 - w[0]) - 400.0 * w[0] * bend;
            g[1] = 200.0 * bend;
        };
        let end = descend(&sample, &[-1.2, 1.0], 60_000, gradient);
        let value = (1.0 - end[0]).powi(2) + 100.0 * (end[1] - end[0] * end[0]).powi(2);
        assert!(value < 1e-4, "{:?} ends at {end:?}, {value}", sample.rule);
    }
}

fn descend(
    sample: &layerwise_optim::rule::Sample,
    start: &[f64],
    steps: u64,
    gradient: impl Fn(&[f64], &mut [f64]),
) -> Vec<f64> {
    let (mut params, mut grads, id) = vector::<f64>(start);
    let config = OptimizerConfig::new(sample.rule.clone()).rate(sample.rate).weight_decay(0.0);
    let mut optimizer = config.schedule(Cosine::new(steps, 0.0)).build(&params).unwrap();
    for _ in 0..steps {
        grads.clear();
        gradient(params.get(id), grads.slot(id).0);
        optimizer.step(&mut params, &mut grads);
    }
    params.get(id).to_vec()
}
