//! L-BFGS: convergence, saving, selection, trouble, threads, types.

use std::collections::BTreeMap;

use layerwise_optim::lbfgs::samples;
use layerwise_optim::{Lbfgs, LbfgsConfig, LbfgsMeta, LbfgsReport, LineSearch, OptimError, Stop};
use layerwise_tensor::{BufferUpdate, Gradients, ParamId, Params, Scalar};

use crate::{model, vector, wave};

/// `sum c_i w_i^2 / 2`.
fn quadratic(id: ParamId, curvature: &[f64]) -> impl FnMut(&Params<f64>, &mut Gradients<f64>) -> f64 {
    move |params, grads| {
        let w = params.get(id);
        grads.slot(id).0.iter_mut().zip(w).zip(curvature).for_each(|((g, w), c)| *g = c * w);
        w.iter().zip(curvature).map(|(w, c)| 0.5 * c * w * w).sum()
    }
}

fn rosenbrock(id: ParamId) -> impl FnMut(&Params<f64>, &mut Gradients<f64>) -> f64 {
    move |params, grads| {
        let [x, y] = [params.get(id)[0], params.get(id)[1]];
        let bend = y - x * x;
        grads.slot(id).0.copy_from_slice(&[-2.0 * (1.0 - x) - 400.0 * x * bend, 200.0 * bend]);
        (1.0 - x).powi(2) + 100.0 * bend * bend
    }
}

#[test]
fn a_quadratic_is_minimised() {
    let curvature = [1.0, 2.0, 5.0, 10.0, 0.1, 100.0];
    for config in samples() {
        let (mut params, mut grads, id) = vector::<f64>(&[1.0, -1.0, 0.5, 2.0, 3.0, -0.1]);
        let mut optimizer = Lbfgs::new(config.tolerances(1e-9, 0.0), &params);
        let mut last = f64::INFINITY;
        for _ in 0..200 {
            let report = optimizer.step(&mut params, &mut grads, quadratic(id, &curvature));
            assert!(config.line_search == LineSearch::None || report.loss <= last, "{config:?}: {report:?}");
            last = report.loss;
        }
        assert!(last < 1e-14, "{config:?} ends at {last}");
    }
}

/// Without a line search nothing keeps the loss from rising on the way; only searching forms have to come down the valley.
#[test]
fn rosenbrocks_valley_is_come_down() {
    for config in samples().into_iter().filter(|c| c.line_search == LineSearch::StrongWolfe) {
        let (mut params, mut grads, id) = vector::<f64>(&[-1.2, 1.0]);
        let mut optimizer = Lbfgs::new(config.tolerances(1e-10, 0.0), &params);
        let mut report = optimizer.step(&mut params, &mut grads, rosenbrock(id));
        while report.stop != Stop::Gradient && optimizer.evaluations() < 400 {
            report = optimizer.step(&mut params, &mut grads, rosenbrock(id));
        }
        assert!(report.loss < 1e-18, "{config:?}: {report:?} after {} evaluations", optimizer.evaluations());
        assert!(params.get(id).iter().all(|w| (w - 1.0).abs() < 1e-9), "{config:?}: {:?}", params.get(id));
    }
}

/// What gradient descent with momentum needs thousands of steps for: the condition number hardly counts.
#[test]
fn few_evaluations_do_in_a_long_valley() {
    let curvature: Vec<f64> = (0..20).map(|i| 10f64.powf(f64::from(i) / 4.0)).collect();
    let (mut params, mut grads, id) = vector::<f64>(&[1.0; 20]);
    let config = LbfgsConfig::default().strong_wolfe().max_iter(1000).tolerances(1e-6, 0.0);
    let mut optimizer = Lbfgs::new(config, &params);
    let report = optimizer.step(&mut params, &mut grads, quadratic(id, &curvature));
    assert_eq!(report.stop, Stop::Gradient, "{report:?}");
    assert!(report.evaluations < 200, "{report:?}");
}

#[test]
fn a_zero_gradient_moves_nothing() {
    for config in samples() {
        let (mut params, mut grads, id) = vector::<f64>(&[0.5, -3.0, 0.0, 1e-30]);
        let mut optimizer = Lbfgs::new(config, &params);
        let flat = |_: &Params<f64>, grads: &mut Gradients<f64>| {
            grads.slot(id).0.fill(0.0);
            7.0
        };
        for _ in 0..3 {
            let report = optimizer.step(&mut params, &mut grads, flat);
            assert_eq!((report.stop, report.evaluations, report.loss), (Stop::Gradient, 1, 7.0));
        }
        assert_eq!(params.get(id), [0.5, -3.0, 0.0, 1e-30]);
    }
}

/// A smooth function of all parameters of the model, its minimum nowhere special: `sum log cosh(c_i (w_i - a_i)) / c_i`.
fn valley<T: Scalar>(params: &Params<T>, grads: &mut Gradients<T>) -> f64 {
    let layout = params.layout().clone();
    let mut loss = 0.0;
    for id in layout.ids().filter(|id| !layout.spec(*id).is_buffer()) {
        let g = grads.slot(id).0;
        for (i, (g, w)) in g.iter_mut().zip(params.get(id)).enumerate() {
            let c = 1.0 + 0.3 * wave(i, 2);
            let apart = c * (w.as_f64() - wave(i, 5));
            *g = T::of(apart.tanh());
            // As `ln cosh`, but exact near the minimum too.
            loss += 0.5 * apart.sinh().powi(2).ln_1p() / c;
        }
    }
    loss
}

type Saved<T> = (String, BTreeMap<String, Vec<T>>);

fn saved<T: Scalar>(optimizer: &Lbfgs<T>) -> Saved<T> {
    let tensors = optimizer.state_tensors().map(|t| (t.name, t.values.to_vec())).collect();
    (serde_json::to_string(&optimizer.state_meta()).unwrap(), tensors)
}

fn resume_equals_continue<T: Scalar>() {
    for config in samples() {
        let config = config.max_iter(config.max_iter.min(3)).history(config.history.min(4));
        let (mut straight, mut grads) = model::<T>();
        let mut first = Lbfgs::new(config, &straight);
        for _ in 0..2 {
            first.step(&mut straight, &mut grads, valley);
        }
        first.set_rate(0.9);
        let mut resumed = straight.clone();
        let (meta, tensors) = saved(&first);
        let meta: LbfgsMeta = serde_json::from_str(&meta).unwrap();
        let mut second = Lbfgs::new(config, &resumed);
        second.load_state(&meta, |name| tensors.get(name).map(Vec::as_slice)).unwrap();
        for _ in 0..2 {
            let report = first.step(&mut straight, &mut grads, valley);
            assert_eq!(report, second.step(&mut resumed, &mut grads, valley));
        }
        assert_eq!(straight.to_le_bytes(), resumed.to_le_bytes(), "{config:?}");
        assert_eq!(saved(&first), saved(&second), "{config:?}");
        assert_eq!((second.steps(), second.rate()), (4, 0.9));
    }
}

#[test]
fn resume_equals_continue_in_both_types() {
    resume_equals_continue::<f32>();
    resume_equals_continue::<f64>();
}

#[test]
fn a_state_that_does_not_fit_is_refused_and_changes_nothing() {
    let (mut params, mut grads) = model::<f64>();
    let mut optimizer = Lbfgs::new(LbfgsConfig::default().max_iter(3), &params);
    optimizer.step(&mut params, &mut grads, valley);
    let (before, meta) = (saved(&optimizer), optimizer.state_meta());
    let own = before.1.clone();
    let find = |name: &str| own.get(name).map(Vec::as_slice);
    let mut other = meta.clone();
    other.config = other.config.history(7);
    let mut unknown = meta.clone();
    unknown.trained.push("9.weight".to_owned());
    let mut rate = meta.clone();
    rate.rate = f64::NAN;
    for wrong in [&other, &unknown, &rate] {
        assert!(optimizer.load_state(wrong, find).is_err());
    }
    assert!(matches!(optimizer.load_state(&meta, |_| None), Err(OptimError::State { .. })));
    assert!(matches!(optimizer.load_state(&meta, |_| Some(&[0.0; 2][..])), Err(OptimError::State { .. })));
    let flat = vec![0.0; 301 * 167];
    let error = optimizer.load_state(&meta, |name| find(name).map(|v| &flat[..v.len()])).unwrap_err();
    assert!(error.to_string().contains("no positive curvature"), "{error}");
    assert_eq!(saved(&optimizer), before);
}

#[test]
fn configurations_survive_writing_and_reading_and_wrong_ones_are_refused() {
    for config in samples() {
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<LbfgsConfig>(&text).unwrap(), config);
    }
    assert!(serde_json::from_str::<LbfgsConfig>(r#"{"line_serch": "none"}"#).is_err());
    let refused = |config: LbfgsConfig| config.check().unwrap_err().to_string();
    assert_eq!(refused(LbfgsConfig::default().history(0)), "`history` must be at least 1, but is 0");
    assert_eq!(refused(LbfgsConfig::default().max_iter(0)), "`max_iter` must be at least 1, but is 0");
    assert_eq!(refused(LbfgsConfig::default().rate(-1.0)), "`rate` must be finite and at least 0, but is -1");
}

#[test]
fn what_is_frozen_or_out_of_reach_stays_and_a_change_starts_the_history_anew() {
    let (mut params, mut grads) = model::<f64>();
    let mut optimizer = Lbfgs::new(LbfgsConfig::default().strong_wolfe().max_iter(4).max_eval(40), &params);
    optimizer.step(&mut params, &mut grads, valley);
    assert!(optimizer.state_meta().pairs > 0);
    let (frozen, unreached) = (params.layout().find("2.weight").unwrap(), params.layout().find("0.bias").unwrap());
    params.set_frozen(frozen, true);
    let before = params.clone();
    let without_bias = |params: &Params<f64>, grads: &mut Gradients<f64>| {
        valley(params, grads);
        let (all, layout) = (grads.values().to_vec(), params.layout().clone());
        grads.clear();
        for id in layout.ids().filter(|id| !layout.spec(*id).is_buffer() && *id != unreached) {
            grads.slot(id).0.copy_from_slice(&all[layout.spec(id).range()]);
        }
        all.iter().map(|g| g * g).sum()
    };
    optimizer.step(&mut params, &mut grads, without_bias);
    assert_eq!((params.get(frozen), params.get(unreached)), (before.get(frozen), before.get(unreached)));
    assert!(params.trainable() != before.trainable());
    let meta = optimizer.state_meta();
    assert_eq!(meta.trained, ["0.weight", "1.weight"]);
    assert!(meta.pairs < 4, "the history of the other parameters was kept: {}", meta.pairs);
}

#[test]
fn buffers_are_updated_once_a_step() {
    let (mut params, mut grads) = model::<f64>();
    let id = params.layout().find("1.running_mean").unwrap();
    let mut optimizer = Lbfgs::new(LbfgsConfig::default().strong_wolfe(), &params);
    let mut calls = 0;
    let report = optimizer.step(&mut params, &mut grads, |params: &Params<f64>, grads: &mut Gradients<f64>| {
        calls += 1;
        grads.push_update(id, BufferUpdate::Add).fill(1.0);
        valley(params, grads)
    });
    assert!(report.evaluations > 2 && report.evaluations == calls);
    assert!(params.get(id).iter().all(|v| *v == 1.0));
    assert_eq!(grads.pending_updates(), 0);
}

/// `-log(1 - w) - w / 2` has no value from 1 on; its minimum is at -1.
fn wall(id: ParamId) -> impl FnMut(&Params<f64>, &mut Gradients<f64>) -> f64 {
    move |params, grads| {
        let w = params.get(id)[0];
        grads.slot(id).0[0] = 1.0 / (1.0 - w) - 0.5;
        -(1.0 - w).ln() - 0.5 * w
    }
}

#[test]
fn a_step_out_of_the_domain_is_taken_back() {
    // From -20 the slope is small and the curvature smaller: quasi-Newton steps are long.
    let (mut params, mut grads, id) = vector::<f64>(&[-20.0]);
    let mut optimizer =
        Lbfgs::new(LbfgsConfig::default().strong_wolfe().rate(60.0).max_iter(100).tolerances(1e-9, 0.0), &params);
    let report = optimizer.step(&mut params, &mut grads, wall(id));
    assert!((params.get(id)[0] + 1.0).abs() < 1e-6, "{report:?}, {:?}", params.get(id));

    let (mut params, mut grads, id) = vector::<f64>(&[-20.0]);
    let mut optimizer = Lbfgs::new(LbfgsConfig::default().rate(60.0), &params);
    let report = optimizer.step(&mut params, &mut grads, wall(id));
    assert_eq!((report.stop, params.get(id)[0], report.loss), (Stop::NotFinite, -20.0, report.first_loss));
}

#[test]
fn a_start_that_is_not_finite_changes_nothing() {
    for bad in [f64::NAN, f64::INFINITY] {
        let (mut params, mut grads) = model::<f64>();
        let mut optimizer = Lbfgs::new(LbfgsConfig::default().max_iter(2), &params);
        optimizer.step(&mut params, &mut grads, valley);
        let (before, state) = (params.to_le_bytes(), saved(&optimizer).1);
        let report = optimizer.step(&mut params, &mut grads, |params: &Params<f64>, grads: &mut Gradients<f64>| {
            let loss = valley(params, grads);
            grads.values_mut()[3] = bad;
            loss
        });
        assert_eq!((report.stop, report.evaluations), (Stop::NotFinite, 1));
        assert_eq!(params.to_le_bytes(), before);
        assert_eq!(saved(&optimizer).1, state);
        assert_eq!(optimizer.steps(), 1);
    }
}

fn three_steps<T: Scalar>(config: LbfgsConfig) -> (Vec<LbfgsReport>, Params<T>) {
    let (mut params, mut grads) = model::<T>();
    let mut optimizer = Lbfgs::new(config.max_iter(config.max_iter.min(4)), &params);
    let reports = (0..3).map(|_| optimizer.step(&mut params, &mut grads, valley)).collect();
    (reports, params)
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    for config in samples() {
        let run = |threads| {
            pool(threads).install(|| {
                let (single, double) = (three_steps::<f32>(config), three_steps::<f64>(config));
                (single.0, single.1.to_le_bytes(), double.0, double.1.to_le_bytes())
            })
        };
        let one = run(1);
        for threads in [2, 3, 8] {
            assert!(run(threads) == one, "{config:?} with {threads} threads");
        }
    }
}

/// The path of a line search hangs on differences of losses, which `f32` does not know well; the minimum does not.
fn finds_the_minimum<T: Scalar>(config: LbfgsConfig, tolerance: f64) {
    let (mut params, mut grads) = model::<T>();
    let mut optimizer = Lbfgs::new(config.max_iter(100).max_eval(1000).tolerances(tolerance, 0.0), &params);
    let report = optimizer.step(&mut params, &mut grads, valley);
    assert_eq!(report.stop, Stop::Gradient, "{:?}, {config:?}: {report:?}", T::DTYPE);
    for spec in params.layout().specs().iter().filter(|spec| !spec.is_buffer()) {
        for (i, w) in params.trainable()[spec.range()].iter().enumerate() {
            // The slope of `tanh(c apart)` is at least 0.5 here, and the gradient is below the tolerance.
            let apart = (w.as_f64() - wave(i, 5)).abs();
            assert!(apart < 2.0 * tolerance + f64::from(f32::EPSILON), "{:?}, {config:?}: {apart}", T::DTYPE);
        }
    }
}

#[test]
fn both_types_find_the_same_minimum() {
    for config in samples() {
        finds_the_minimum::<f32>(config, 2e-5);
        finds_the_minimum::<f64>(config, 1e-9);
    }
}

#[test]
#[should_panic(expected = "lbfgs: these parameters belong to another model")]
fn parameters_of_another_model_are_refused() {
    let (mut params, mut grads) = model::<f64>();
    let (other, _, _) = vector::<f64>(&[1.0]);
    Lbfgs::new(LbfgsConfig::default(), &other).step(&mut params, &mut grads, valley);
}
