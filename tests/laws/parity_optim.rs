//! Every rule follows PyTorch's for a hundred steps: the recorded gradients go in, the recorded parameters must come out. Every schedule
//! follows PyTorch's for two hundred.

use layerwise::optim::{Ema, OptimizerConfig, Swa, rule, schedule};
use layerwise_tensor::{Constant, Gradients, Layout, ParamKind, Params, Scalar, Stream};

use crate::fixture::{self, Case, Tolerance};
use crate::ledger::{DOUBLE, law};

#[test]
fn a_hundred_steps_of_every_rule() {
    for entry in rule::table() {
        for case in fixture::read(&format!("optim_{}", entry.name)) {
            replay::<f64>(entry.name, &case);
            replay::<f32>(entry.name, &case);
        }
    }
}

#[test]
fn two_hundred_steps_of_every_schedule() {
    let mut missing: Vec<&str> = schedule::table().iter().map(|entry| entry.name).collect();
    // PyTorch has no schedule of the momentum alone: a rule is replayed under it, in `optim_sgd`.
    missing.retain(|name| *name != "sutskever");
    law("parity", "schedule")
        .not_run("sutskever", "PyTorch has no schedule of the momentum alone: `sgd` is replayed under it");
    for case in fixture::read("schedules") {
        let mut params = one_value();
        let mut grads = Gradients::new(&params);
        let config: OptimizerConfig = serde_json::from_value(case.config.clone()).expect("our configuration");
        missing.retain(|name| config.schedule.config()["name"] != *name);
        let name = config.schedule.config()["name"].as_str().unwrap_or_default().to_owned();
        let mut optimizer = config.build(&params).expect("a valid configuration");
        let (rates, momenta) = (case.values("rates"), case.values("momenta"));
        for t in 0..rates.len() {
            let momentum = optimizer.momentum().unwrap_or(0.8);
            let rate = optimizer.step(&mut params, &mut grads).rate;
            let what = format!("schedule {}, step {t}", case.name);
            fixture::DOUBLE.check(&what, &[rate, momentum], &[rates[t], momenta[t]]);
        }
        law("parity", "schedule").ran(&name, DOUBLE, rates.len());
    }
    assert!(missing.is_empty(), "schedules without numbers of PyTorch: {missing:?}");
}

#[test]
fn two_hundred_observations_of_a_plateau() {
    for case in fixture::read("plateaus") {
        let config: OptimizerConfig = serde_json::from_value(case.config.clone()).expect("our configuration");
        let mut optimizer = config.build(&one_value()).expect("a valid configuration");
        let (metrics, rates) = (case.values("metrics"), case.values("rates"));
        // PyTorch leaves out changes below 1e-8, unless told otherwise.
        let tolerance = Tolerance { absolute: 1.1e-8, ..fixture::DOUBLE };
        for t in 0..metrics.len() {
            let before = optimizer.rate();
            assert_eq!(optimizer.observe(metrics[t]), optimizer.rate() < before);
            tolerance.check(&format!("plateau {}, observation {t}", case.name), &[optimizer.rate()], &rates[t..=t]);
        }
        assert!(optimizer.rate() < config.base_rate(), "{}: the rate never fell", case.name);
    }
}

/// PyTorch's averages copy at the first update; ours begin with the parameters they are made with.
#[test]
fn a_hundred_updates_of_averages() {
    for case in fixture::read("averages") {
        let (values, averages) = (case.values("values"), case.values("averages"));
        let mut layout = Layout::new();
        layout.scope().param("w", ParamKind::Weight, 2, 4, Constant(0.0));
        let mut params = Params::<f64>::init(layout, &Stream::new(0));
        params.trainable_mut().copy_from_slice(&values[..8]);
        let mut ema = case.config["decay"].as_f64().map(|decay| Ema::new(decay, &params));
        let mut swa = Swa::new(&params);
        swa.update(&params);
        for (t, (values, expected)) in values.chunks(8).zip(averages.chunks(8)).enumerate().skip(1) {
            params.trainable_mut().copy_from_slice(values);
            swa.update(&params);
            ema.iter_mut().for_each(|ema| ema.update(&params));
            let found = ema.as_ref().map_or(swa.params(), Ema::params);
            fixture::DOUBLE.check(&format!("{}, update {t}", case.name), found.trainable(), expected);
        }
    }
}

fn one_value() -> Params<f64> {
    let mut layout = Layout::new();
    layout.scope().param("w", ParamKind::Weight, 1, 1, Constant(0.0));
    Params::init(layout, &Stream::new(0))
}

fn replay<T: Scalar>(rule: &str, case: &Case) {
    let mut layout = Layout::new();
    let w = layout.scope().param("w", ParamKind::Weight, 1, 6, Constant(0.0));
    let b = layout.scope().param("b", ParamKind::Bias, 1, 2, Constant(0.0));
    let mut params = Params::<T>::init(layout, &Stream::new(0));
    let mut grads = Gradients::new(&params);
    params.trainable_mut().copy_from_slice(&cast::<T>(&case.values("start")));

    let config: OptimizerConfig = serde_json::from_value(case.config.clone()).expect("our configuration");
    assert_eq!(config.rule.name(), rule);
    let mut optimizer = config.build(&params).expect("a valid configuration");

    let (gradients, written) = (case.values("gradients"), case.values("written"));
    let (norms, values) = (case.values("norms"), case.values("values"));
    let tolerance = Tolerance::of::<T>();
    let mut worst = 0.0f64;
    for t in 0..norms.len() {
        let gradient = cast::<T>(&gradients[8 * t..8 * (t + 1)]);
        grads.clear();
        for (i, (id, part)) in [(w, &gradient[..6]), (b, &gradient[6..])].into_iter().enumerate() {
            if written[2 * t + i] == 1.0 {
                grads.slot(id).0.copy_from_slice(part);
            }
        }
        let report = optimizer.step(&mut params, &mut grads);
        let what = format!("{rule}, {}, {:?}, step {}", case.name, T::DTYPE, t + 1);
        tolerance.check(&format!("{what}, norm"), &[report.grad_norm], &norms[t..=t]);
        worst = worst.max(tolerance.check(&what, params.trainable(), &values[8 * t..8 * (t + 1)]));
    }
    law("parity", "rule").ran_to(rule, if size_of::<T>() == 4 { &["f32"] } else { DOUBLE }, norms.len(), worst);
}

fn cast<T: Scalar>(values: &[f64]) -> Vec<T> {
    values.iter().map(|v| T::of(*v)).collect()
}
