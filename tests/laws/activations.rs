//! Laws over the table of activations.

use layerwise::autograd::Needs;
use layerwise::autograd::gradcheck::GradCheck;
use layerwise::nn::{Activation, activation};
use layerwise::tensor::{Layout, Params, Scalar, Stream};

use crate::ledger::{DOUBLE, law};
use crate::support::{normal, report};

/// Every activation with its defaults.
fn all() -> Vec<Activation> {
    activation::table().iter().map(|entry| Activation::new(entry)).collect()
}

#[test]
fn derivatives_agree_with_differences() {
    let nothing = Params::<f64>::init(Layout::new(), &Stream::new(0));
    for a in all() {
        for (rows, cols) in [(1, 1), (3, 15), (2, 16), (1, 17), (7, 31)] {
            let report = GradCheck::new()
                .keep_away(&a.kinks(), 0.05)
                .run(&nothing, &[normal(rows, cols, 5) * 3.0], |g, x| g.activate(x[0], a.act()))
                .unwrap_or_else(|failure| panic!("{}: {failure}", a.name()));
            law("gradient", "activation").ran_to(a.name(), DOUBLE, 1, report.error);
        }
    }
    report("derivatives agree with differences", all().len(), &[]);
}

#[test]
fn extreme_inputs_give_the_limit_and_nan_stays_nan() {
    for a in all() {
        check_extremes::<f32>(&a);
        check_extremes::<f64>(&a);
    }
    report("extreme inputs give the limit in value and slope, NaN stays NaN", all().len(), &[]);
}

fn check_extremes<T: Scalar>(a: &Activation) {
    let both = |size: f64| [size, -size];
    let finite: Vec<f64> = [0.0, 1e-8, 20.0, 88.0, 1e4].into_iter().flat_map(both).collect();
    let eps = T::epsilon().as_f64();
    let what = |x: f64| format!("{}({x:?}) in {:?}", a.name(), T::DTYPE);
    let mut worst = 0.0f64;
    for x in &finite {
        let (y, slope) = at::<T>(a, *x);
        // The same number in `f64`.
        let (exact, exact_slope) = at::<f64>(a, T::of(*x).as_f64());
        assert!(y.is_finite() && slope.is_finite(), "{}: {y:?}, slope {slope:?}", what(*x));
        assert!((y - exact).abs() <= 8.0 * eps * exact.abs().max(1e-6), "{}: {y:?} for {exact:?}", what(*x));
        worst = worst.max((y - exact).abs() / exact.abs().max(1e-6));
        // A slope is read from the output where that suffices, and then has the output's rounding.
        assert!((slope - exact_slope).abs() <= 16.0 * eps, "{}: slope {slope:?} for {exact_slope:?}", what(*x));
        assert!(slope.abs() < 2.0, "{}: slope {slope:?}", what(*x));
    }
    for x in both(f64::INFINITY) {
        let (y, slope) = at::<T>(a, x);
        // What the function does far out is what it does at the end: it grows with a slope, or it has a limit. Softsign is the slowest,
        // 1e-8 from its limit at 1e8.
        let (far, far_slope) = at::<f64>(a, x.signum() * 1e8);
        assert!((slope - far_slope).abs() <= 1e-6, "{}: slope {slope:?}, at 1e8 {far_slope:?}", what(x));
        if far_slope.abs() > 1e-6 {
            assert!(y == far_slope.signum() * x, "{}: {y:?}", what(x));
        } else {
            assert!((y - far).abs() <= 1e-6, "{}: {y:?}, at 1e8 {far:?}", what(x));
        }
    }
    law("types", "activation").ran_to(
        a.name(),
        if T::DTYPE.size() == 4 { &["f32"] } else { DOUBLE },
        finite.len(),
        worst,
    );
    assert!(at::<T>(a, f64::NAN).0.is_nan(), "{}", what(f64::NAN));
    // Somewhere within a vector and in its rest, too.
    let mut row = [T::of(0.5); 37];
    for i in [0, 7, 20, 36] {
        row[i] = T::nan();
    }
    a.act().forward(&mut row);
    for (i, y) in row.iter().enumerate() {
        assert_eq!(y.is_nan(), [0, 7, 20, 36].contains(&i), "{} at {i} of a row", a.name());
    }
}

/// Value and derivative at `x`, computed in `T`.
fn at<T: Scalar>(a: &Activation, x: f64) -> (f64, f64) {
    let (mut y, mut slope) = ([T::of(x)], [T::one()]);
    a.act().forward(&mut y);
    let saved = if a.act().needs() == Needs::Output { y } else { [T::of(x)] };
    a.act().backward(&saved, &mut slope);
    (y[0].as_f64(), slope[0].as_f64())
}

#[test]
fn a_name_reads_back_as_itself() {
    for a in all() {
        let text = serde_json::to_string(&a).unwrap();
        assert_eq!(serde_json::from_str::<Activation>(&text).unwrap(), a);
    }
}
