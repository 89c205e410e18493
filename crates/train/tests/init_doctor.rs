//! The init doctor: theory against measurement, good initializers and bad ones.

use layerwise_nn_layers::{Activation, BuildModel, Init, Mlp, MlpConfig, Norm};
use layerwise_tensor::Stream;
use layerwise_train::diagnostics::{Code, InitReport, init_doctor};
use ndarray::Array2;

fn rows(rows: usize, cols: usize) -> Array2<f32> {
    let mut x = Array2::zeros((rows, cols));
    Stream::new(11).normal(0, x.as_slice_mut().unwrap());
    x
}

fn report(network: &MlpConfig, seed: u64) -> InitReport {
    let (mlp, params) = network.create::<f32>(seed).unwrap();
    init_doctor(&mlp, &params, rows(48, network.inputs).view())
}

const KINDS: [(Activation, Init); 3] = [
    (Activation::RELU, Init::HE_NORMAL),
    (Activation::TANH, Init::LECUN_NORMAL),
    (Activation::SELU, Init::LECUN_NORMAL),
];

/// Theory is exact for infinite width. At width `n` the growth of one layer has the relative variance `5 / n` at most (ReLU, all rows
/// alike: `E[f⁴] / E[f²]² - 1 = 5`), so that the geometric mean over `d` layers scatters by `sqrt(5 / (n d))`: 3 % for 10 layers of 512,
/// 1.4 % for 50. One layer of independent rows averages over the rows besides. The mean over three draws stays within 5 %: 2.8 standard
/// deviations in the worst case, ReLU at depth 10; the draws are fixed.
#[test]
fn the_growth_of_each_layer_is_predicted_within_five_percent() {
    for (activation, init) in KINDS {
        for depth in [1, 10, 50] {
            let network = Mlp::builder(512).hidden(&vec![512; depth]).outputs(512).activation(activation).init(init);
            let draws = if depth == 50 { 1 } else { 3 };
            let reports: Vec<InitReport> = (0..draws).map(|seed| report(&network, seed)).collect();
            let log = reports.iter().map(|r| r.growth_error().ln()).sum::<f64>() / draws as f64;
            assert!(
                log.abs() < 0.05,
                "{activation:?} at depth {depth}: the growth differs by a factor of {}",
                log.exp()
            );
            for report in &reports {
                assert!(report.findings.is_empty(), "{activation:?} at depth {depth}:\n{report}");
                assert_eq!(report.layers.len(), depth + 1);
            }
        }
    }
}

/// Where theory has a stable point (SELU), or one layer only, the variance itself is predicted, not only its growth; the layers' scatter of
/// `sqrt(2 / n)` is damped by every later layer.
#[test]
fn the_variance_is_predicted_from_the_input_on() {
    for depth in [1, 10, 50] {
        let network = Mlp::builder(512).hidden(&vec![512; depth]).outputs(512);
        let report = report(&network.activation(Activation::SELU).init(Init::LECUN_NORMAL), 3);
        // The last one is a plain product.
        let errors = report.layers[..depth].iter().map(|l| (l.measured / l.predicted - 1.0).abs());
        let mean = errors.sum::<f64>() / depth as f64;
        assert!(mean < 0.05, "depth {depth}: {mean}");
    }
}

#[test]
fn norms_and_ways_around_have_a_theory_too() {
    let network = Mlp::builder(256).hidden(&[256; 4]).outputs(10).init(Init::HE_NORMAL);
    for network in [network.clone().norm(Norm::Batch), network.norm(Norm::Layer).residual(true)] {
        let report = report(&network, 1);
        assert!(report.findings.is_empty(), "{report}");
        assert!(report.layers.iter().all(|l| l.predicted_growth.is_some()));
        let normed: Vec<_> = report.layers.iter().filter(|l| l.op.contains("norm")).collect();
        assert_eq!(normed.len(), 4, "{report}");
        for layer in normed {
            // The variance of a standard normal number behind a ReLU.
            let wanted = 0.5 - 0.5 / std::f64::consts::PI;
            assert!((layer.measured - wanted).abs() < 0.02 && (layer.predicted - wanted).abs() < 0.02, "{report}");
        }
    }
}

#[test]
fn bad_initializers_are_named_and_good_ones_are_not() {
    let deep = |activation: Activation, init: Init, depth: usize| {
        Mlp::builder(128).hidden(&vec![128; depth]).outputs(10).activation(activation).init(init)
    };
    let (relu, tanh, selu) = (Activation::RELU, Activation::TANH, Activation::SELU);
    let std = |std| Init::NORMAL.with("std", std).unwrap();
    let bad = [
        (deep(relu, Init::ZEROS, 2), Code::InitTooSmall),
        (deep(relu, std(0.01), 2), Code::InitTooSmall),
        (deep(relu, Init::GLOROT_NORMAL, 20), Code::InitTooSmall),
        (deep(relu, std(1.0), 2), Code::InitTooLarge),
        (deep(relu, Init::HE_NORMAL.with("gain", 2.0).unwrap(), 20), Code::InitTooLarge),
        (deep(tanh, std(1.0), 2), Code::InitTooLarge),
        (deep(relu, Init::TORCH_LINEAR, 20), Code::VanishingGradients),
        (deep(Activation::SIGMOID, Init::GLOROT_UNIFORM, 10), Code::VanishingGradients),
        (deep(relu, Init::HE_NORMAL, 50).norm(Norm::Batch), Code::ExplodingGradients),
    ];
    for (network, expected) in bad {
        let report = report(&network, 1);
        let codes: Vec<Code> = report.findings.iter().map(|f| f.code).collect();
        assert_eq!(codes, [expected], "{network:?}\n{report}");
    }
    let good = [
        deep(relu, Init::HE_NORMAL, 2),
        deep(relu, Init::HE_UNIFORM, 10),
        deep(relu, Init::TORCH_LINEAR, 2),
        deep(tanh, Init::GLOROT_UNIFORM, 10),
        deep(tanh, Init::GLOROT_NORMAL.for_activation(tanh), 10),
        deep(tanh, Init::ORTHOGONAL, 30),
        deep(selu, Init::LECUN_NORMAL, 30),
        deep(relu, Init::HE_NORMAL, 30).norm(Norm::Layer).residual(true),
        Mlp::builder(128).hidden(&[]).outputs(10),
    ];
    for network in good {
        let report = report(&network, 1);
        assert!(report.findings.is_empty(), "{network:?}\n{report}");
    }
}

#[test]
fn a_report_is_a_table_and_a_record() {
    let report = report(&Mlp::builder(8).hidden(&[8]).outputs(2), 1);
    let text = report.to_string();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.contains("0 relu") && text.contains("predicted"));
    let back: InitReport = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(back, report);
}
