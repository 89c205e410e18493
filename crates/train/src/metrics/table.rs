//! The shelf of metrics: name, what it says, which direction is better.

use layerwise_tensor::Scalar;
use ndarray::{Array2, ArrayView2};

use super::classes::{accuracy, classify};
use super::error_measures::{mae, mse};
use super::ranking::{average_precision, roc_auc};
use crate::data::{Samples, Targets};
use crate::error::TrainError;

/// What a model answered, in `f64`, beside what it should have answered.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// Outputs, `(rows, outputs)`.
    pub outputs: ArrayView2<'a, f64>,
    /// What they should be: labels or values (those of an autoencoder are its inputs).
    pub targets: Targets<'a, f64>,
}

/// One entry of the table of metrics.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// The name in configurations, histories and records.
    pub name: &'static str,
    /// One line of documentation.
    pub doc: &'static str,
    /// Whether a larger value is better.
    pub larger_is_better: bool,
    measure: fn(&Outcome<'_>) -> Result<f64, TrainError>,
}

impl Metric {
    /// Accuracy of the class with the largest output, or of the sign of a single logit.
    pub const ACCURACY: Metric = Metric {
        name: "accuracy",
        doc: "share of the rows whose class is right",
        larger_is_better: true,
        measure: |o| accuracy(&classify(o.outputs)?, labels("accuracy", o)?),
    };

    /// Area under the ROC curve of a single output against the labels 0 and 1.
    pub const ROC_AUC: Metric = Metric {
        name: "roc_auc",
        doc: "chance that a positive row scores above a negative one, ties counting one half",
        larger_is_better: true,
        measure: |o| {
            let (scores, positive) = ranking("roc_auc", o)?;
            roc_auc(&scores, &positive)
        },
    };

    /// Average precision of a single output against the labels 0 and 1.
    pub const AVERAGE_PRECISION: Metric = Metric {
        name: "average_precision",
        doc: "mean of the precision over the steps of recall, without interpolation",
        larger_is_better: true,
        measure: |o| {
            let (scores, positive) = ranking("average_precision", o)?;
            average_precision(&scores, &positive)
        },
    };

    /// Mean squared error over all elements.
    pub const MSE: Metric = Metric {
        name: "mse",
        doc: "mean of the squared error over all elements",
        larger_is_better: false,
        measure: |o| mse(o.outputs, values("mse", o)?),
    };

    /// Mean absolute error over all elements.
    pub const MAE: Metric = Metric {
        name: "mae",
        doc: "mean of the absolute error over all elements",
        larger_is_better: false,
        measure: |o| mae(o.outputs, values("mae", o)?),
    };

    /// A metric of one's own, to be measured, reported and watched as those of the [`table`].
    ///
    /// ```
    /// # use layerwise_train::metrics::{ConfusionMatrix, Metric, classify};
    /// # use layerwise_train::{Targets, TrainError};
    /// const F1: Metric = Metric::new("f1", "harmonic mean of precision and recall of class 1", true, |o| match o.targets {
    ///     Targets::Labels(labels) => Ok(ConfusionMatrix::new(2, &classify(o.outputs)?, labels)?.f1(1)),
    ///     _ => Err(TrainError::Metric { metric: "f1", problem: "it needs labels".into() }),
    /// });
    /// ```
    pub const fn new(
        name: &'static str,
        doc: &'static str,
        larger_is_better: bool,
        measure: fn(&Outcome<'_>) -> Result<f64, TrainError>,
    ) -> Self {
        Self { name, doc, larger_is_better, measure }
    }

    /// The metric called `name`.
    ///
    /// # Errors
    /// If the table has no such entry; the message lists the names.
    pub fn parse(name: &str) -> Result<Metric, TrainError> {
        table().iter().find(|m| m.name == name).copied().ok_or_else(|| {
            let names: Vec<&str> = table().iter().map(|m| m.name).collect();
            TrainError::Setting {
                name: "metric",
                problem: format!("`{name}` is unknown; choose one of {}", names.join(", ")),
            }
        })
    }

    /// The value for one outcome.
    ///
    /// # Errors
    /// If the metric does not fit the kind of target, a value is NaN, or there is nothing to measure.
    pub fn measure(&self, outcome: &Outcome<'_>) -> Result<f64, TrainError> {
        (self.measure)(outcome)
    }

    /// The value for `outputs` `(samples, outputs)` of a model on `samples`.
    ///
    /// # Errors
    /// As [`Metric::measure`].
    pub fn of<T: Scalar>(&self, outputs: ArrayView2<'_, T>, samples: &Samples<'_, T>) -> Result<f64, TrainError> {
        let f64s = |a: ArrayView2<'_, T>| -> Array2<f64> { a.map(|v| v.as_f64()) };
        let kept;
        let targets = match samples.targets() {
            Targets::Labels(labels) => Targets::Labels(labels),
            Targets::Values(values) => {
                kept = f64s(values);
                Targets::Values(kept.view())
            }
            Targets::Inputs => {
                kept = f64s(samples.inputs());
                Targets::Values(kept.view())
            }
        };
        self.measure(&Outcome { outputs: f64s(outputs).view(), targets })
    }
}

impl PartialEq for Metric {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// All metrics, by name.
pub fn table() -> &'static [Metric] {
    &[Metric::ACCURACY, Metric::ROC_AUC, Metric::AVERAGE_PRECISION, Metric::MSE, Metric::MAE]
}

fn labels<'a>(metric: &'static str, o: &Outcome<'a>) -> Result<&'a [u32], TrainError> {
    match o.targets {
        Targets::Labels(labels) => Ok(labels),
        _ => Err(TrainError::metric(metric, "it needs labels, but the samples hold values; choose mse or mae")),
    }
}

fn values<'a>(metric: &'static str, o: &Outcome<'a>) -> Result<ArrayView2<'a, f64>, TrainError> {
    match o.targets {
        Targets::Values(values) => Ok(values),
        Targets::Labels(_) => {
            Err(TrainError::metric(metric, "it needs values, but the samples hold labels; choose accuracy"))
        }
        Targets::Inputs => Err(TrainError::metric(metric, "it needs values; pass the inputs as `Targets::Values`")),
    }
}

fn ranking(metric: &'static str, o: &Outcome<'_>) -> Result<(Vec<f64>, Vec<bool>), TrainError> {
    if o.outputs.ncols() != 1 {
        let message = format!(
            "it ranks by one output, but there are {}; build the model with one, or call `metrics::{metric}` after the fit",
            o.outputs.ncols()
        );
        return Err(TrainError::metric(metric, message));
    }
    let positive = match o.targets {
        Targets::Labels(labels) => labels.iter().map(|l| *l != 0).collect(),
        Targets::Values(values) if values.ncols() == 1 => values.iter().map(|v| *v > 0.5).collect(),
        _ => return Err(TrainError::metric(metric, "it needs labels 0 and 1, or one column of them")),
    };
    Ok((o.outputs.iter().copied().collect(), positive))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn names_are_unique_and_parse() {
        for m in table() {
            assert_eq!(Metric::parse(m.name).unwrap(), *m);
        }
        assert!(Metric::parse("auc").unwrap_err().to_string().contains("roc_auc"));
    }

    #[test]
    fn kinds_of_targets_are_told_apart() {
        let x = array![[1.0f32], [-2.0]];
        let labelled = Samples::labels(x.view(), &[1, 0]).unwrap();
        let y = array![[0.3f32], [-0.2]];
        assert_eq!(Metric::ACCURACY.of(y.view(), &labelled).unwrap(), 1.0);
        assert_eq!(Metric::ROC_AUC.of(y.view(), &labelled).unwrap(), 1.0);
        assert!(Metric::MSE.of(y.view(), &labelled).unwrap_err().to_string().contains("labels"));
        let copied = Samples::reconstruct(x.view()).unwrap();
        assert_eq!(Metric::MAE.of(x.view(), &copied).unwrap(), 0.0);
        assert!(Metric::ACCURACY.of(y.view(), &copied).is_err());
    }
}
