//! Laws over the table of metrics.

use layerwise::prelude::*;
use layerwise::train::metrics;

use crate::ledger::{DOUBLE, law};
use crate::support::{normal, report};

#[test]
fn a_perfect_answer_is_best_and_a_wrong_one_is_worse() {
    let labels: Vec<u32> = (0..40).map(|i| u32::from(i % 3 == 0)).collect();
    let perfect =
        ndarray::Array2::from_shape_fn((40, 1), |(i, _)| if labels[i] == 1 { 1.0 + i as f64 } else { -1.0 - i as f64 });
    let wrong = normal::<f64>(40, 1, 3);
    for metric in metrics::table() {
        let measure = |outputs: &ndarray::Array2<f64>| {
            let by_label = Samples::labels(outputs.view(), &labels).unwrap();
            let by_value = Samples::values(outputs.view(), perfect.view()).unwrap();
            metric.of(outputs.view(), &by_label).or_else(|_| metric.of(outputs.view(), &by_value)).unwrap()
        };
        let (best, worse) = (measure(&perfect), measure(&wrong));
        let wanted = if metric.larger_is_better { 1.0 } else { 0.0 };
        assert!((best - wanted).abs() < 1e-12, "{}: {best}", metric.name);
        assert!(
            if metric.larger_is_better { worse < best } else { worse > best },
            "{}: {worse} against {best}",
            metric.name
        );
        law("best is best", "metric").ran(metric.name, DOUBLE, 1);
    }
    report("a perfect answer is best, a wrong one worse", metrics::table().len(), &[]);
}

#[test]
fn nan_is_refused() {
    let labels = [0, 1, 1];
    let outputs = ndarray::array![[0.5], [f64::NAN], [0.25]];
    for metric in metrics::table() {
        let by_label = Samples::labels(outputs.view(), &labels).unwrap();
        assert!(metric.of(outputs.view(), &by_label).is_err(), "{}", metric.name);
    }
}
