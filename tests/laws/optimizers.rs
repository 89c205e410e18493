//! Laws over the tables of update rules and schedules.

use layerwise::optim::{Optimizer, OptimizerConfig, rule, schedule};
use layerwise::tensor::{Constant, Gradients, Layout, ParamKind, Params, Scalar, Stream};

use crate::ledger::{BOTH, DOUBLE, law};
use crate::support::{bits, close, in_pool, report};

/// Parameters of two kinds, large enough for several chunks.
fn start<T: Scalar>() -> Params<T> {
    let mut layout = Layout::new();
    let mut scope = layout.scope();
    scope.param("weight", ParamKind::Weight, 300, 200, Constant(0.5));
    scope.param("bias", ParamKind::Bias, 1, 200, Constant(-0.25));
    Params::init(layout, &Stream::new(1))
}

/// Ten steps under gradients that are the same in `f32` and `f64`.
fn ten_steps<T: Scalar>(config: &OptimizerConfig) -> Vec<T> {
    let mut params = start::<T>();
    let mut grads = Gradients::new(&params);
    let mut optimizer: Optimizer<T> = config.build(&params).expect("samples build");
    let mut drawn = vec![0.0f64; params.trainable().len()];
    for t in 0..10 {
        grads.clear();
        Stream::new(2).at(t).normal(0, &mut drawn);
        for id in params.layout().ids() {
            let range = params.layout().spec(id).range();
            grads.slot(id).0.iter_mut().zip(&drawn[range]).for_each(|(g, d)| *g = T::of(*d));
        }
        optimizer.step(&mut params, &mut grads);
    }
    params.trainable().to_vec()
}

/// Every rule of the table with each of its samples.
fn all() -> Vec<(String, OptimizerConfig)> {
    let mut found = Vec::new();
    for entry in rule::table() {
        let samples = entry.samples();
        assert!(!samples.is_empty(), "rule `{}` has no sample, so no law would run over it", entry.name);
        for sample in samples {
            found.push((format!("{} {sample:?}", entry.name), OptimizerConfig::new(sample.rule).rate(sample.rate)));
        }
    }
    found
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    for (name, config) in all() {
        let one = in_pool(1, || bits(&ten_steps::<f32>(&config)));
        let one64 = in_pool(1, || bits(&ten_steps::<f64>(&config)));
        for threads in [1, 2, 3, 8] {
            assert_eq!(in_pool(threads, || bits(&ten_steps::<f32>(&config))), one, "{name} at {threads} threads");
            assert_eq!(in_pool(threads, || bits(&ten_steps::<f64>(&config))), one64, "{name} at {threads} threads");
        }
        law("threads", "rule").ran(config.rule.name(), BOTH, 4);
    }
    report("rules: the same bits at 1, 2, 3 and 8 threads", all().len(), &[]);
}

#[test]
fn single_and_double_precision_agree() {
    for (name, config) in all() {
        let error = close(&ten_steps::<f32>(&config), &ten_steps::<f64>(&config), 1e-5, &name);
        law("types", "rule").ran_to(config.rule.name(), BOTH, 1, error);
    }
    report("rules: f32 and f64 agree over ten steps", all().len(), &[]);
}

#[test]
fn schedules_are_finite_and_never_negative() {
    for entry in schedule::table() {
        let samples = entry.samples();
        assert!(!samples.is_empty(), "schedule `{}` has no sample", entry.name);
        for sample in samples {
            for step in [0, 1, 2, 9, 10, 11, 99, 100, 101, 10_000, u64::MAX] {
                let factor = sample.factor(step);
                assert!(factor.is_finite() && factor >= 0.0, "{} at step {step}: {factor}", entry.name);
            }
            law("finite and not negative", "schedule").ran(entry.name, DOUBLE, 11);
        }
    }
}
