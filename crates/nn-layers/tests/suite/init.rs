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
        // Five standard errors of 60 000 draws: sqrt(2 / n) of a normal's variance, 1 / sqrt(n) of its mean.
        close(variance, claimed.variance(), 5.0 * (2.0 / n).sqrt() * claimed.variance());
        match claimed {
            Distribution::Constant(value) => assert!(values.iter().all(|v| *v == value), "{init:?}"),
            Distribution::Uniform { bound } => {
                assert!(values.iter().all(|v| (-bound..bound).contains(v)), "{init:?}");
                let largest = values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
                assert!(largest > 0.999 * bound, "{init:?} reaches {largest} of {bound}");
                close(mean, 0.0, 5.0 * (claimed.variance() / n).sqrt());
            }
            _ => close(mean, 0.0, 5.0 * (claimed.variance() / n).sqrt()),
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
