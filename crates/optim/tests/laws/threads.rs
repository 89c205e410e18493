//! The same bits at any number of threads.

use layerwise_optim::{Adam, Clip, L1Style, OptimizerConfig, SharedConstraint, constraint};
use layerwise_tensor::Scalar;

use crate::{fill, model, samples};

fn run<T: Scalar>(threads: usize) -> Vec<Vec<u8>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let train = |sample: layerwise_optim::rule::Sample| {
        let (mut params, mut grads) = model::<T>();
        let config = OptimizerConfig::new(sample.rule).clip(Clip::GlobalNorm(1.0)).weight_decay(0.01);
        let mut optimizer = config.build(&params).unwrap();
        for t in 0..5 {
            fill(&mut grads, t);
            optimizer.step(&mut params, &mut grads);
        }
        params.to_le_bytes()
    };
    pool.install(|| samples().into_iter().map(train).collect())
}

/// What looks at whole units: adaptive clipping and every constraint.
fn run_units<T: Scalar>(threads: usize) -> Vec<Vec<u8>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let train = |constraint: SharedConstraint| {
        let (mut params, mut grads) = model::<T>();
        let config = OptimizerConfig::new(Adam::default()).rate(0.05).constraint(constraint).l1(0.1);
        let config = config.l1_style(L1Style::Proximal).clip(Clip::Adaptive { ratio: 0.01, floor: 1e-3 });
        let mut optimizer = config.build(&params).unwrap();
        for t in 0..5 {
            fill(&mut grads, t);
            optimizer.step(&mut params, &mut grads);
        }
        params.to_le_bytes()
    };
    let constraints = constraint::table().iter().flat_map(|entry| entry.samples());
    pool.install(|| constraints.map(train).collect())
}

#[test]
fn the_bits_of_units_do_not_depend_on_the_number_of_threads() {
    let (single, double) = (run_units::<f32>(1), run_units::<f64>(1));
    for threads in [2, 3, 8] {
        assert!(run_units::<f32>(threads) == single, "f32 with {threads} threads");
        assert!(run_units::<f64>(threads) == double, "f64 with {threads} threads");
    }
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let (single, double) = (run::<f32>(1), run::<f64>(1));
    for threads in [2, 3, 8] {
        assert!(run::<f32>(threads) == single, "f32 with {threads} threads");
        assert!(run::<f64>(threads) == double, "f64 with {threads} threads");
    }
}
