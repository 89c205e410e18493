//! Laws over the table of initializers.

use layerwise::nn::{Init, init};
use layerwise::tensor::{Layout, ParamKind, Params, Stream};

use crate::ledger::{self, BOTH, DOUBLE};
use crate::support::report;

#[test]
fn values_have_the_declared_mean_and_variance() {
    let (rows, cols) = (300, 200);
    for entry in init::table() {
        let law = Init::new(entry).distribution(rows, cols);
        let mut layout = Layout::new();
        let id = layout.scope().param("weight", ParamKind::Weight, rows, cols, Init::new(entry));
        let params = Params::<f64>::init(layout, &Stream::new(3));
        let values = params.get(id);
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        let wanted = law.variance();
        let fourth = values.iter().map(|v| (v - mean).powi(4)).sum::<f64>() / n;
        // Five standard errors of mean and variance.
        assert!((mean - law.mean()).abs() <= 5.0 * (wanted / n).sqrt() + 1e-12, "{}: mean {mean}", entry.name);
        assert!(
            (variance - wanted).abs() <= 5.0 * ((fourth - variance * variance).max(0.0) / n).sqrt() + 1e-12,
            "{}: variance {variance}, not {wanted}",
            entry.name
        );
        ledger::law("mean and variance", "init").ran(entry.name, DOUBLE, 1);
    }
    report("values have the declared mean and variance", init::table().len(), &[]);
}

#[test]
fn single_precision_is_double_precision_rounded() {
    for entry in init::table() {
        let mut layout = Layout::new();
        layout.scope().param("weight", ParamKind::Weight, 17, 13, Init::new(entry));
        let double = Params::<f64>::init(layout.clone(), &Stream::new(3));
        let single = Params::<f32>::init(layout, &Stream::new(3));
        assert!(double.trainable().iter().zip(single.trainable()).all(|(d, s)| *d as f32 == *s), "{}", entry.name);
        ledger::law("types", "init").ran(entry.name, BOTH, 1);
    }
}
