//! Muon: what the iteration makes of singular values, and rules of groups.

use std::collections::BTreeMap;

use layerwise_optim::{AdamW, Group, Muon, MuonScale, Optimizer, OptimizerConfig, Sgd, StateMeta};
use layerwise_tensor::{Constant, Gradients, Layout, ParamKind, Params, Scalar, Stream};

use crate::{fill, model, wave};

/// The direction that `rule` makes of the gradient `g`, `(rows, cols)`, at the first step.
fn direction(rule: Muon, (rows, cols): (usize, usize), g: &[f64]) -> Vec<f64> {
    let mut layout = Layout::new();
    let id = layout.scope().param("w", ParamKind::Weight, rows, cols, Constant(0.0));
    let mut params = Params::<f64>::init(layout, &Stream::new(0));
    let mut grads = Gradients::new(&params);
    grads.slot(id).0.copy_from_slice(g);
    let factor = rule.scale.factor(rows, cols);
    OptimizerConfig::new(rule).rate(1.0).build(&params).unwrap().step(&mut params, &mut grads);
    params.get(id).iter().map(|w| -w / factor).collect()
}

/// `aᵀ b` of matrices with `rows` rows.
fn product(rows: usize, a: &[f64], b: &[f64]) -> Vec<f64> {
    let (m, n) = (a.len() / rows, b.len() / rows);
    let entry = |i: usize, j: usize| (0..rows).map(|k| a[k * m + i] * b[k * n + j]).sum::<f64>();
    (0..m * n).map(|e| entry(e / n, e % n)).collect()
}

/// The polynomial acts on each singular value by itself: on a diagonal gradient nothing else is to be seen.
#[test]
fn singular_values_follow_the_polynomial() {
    let values = [3.0, 1.0, 0.1, 1e-3];
    let norm = values.iter().map(|v| v * v).sum::<f64>().sqrt();
    let rule = Muon::default();
    let [a, b, c] = rule.coefficients;
    for shape in [(4, 4), (4, 6), (7, 4)] {
        let mut g = vec![0.0; shape.0 * shape.1];
        (0..4).for_each(|i| g[i * shape.1 + i] = values[i]);
        for (e, found) in direction(rule, shape, &g).into_iter().enumerate() {
            let (i, j) = (e / shape.1, e % shape.1);
            let start = if i == j { values[i] / norm } else { 0.0 };
            let expected = (0..5).fold(start, |s, _| s * (a + s * s * (b + c * s * s)));
            assert!((found - expected).abs() < 1e-13, "{shape:?} at {i}, {j}: {found} for {expected}");
            // The three large ones end near 1; even one of a three thousandth is on its way.
            assert!(i != j || i == 3 || (0.65..1.25).contains(&found), "{found}");
        }
    }
}

/// With coefficients that converge the direction is the orthogonal polar factor `O` of the gradient: `O` has orthonormal columns (or
/// rows), and `H = Oᵀ G` is symmetric and positive with `G = O H`.
#[test]
fn a_polynomial_that_converges_gives_the_polar_factor() {
    let rule = Muon::default().polynomial([1.875, -1.25, 0.375], 40).scale(MuonScale::MatchRmsAdamw);
    for (rows, cols) in [(5, 5), (9, 4), (40, 23), (3, 3)] {
        let g: Vec<f64> = (0..rows * cols).map(|i| wave(i, 4) + wave(i * i, 3)).collect();
        let o = direction(rule, (rows, cols), &g);
        let (unit, h) = (product(rows, &o, &o), product(rows, &o, &g));
        for (i, j) in (0..cols * cols).map(|e| (e / cols, e % cols)) {
            let expected = f64::from(u8::from(i == j));
            assert!((unit[i * cols + j] - expected).abs() < 1e-12, "{rows} x {cols}: {i}, {j}");
            assert!((h[i * cols + j] - h[j * cols + i]).abs() < 1e-10, "{rows} x {cols}: {i}, {j}");
            assert!(i != j || h[i * cols + i] > 0.0);
        }
        // A wide gradient is the transpose of a tall one.
        let turned = |x: &[f64]| -> Vec<f64> { (0..rows * cols).map(|e| x[e % rows * cols + e / rows]).collect() };
        let other = direction(rule, (cols, rows), &turned(&g));
        assert!(other.iter().zip(turned(&o)).all(|(a, b)| (a - b).abs() < 1e-12), "{rows} x {cols}");
    }
}

#[test]
fn no_gradient_is_no_step() {
    for eps in [1e-7, 0.0] {
        let mut rule = Muon::default();
        rule.eps = eps;
        assert!(direction(rule, (2, 3), &[0.0; 6]).iter().all(|d| *d == 0.0));
    }
}

#[test]
fn the_rate_follows_the_shape() {
    assert_eq!(MuonScale::Original.factor(100, 400), 2.0);
    assert_eq!(MuonScale::Original.factor(400, 100), 1.0);
    assert_eq!(MuonScale::SpectralUnclamped.factor(400, 100), 0.5);
    assert_eq!(MuonScale::MatchRmsAdamw.factor(400, 100), 4.0);
}

fn train<T: Scalar>(config: &OptimizerConfig) -> Params<T> {
    let (mut params, mut grads) = model::<T>();
    let mut optimizer = config.build(&params).unwrap();
    for t in 0..4 {
        fill(&mut grads, t);
        optimizer.step(&mut params, &mut grads);
    }
    params
}

#[track_caller]
fn same(a: &Params<f64>, b: &Params<f64>, name: &str) {
    let id = a.layout().find(name).unwrap();
    assert_eq!(a.get(id), b.get(id), "`{name}`");
}

#[test]
fn what_is_no_weight_and_what_groups_say_goes_by_another_rule() {
    let muon = OptimizerConfig::new(Muon::default()).rate(0.02);
    let adamw = OptimizerConfig::new(AdamW::default()).rate(0.02);
    let sgd = OptimizerConfig::new(Sgd::default().momentum(0.5)).rate(0.002);
    let (muon_alone, adamw, sgd) = (train::<f64>(&muon), train::<f64>(&adamw), train::<f64>(&sgd));
    for name in ["0.bias", "1.weight"] {
        same(&muon_alone, &adamw, name);
    }
    let mixed = muon
        .group(Group::below("0").kinds(&[ParamKind::Weight]).rule(AdamW::default()))
        .group(Group::below("1").rule(Sgd::default().momentum(0.5)).rate_factor(0.1));
    let mixed = train::<f64>(&mixed);
    same(&mixed, &adamw, "0.weight");
    same(&mixed, &adamw, "0.bias");
    same(&mixed, &sgd, "1.weight");
    same(&mixed, &muon_alone, "2.weight");
    assert!(muon_alone.get(muon_alone.layout().find("2.weight").unwrap()) != adamw.trainable());
    // And the other way round: Muon for some weights alone.
    let other = OptimizerConfig::new(AdamW::default()).rate(0.02).group(Group::below("2").rule(Muon::default()));
    let other = train::<f64>(&other);
    same(&other, &muon_alone, "2.weight");
    same(&other, &adamw, "0.weight");
}

#[test]
fn the_state_of_groups_is_saved_and_belongs_to_their_rules() {
    let config = OptimizerConfig::new(Muon::default()).group(Group::below("0.weight").rule(Sgd::default()));
    let (mut params, mut grads) = model::<f32>();
    let mut first = config.build(&params).unwrap();
    fill(&mut grads, 0);
    first.step(&mut params, &mut grads);
    let tensors: BTreeMap<String, Vec<f32>> = first.state_tensors().map(|t| (t.name, t.values.to_vec())).collect();
    let names: Vec<&str> = tensors.keys().map(String::as_str).collect();
    let adam = ["0.bias.exp_avg", "0.bias.exp_avg_sq", "1.weight.exp_avg", "1.weight.exp_avg_sq"];
    assert_eq!(names, [&adam[..], &["2.weight.momentum_buffer"]].concat());

    let text = serde_json::to_string(&first.state_meta()).unwrap();
    let meta: StateMeta = serde_json::from_str(&text).unwrap();
    let again: OptimizerConfig = serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
    assert_eq!(again.groups, config.groups);
    let mut second: Optimizer<f32> = again.build(&params).unwrap();
    second.load_state(&meta, |name| tensors.get(name).map(Vec::as_slice)).unwrap();
    let mut resumed = params.clone();
    for t in 1..4 {
        fill(&mut grads, t);
        first.step(&mut params, &mut grads);
        second.step(&mut resumed, &mut grads);
    }
    assert_eq!(params.to_le_bytes(), resumed.to_le_bytes());

    let mut without = OptimizerConfig::new(Muon::default()).build(&params).unwrap();
    let error = without.load_state(&meta, |name| tensors.get(name).map(Vec::as_slice)).unwrap_err();
    assert!(error.to_string().contains("the rules of groups differ"), "{error}");
}
