//! What can be said of the samples before anything is trained.

use layerwise_tensor::Scalar;

use super::finding::{Code, Finding};
use crate::data::{Samples, Targets};

/// A feature whose root mean square is above this is not scaled; standardised ones have 1.
const LARGE: f64 = 10.0;
/// If all features lie below this they are not scaled either.
const SMALL: f64 = 0.01;

/// Findings about features and those targets that have a weight; a feature that is 0 in all rows is none, since it adds nothing to any product.
pub(crate) fn findings<T: Scalar>(samples: &Samples<'_, T>) -> Vec<Finding> {
    let mut found = Vec::new();
    let (x, rows) = (samples.inputs(), samples.len());
    let (mut largest, mut at) = (0.0, 0);
    for (c, column) in x.columns().into_iter().enumerate() {
        let first = column[0];
        if rows > 1 && first != T::zero() && column.iter().all(|v| *v == first) {
            found.push(Finding::new(Code::ConstantColumn, format!("feature {c}"), &[("value", first.as_f64())]));
            continue;
        }
        let square = column.iter().map(|v| v.as_f64() * v.as_f64()).sum::<f64>();
        let rms = (square / rows as f64).sqrt();
        if rms > largest {
            (largest, at) = (rms, c);
        }
    }
    if largest > LARGE || (largest > 0.0 && largest < SMALL) {
        let place = format!("feature {at}");
        found.push(Finding::new(Code::UnscaledInputs, place, &[("largest root mean square", largest)]));
    }
    let constant = rows > 1
        && match samples.targets() {
            Targets::Labels(labels) => same((0..rows).filter(|r| samples.counts(*r, 0)).map(|r| labels[r])),
            Targets::Values(values) => {
                (0..values.ncols()).all(|c| same((0..rows).filter(|r| samples.counts(*r, c)).map(|r| values[[r, c]])))
            }
            Targets::Inputs => x.columns().into_iter().all(|column| same(column.iter())),
        };
    if constant {
        found.push(Finding::new(Code::LabelsConstant, "", &[("rows", rows as f64)]));
    }
    found
}

/// Whether all values are equal.
fn same<V: PartialEq>(mut values: impl Iterator<Item = V>) -> bool {
    let first = values.next();
    values.all(|v| Some(&v) == first.as_ref())
}
