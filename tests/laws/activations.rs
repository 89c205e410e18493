//! Laws over the table of activations.

use layerwise::autograd::gradcheck::GradCheck;
use layerwise::nn::{Activation, activation};
use layerwise::tensor::{Layout, Params, Stream};

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
            GradCheck::new()
                .keep_away(&a.kinks(), 0.05)
                .run(&nothing, &[normal(rows, cols, 5) * 3.0], |g, x| g.activate(x[0], a.act()))
                .unwrap_or_else(|failure| panic!("{}: {failure}", a.name()));
        }
    }
    report("derivatives agree with differences", all().len(), &[]);
}

#[test]
fn extreme_inputs_give_the_limit_and_nan_stays_nan() {
    let x = [0.0, -0.0, 1e-8, -1e-8, 20.0, -20.0, 88.0, -88.0, 1e4, -1e4, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    for a in all() {
        let mut double = x;
        a.act().forward(&mut double);
        let mut single = x.map(|v| v as f32);
        a.act().forward(&mut single);
        for (i, x) in x.iter().enumerate() {
            let (d, s) = (double[i], f64::from(single[i]));
            assert_eq!(d.is_nan(), x.is_nan(), "{}({x}) = {d} in f64", a.name());
            assert_eq!(s.is_nan(), x.is_nan(), "{}({x}) = {s} in f32", a.name());
            if x.is_finite() {
                assert!(
                    d.is_finite() && (d - s).abs() <= 1e-6 * d.abs().max(1e-6),
                    "{}({x}): {d} in f64, {s} in f32",
                    a.name()
                );
            }
        }
        // The derivative at large magnitudes is finite too: saved is what `df` reads.
        let saved: Vec<f64> = match a.act().needs() {
            layerwise::autograd::Needs::Input => x[..10].to_vec(),
            layerwise::autograd::Needs::Output => double[..10].to_vec(),
        };
        let mut slope = vec![1.0; 10];
        a.act().backward(&saved, &mut slope);
        assert!(slope.iter().all(|d| d.is_finite() && d.abs() < 2.0), "{}: slopes {slope:?}", a.name());
    }
    report("extreme inputs give the limit, NaN stays NaN", all().len(), &[]);
}

#[test]
fn a_name_reads_back_as_itself() {
    for a in all() {
        let text = serde_json::to_string(&a).unwrap();
        assert_eq!(serde_json::from_str::<Activation>(&text).unwrap(), a);
    }
}
