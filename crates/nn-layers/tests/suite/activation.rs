//! Every activation: values by hand, extreme values, agreement of the element types, derivatives of derivatives.

use layerwise_nn_layers::{Activation, activation};
use proptest::prelude::*;

use crate::support::close;

const EXTREME: [f64; 13] =
    [0.0, -0.0, 1e-8, -1e-8, 20.0, -20.0, 88.0, -88.0, 1e4, -1e4, f64::INFINITY, f64::NEG_INFINITY, 1e-300];

fn all() -> impl Iterator<Item = Activation> {
    activation::table().iter().map(|entry| Activation::new(entry))
}

#[test]
fn values_by_hand() {
    let check = |act: Activation, cases: &[(f64, f64)]| {
        for (x, y) in cases {
            close(act.value(*x), *y, 1e-14 * (1.0 + y.abs()));
        }
    };
    let e = std::f64::consts::E;
    check(Activation::IDENTITY, &[(2.5, 2.5), (-1e4, -1e4)]);
    check(Activation::SIGMOID, &[(0.0, 0.5), (1.0, e / (1.0 + e)), (-1.0, 1.0 / (1.0 + e)), (1e4, 1.0), (-1e4, 0.0)]);
    check(Activation::TANH, &[(0.0, 0.0), (1.0, 1f64.tanh()), (-20.0, -1.0), (1e-8, 1e-8)]);
    check(Activation::RELU, &[(0.0, 0.0), (3.0, 3.0), (-3.0, 0.0)]);
    check(Activation::LEAKY_RELU, &[(3.0, 3.0), (-3.0, -0.03)]);
    check(Activation::ELU, &[(3.0, 3.0), (-1.0, 1.0 / e - 1.0), (-1e4, -1.0), (-1e-8, -1e-8 + 5e-17)]);
    let (alpha, scale) = (1.673_263_242_354_377_2, 1.050_700_987_355_480_5);
    check(Activation::SELU, &[(2.0, 2.0 * scale), (-1e4, -scale * alpha), (-1.0, scale * alpha * (1.0 / e - 1.0))]);
    check(
        Activation::GELU,
        &[
            (1.0, 0.8413447460685429),
            (-1.0, -0.15865525393145707),
            (2.0, 1.9544997361036416),
            (-3.0, -0.004049694094890287),
        ],
    );
    check(
        Activation::GELU_TANH,
        &[
            (1.0, 0.8411919906082768),
            (-1.0, -0.15880800939172324),
            (2.0, 1.954597694087775),
            (-3.0, -0.0036373920817729943),
        ],
    );
    check(Activation::SOFTSIGN, &[(1.0, 0.5), (-3.0, -0.75), (1e300, 1.0), (f64::NEG_INFINITY, -1.0)]);
    check(Activation::SILU, &[(0.0, 0.0), (1.0, e / (1.0 + e)), (-1.0, -1.0 / (1.0 + e)), (f64::NEG_INFINITY, 0.0)]);
    check(Activation::MISH, &[(1.0, 0.8650983882673103), (-1.0, -0.30340146137410895), (f64::NEG_INFINITY, 0.0)]);
    check(Activation::SOFTPLUS, &[(0.0, 2f64.ln()), (1.0, (1.0 + e).ln()), (20.5, 20.5), (-1e4, 0.0)]);
    check(Activation::LOG_SIGMOID, &[(0.0, -2f64.ln()), (-1e4, -1e4), (1e4, 0.0)]);
    check(Activation::RELU6, &[(-1.0, 0.0), (2.5, 2.5), (7.0, 6.0)]);
    check(Activation::CELU.with("alpha", 2.0).unwrap(), &[(3.0, 3.0), (-2.0, 2.0 / e - 2.0), (-1e4, -2.0)]);
    check(Activation::HARDSIGMOID, &[(-4.0, 0.0), (0.0, 0.5), (1.5, 0.75), (4.0, 1.0)]);
    check(Activation::HARDSWISH, &[(-4.0, 0.0), (1.5, 1.125), (4.0, 4.0), (f64::NEG_INFINITY, 0.0)]);
    check(Activation::HARDTANH.with("max", 2.0).unwrap(), &[(-4.0, -1.0), (1.5, 1.5), (4.0, 2.0)]);
    check(Activation::TANHSHRINK, &[(1.0, 1.0 - 1f64.tanh()), (-20.0, -19.0)]);
    check(Activation::HARDSHRINK, &[(0.5, 0.0), (-0.75, -0.75)]);
    check(Activation::SOFTSHRINK, &[(0.5, 0.0), (-0.75, -0.25), (2.0, 1.5)]);
    check(Activation::THRESHOLD.with("value", -5.0).unwrap(), &[(0.0, -5.0), (2.0, 2.0)]);
}

#[test]
fn tanhshrink_keeps_its_digits_near_zero() {
    // x^3 / 3 - 2 x^5 / 15 + 17 x^7 / 315, of which the difference x - tanh x would leave nothing.
    for x in [1e-8f64, -1e-5, 1e-3] {
        let expected = x * x * x * (1.0 / 3.0 - 2.0 / 15.0 * x * x + 17.0 / 315.0 * x.powi(4));
        close(Activation::TANHSHRINK.value(x), expected, 4e-16 * expected.abs());
    }
    // Both forms meet where one takes over from the other.
    let (below, above) = (Activation::TANHSHRINK.value(0.1 - 1e-15), Activation::TANHSHRINK.value(0.1 + 1e-15));
    close(below, above, 1e-16);
}

#[test]
fn derivatives_by_hand() {
    assert_eq!(Activation::RELU.derivative(0.0), 0.0);
    assert_eq!(Activation::RELU.derivative(-0.0), 0.0);
    assert_eq!(Activation::RELU.derivative(1e-8), 1.0);
    assert_eq!(Activation::LEAKY_RELU.derivative(-1.0), 0.01);
    close(Activation::SIGMOID.derivative(0.0), 0.25, 1e-16);
    close(Activation::TANH.derivative(0.0), 1.0, 1e-16);
    close(Activation::ELU.derivative(-1.0), (-1f64).exp(), 1e-15);
    close(Activation::GELU.derivative(1.0), 1.0833154705876864, 1e-14);
    close(Activation::GELU.derivative(-3.0), -0.011945647204183927, 1e-14);
}

#[test]
fn extreme_values_stay_finite() {
    for act in all() {
        for x in EXTREME {
            let (y, d, dd) = (act.value(x), act.derivative(x), act.second_derivative(x));
            assert!(!y.is_nan() && (y.is_finite() || !x.is_finite()), "{act:?}({x}) = {y}");
            assert!(d.is_finite(), "{act:?}'({x}) = {d}");
            assert!(dd.is_finite(), "{act:?}''({x}) = {dd}");
            let mut y32 = [x as f32];
            act.act().forward(&mut y32);
            assert!(!y32[0].is_nan() && (y32[0].is_finite() || !x.is_finite()), "{act:?}({x}f32) = {}", y32[0]);
        }
    }
}

#[test]
fn a_nan_passes() {
    for act in all() {
        assert!(act.value(f64::NAN).is_nan(), "{act:?} swallows a NaN");
        let mut y = [f32::NAN; 9];
        act.act().forward(&mut y);
        assert!(y.iter().all(|y| y.is_nan()), "{act:?} swallows a NaN in f32");
    }
}

#[test]
fn gains_are_those_of_pytorch_or_keep_the_second_moment() {
    assert_eq!(Activation::TANH.gain(), 5.0 / 3.0);
    assert_eq!(Activation::RELU.gain(), 2f64.sqrt());
    assert_eq!(Activation::SELU.gain(), 0.75);
    close(Activation::LEAKY_RELU.gain(), (2.0f64 / 1.0001).sqrt(), 1e-15);
    let smooth = Activation::SOFTPLUS.with("beta", 3.0).unwrap();
    let named = ["sigmoid", "tanh", "selu", "identity"];
    let others = all().filter(|a| !named.contains(&a.name()) && a.name() != "leaky_relu");
    for act in others.chain([smooth, Activation::SOFTSHRINK.with("lambda", 0.25).unwrap()]) {
        // E[f(z)^2] by the midpoint rule over +-10 standard deviations.
        let (n, h) = (20_000, 1e-3);
        let density = |z: f64| (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
        let moment: f64 =
            (0..n).map(|i| -10.0 + (f64::from(i) + 0.5) * h).map(|z| act.value(z).powi(2) * density(z) * h).sum();
        close(act.gain(), 1.0 / moment.sqrt(), 1e-4);
    }
    // Nothing is left over: no gain could help.
    assert_eq!(Activation::HARDSHRINK.with("lambda", 1e9).unwrap().gain(), 1.0);
}

/// Every activation that takes numbers, with other numbers: each alone, and all of them.
fn changed() -> impl Iterator<Item = Activation> {
    activation::table().iter().flat_map(|entry| {
        let default = || Activation::new(entry);
        let with = |act: Activation, (i, name): (usize, &str)| act.with(name, [0.3, 0.7][i]).unwrap();
        let names = || entry.args.iter().map(|a| a.name).enumerate();
        let mut acts: Vec<Activation> = names().map(|arg| with(default(), arg)).collect();
        acts.extend((names().count() > 1).then(|| names().fold(default(), with)));
        acts
    })
}

#[test]
fn second_derivatives_agree_in_both_types() {
    for act in all().chain(changed()).filter(|act| act.act().has_second()) {
        for x in [-2.5f32, -0.75, 0.5, 1.25] {
            let (mut single, mut double) = ([1.0f32], [1.0f64]);
            let (saved32, saved64) = match act.act().needs() {
                layerwise_autograd::Needs::Input => (x, f64::from(x)),
                layerwise_autograd::Needs::Output => (act.value(f64::from(x)) as f32, act.value(f64::from(x))),
            };
            act.act().second(&[saved32], &mut single);
            act.act().second(&[saved64], &mut double);
            // A few roundings of numbers that are no larger than a few units.
            close(f64::from(single[0]), double[0], 1e-5 * (1.0 + double[0].abs()));
        }
    }
}

proptest! {
    #[test]
    fn derivatives_are_the_slopes_of_what_they_derive(x in -9.0f64..9.0) {
        for act in all().chain(changed()) {
            if act.kinks().iter().any(|k| (x - k).abs() < 1e-3) {
                continue;
            }
            let h = 1e-5;
            let slope = (act.value(x + h) - act.value(x - h)) / (2.0 * h);
            close(act.derivative(x), slope, 1e-9 * (1.0 + slope.abs()) + 1e-9);
            let curve = (act.derivative(x + h) - act.derivative(x - h)) / (2.0 * h);
            close(act.second_derivative(x), curve, 1e-8 * (1.0 + curve.abs()));
        }
    }

    #[test]
    fn single_and_double_precision_agree(x in -30.0f32..30.0) {
        for act in all() {
            let mut y = [x];
            act.act().forward(&mut y);
            // A few units in the last place of the largest number that the formula meets.
            let tolerance = 8.0 * f64::from(f32::EPSILON) * (1.0 + f64::from(x.abs()));
            close(f64::from(y[0]), act.value(f64::from(x)), tolerance);
        }
    }
}
