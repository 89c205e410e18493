//! Centre and width of columns.

use ndarray::{Array2, ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

/// Which centre and which width a [`Scaler`] takes from a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ScalerKind {
    /// Mean and standard deviation (dividing by `n`).
    Standard,
    /// Smallest value and range: into `0..=1`.
    MinMax,
    /// Median and interquartile range: untouched by a few wild values.
    Robust,
}

/// `(x - centre) / width`, column by column, fitted on the training rows and applied to all.
///
/// Missing values (NaN) are ignored in fitting and stay missing. A column without spread has the width 1, so its training
/// values become 0 and others are moved but not blown up; a column without any value is left as it is. As scikit-learn's
/// `StandardScaler`, `MinMaxScaler` and `RobustScaler`.
///
/// ```
/// use layerwise_datasets::{Scaler, ScalerKind};
/// use ndarray::array;
/// let train = array![[1.0, 5.0], [3.0, 5.0]];
/// let scaler = Scaler::fit(ScalerKind::Standard, train.view());
/// assert_eq!(scaler.transform(train.view()), array![[-1.0, 0.0], [1.0, 0.0]]);
/// assert_eq!(scaler.inverse(array![[0.0, 0.0]].view()), array![[2.0, 5.0]]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Scaler {
    kind: ScalerKind,
    center: Vec<f64>,
    width: Vec<f64>,
}

/// A scaler as a file holds it: not yet believed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    kind: ScalerKind,
    center: Vec<f64>,
    width: Vec<f64>,
}

impl TryFrom<Stored> for Scaler {
    type Error = String;

    fn try_from(Stored { kind, center, width }: Stored) -> Result<Self, String> {
        if center.len() != width.len() {
            return Err(format!(
                "scaler: one width for each of {} centres expected, {} found",
                center.len(),
                width.len()
            ));
        }
        if center.iter().any(|c| !c.is_finite()) || width.iter().any(|w| !w.is_finite() || *w <= 0.0) {
            return Err("scaler: finite centres and positive widths expected; write the file again".into());
        }
        Ok(Self { kind, center, width })
    }
}

impl Scaler {
    /// The scaler of the columns of `x`.
    pub fn fit(kind: ScalerKind, x: ArrayView2<'_, f64>) -> Self {
        let (center, width) = x.columns().into_iter().map(|c| fit_column(kind, c)).unzip();
        Self { kind, center, width }
    }

    /// What it was fitted as.
    pub fn kind(&self) -> ScalerKind {
        self.kind
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.center.len()
    }

    /// The centre of each column.
    pub fn center(&self) -> &[f64] {
        &self.center
    }

    /// The width of each column, never 0.
    pub fn width(&self) -> &[f64] {
        &self.width
    }

    /// `(x - centre) / width`.
    ///
    /// # Panics
    /// When `x` has another number of columns than the fit.
    #[track_caller]
    pub fn transform(&self, x: ArrayView2<'_, f64>) -> Array2<f64> {
        self.map("transform", x, |v, center, width| (v - center) / width)
    }

    /// `z * width + centre`.
    ///
    /// # Panics
    /// When `z` has another number of columns than the fit.
    #[track_caller]
    pub fn inverse(&self, z: ArrayView2<'_, f64>) -> Array2<f64> {
        self.map("inverse", z, |v, center, width| v * width + center)
    }

    #[track_caller]
    fn map(&self, op: &str, x: ArrayView2<'_, f64>, f: impl Fn(f64, f64, f64) -> f64) -> Array2<f64> {
        assert!(x.ncols() == self.cols(), "scaler {op}: fitted to {} columns, given {}", self.cols(), x.ncols());
        let mut y = x.to_owned();
        for mut row in y.rows_mut() {
            for (j, v) in row.iter_mut().enumerate() {
                *v = f(*v, self.center[j], self.width[j]);
            }
        }
        y
    }
}

/// The quantile of sorted values, interpolated linearly as numpy does.
pub(super) fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = q * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (high - low) * place.fract()
}

fn fit_column(kind: ScalerKind, column: ArrayView1<'_, f64>) -> (f64, f64) {
    let mut known: Vec<f64> = column.iter().copied().filter(|v| !v.is_nan()).collect();
    if known.is_empty() {
        return (0.0, 1.0);
    }
    let n = known.len() as f64;
    let (center, width, noise) = match kind {
        ScalerKind::Standard => {
            let mean = known.iter().sum::<f64>() / n;
            let std = (known.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt();
            // Rounding alone gives a constant column a spread of up to about n * eps * |mean|.
            (mean, std, n * f64::EPSILON * mean.abs())
        }
        ScalerKind::MinMax => {
            let (low, high) = known.iter().fold((known[0], known[0]), |(l, h), &v| (l.min(v), h.max(v)));
            (low, high - low, 0.0)
        }
        ScalerKind::Robust => {
            known.sort_by(f64::total_cmp);
            (quantile(&known, 0.5), quantile(&known, 0.75) - quantile(&known, 0.25), 0.0)
        }
    };
    (center, if width > noise && width.is_finite() { width } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    const KINDS: [ScalerKind; 3] = [ScalerKind::Standard, ScalerKind::MinMax, ScalerKind::Robust];

    #[test]
    fn constant_and_empty_columns_do_no_harm() {
        let x = array![[0.1, f64::NAN, 1.0], [0.1, f64::NAN, 2.0], [0.1, f64::NAN, 4.0]];
        for kind in KINDS {
            let scaler = Scaler::fit(kind, x.view());
            let z = scaler.transform(x.view());
            assert!(z.column(0).iter().all(|v| v.abs() < 1e-15), "{kind:?}");
            assert!(z.column(1).iter().all(|v| v.is_nan()));
            assert!(z.column(2).iter().all(|v| v.is_finite()));
        }
    }

    #[test]
    fn missing_values_are_ignored_and_stay() {
        let x = array![[1.0], [f64::NAN], [3.0]];
        let scaler = Scaler::fit(ScalerKind::Standard, x.view());
        assert_eq!((scaler.center()[0], scaler.width()[0]), (2.0, 1.0));
        assert!(scaler.transform(x.view())[[1, 0]].is_nan());
    }

    #[test]
    fn centres_and_widths_are_those_of_scikit_learn() {
        let x = array![[1.0], [2.0], [4.0], [8.0], [100.0]];
        let pair = |kind| {
            let s = Scaler::fit(kind, x.view());
            (s.center()[0], s.width()[0])
        };
        assert_eq!(pair(ScalerKind::MinMax), (1.0, 99.0));
        assert_eq!(pair(ScalerKind::Robust), (4.0, 6.0));
        let (mean, std) = pair(ScalerKind::Standard);
        assert!((mean - 23.0).abs() < 1e-12 && (std - 1488f64.sqrt()).abs() < 1e-12, "{mean} {std}");
    }

    #[test]
    fn inverse_undoes_transform_also_after_a_trip_through_json() {
        let x = array![[1.0, -3.0, 7.0], [2.5, 4.0, 7.0], [9.0, 0.25, 7.0]];
        for kind in KINDS {
            let scaler = Scaler::fit(kind, x.view());
            let text = serde_json::to_string(&scaler).unwrap();
            let back: Scaler = serde_json::from_str(&text).unwrap();
            assert_eq!(back, scaler);
            let y = back.inverse(scaler.transform(x.view()).view());
            assert!((&y - &x).iter().all(|d| d.abs() < 1e-12));
        }
    }

    #[test]
    fn a_stored_scaler_is_not_believed() {
        let read = |text: &str| serde_json::from_str::<Scaler>(text).map_err(|e| e.to_string());
        assert!(read(r#"{"kind":"standard","center":[1.0],"width":[2.0]}"#).is_ok());
        assert!(read(r#"{"kind":"standard","center":[1.0],"width":[]}"#).unwrap_err().contains("0 found"));
        assert!(read(r#"{"kind":"standard","center":[1.0],"width":[0.0]}"#).unwrap_err().contains("positive widths"));
    }
}
