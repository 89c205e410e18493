//! Every initializer: variance and bounds of what it draws, gains, and independence of the element type.

use layerwise_nn_layers::init::{self, Distribution};
use layerwise_nn_layers::{Activation, Init, LinearConfig};
use layerwise_tensor::{Initializer, Layout, Params, Stream};

use crate::support::close;

fn draw(init: Init, rows: usize, cols: usize) -> Vec<f64> {
    let mut out = vec![f64::NAN; rows * cols];
    init.fill(rows, cols, &Stream::new(11).child("weight"), &mut out);
    out
}

#[test]
fn every_initializer_has_the_variance_and_the_bounds_it_claims() {
    let (rows, cols) = (200, 300);
    for entry in init::table() {
        let init = Init::new(entry);
        let values = draw(init, rows, cols);
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        let claimed = init.distribution(rows, cols);
        // Five standard errors of 60 000 draws, of the variance by the fourth moment.
        let fourth = values.iter().map(|v| (v - mean).powi(4)).sum::<f64>() / n;
        close(variance, claimed.variance(), 5.0 * ((fourth - variance * variance).max(0.0) / n).sqrt() + 1e-15);
        match claimed {
            Distribution::Constant(value) => assert!(values.iter().all(|v| *v == value), "{init:?}"),
            Distribution::Uniform { bound } => {
                assert!(values.iter().all(|v| (-bound..bound).contains(v)), "{init:?}");
                let largest = values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
                assert!(largest > 0.999 * bound, "{init:?} reaches {largest} of {bound}");
                close(mean, 0.0, 5.0 * (claimed.variance() / n).sqrt());
            }
            _ => close(mean, claimed.mean(), 5.0 * (claimed.variance() / n).sqrt()),
        }
    }
}

#[test]
fn formulas_by_hand() {
    let check = |init: Init, expected: f64| close(init.distribution(50, 150).variance(), expected, 1e-15);
    check(Init::GLOROT_UNIFORM, 2.0 / 200.0);
    check(Init::GLOROT_NORMAL, 2.0 / 200.0);
    check(Init::HE_UNIFORM, 2.0 / 50.0);
    check(Init::HE_NORMAL, 2.0 / 50.0);
    check(Init::HE_NORMAL.with("fan", 1.0).unwrap(), 2.0 / 150.0);
    check(Init::HE_NORMAL.for_activation(Activation::TANH), 25.0 / 9.0 / 50.0);
    check(Init::LECUN_NORMAL, 1.0 / 50.0);
    check(Init::LECUN_UNIFORM, 1.0 / 50.0);
    check(Init::TORCH_LINEAR, 1.0 / 150.0);
    assert_eq!(Init::ZEROS.for_activation(Activation::TANH), Init::ZEROS);
}

#[test]
fn biases_are_zero_but_for_the_default_of_torch() {
    let first = |init: Init| {
        let mut layout = Layout::new();
        LinearConfig::new(400).init(init).build(&mut layout.scope(), 25).unwrap();
        let params = Params::<f64>::init(layout, &Stream::new(5));
        params.get(params.layout().find("bias").unwrap()).to_vec()
    };
    for entry in init::table().iter().filter(|e| e.name != "torch_linear") {
        assert!(first(Init::new(entry)).iter().all(|b| *b == 0.0), "{}", entry.name);
    }
    let bias = first(Init::TORCH_LINEAR);
    let largest = bias.iter().fold(0.0f64, |m, b| m.max(b.abs()));
    assert!((0.18..0.2).contains(&largest), "1 / sqrt(25) bounds the bias, found {largest}");
}

#[test]
fn both_element_types_start_from_the_same_numbers() {
    let mut layout = Layout::new();
    LinearConfig::new(7).init(Init::HE_NORMAL).build(&mut layout.scope(), 5).unwrap();
    let wide = Params::<f64>::init(layout.clone(), &Stream::new(5));
    let narrow = Params::<f32>::init(layout, &Stream::new(5));
    assert!(wide.trainable().iter().zip(narrow.trainable()).all(|(w, n)| *w as f32 == *n));
}

#[test]
fn a_truncated_normal_is_a_normal_without_its_tails() {
    for (std, cut) in [(1.0, 2.0), (0.3, 0.5), (2.0, 5.0), (1.0, 1e-4)] {
        let init = Init::TRUNCATED_NORMAL.with("std", std).unwrap().with("cut", cut).unwrap();
        let values = draw(init, 200, 300);
        let largest = values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        assert!(largest <= std * cut && largest > 0.9 * std * cut, "{init:?} reaches {largest}");
        let n = values.len() as f64;
        let variance = values.iter().map(|v| v * v).sum::<f64>() / n;
        close(variance, init.distribution(200, 300).variance(), 5.0 * (2.0 / n).sqrt() * variance);
        // The shares of the quarters between the quartiles of what is left.
        let inner = values.iter().filter(|v| v.abs() < 0.5 * std * cut).count() as f64 / n;
        let within = |c: f64| 2.0 * layerwise_tensor::math::normal_cdf(c) - 1.0;
        close(inner, within(0.5 * cut) / within(cut), 5.0 * (0.25 / n).sqrt());
    }
    // Where nothing is cut off it is the normal, to the bit.
    let wide = Init::TRUNCATED_NORMAL.with("cut", 9.0).unwrap();
    assert_eq!(draw(wide, 20, 30), draw(Init::NORMAL, 20, 30));
}

#[test]
fn orthogonal_rows_or_columns_have_length_and_no_angle() {
    for (rows, cols) in [(1, 1), (1, 7), (7, 1), (20, 20), (90, 31), (31, 90)] {
        let gain = 1.5;
        let w = draw(Init::ORTHOGONAL.with("gain", gain).unwrap(), rows, cols);
        let vectors = rows.min(cols);
        let at = |v: usize, i: usize| if rows <= cols { w[v * cols + i] } else { w[i * cols + v] };
        for a in 0..vectors {
            for b in 0..=a {
                let product: f64 = (0..rows.max(cols)).map(|i| at(a, i) * at(b, i)).sum();
                close(product, if a == b { gain * gain } else { 0.0 }, 1e-14);
            }
        }
    }
    // Evenly over all directions: the sign of the first column is not fixed.
    let signs: Vec<bool> = (0..64)
        .map(|seed| {
            let mut out = [0.0; 9];
            Init::ORTHOGONAL.fill(3, 3, &Stream::new(seed), &mut out);
            out[0] > 0.0
        })
        .collect();
    let positive = signs.iter().filter(|s| **s).count();
    assert!((12..=52).contains(&positive), "{positive} of 64");
}

#[test]
fn an_identity_passes_on_what_it_gets() {
    assert_eq!(draw(Init::IDENTITY, 2, 3), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    assert_eq!(draw(Init::IDENTITY.with("gain", 0.5).unwrap(), 3, 2), [0.5, 0.0, 0.0, 0.5, 0.0, 0.0]);
}

#[test]
fn each_unit_of_a_sparse_layer_has_its_connections() {
    let (rows, cols) = (60, 40);
    for (connections, expected) in [(15.0, 15), (1.0, 1), (100.0, 60)] {
        let w = draw(Init::SPARSE.with("connections", connections).unwrap(), rows, cols);
        for unit in 0..cols {
            let incoming = (0..rows).filter(|i| w[i * cols + unit] != 0.0).count();
            assert_eq!(incoming, expected);
        }
        let first: Vec<bool> = (0..rows).map(|i| w[i * cols] != 0.0).collect();
        let second: Vec<bool> = (0..rows).map(|i| w[i * cols + 1] != 0.0).collect();
        assert!(expected == rows || first != second, "units choose for themselves");
    }
    let e = Init::SPARSE.with("connections", 2.5).unwrap_err().to_string();
    assert!(e.contains("a whole number, at least 1, found 2.5"), "{e}");
}
