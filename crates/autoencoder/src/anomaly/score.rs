//! From errors by feature to one score for each row.

use ndarray::{Array1, ArrayView2};
use serde::{Deserialize, Serialize};

/// How the squared errors of a row's features make its score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Score {
    /// `mean((z - z')^2)` over the standardised features.
    #[default]
    MeanSquared,
    /// `sqrt(sum((z - z')^2))`, the distance of the standardised row to its reconstruction, as in PyOD. The ranking is the same.
    Euclidean,
}

impl Score {
    /// One score for each row of squared errors `(rows, features)`. An error that is no finite number counts as infinite: a row that
    /// cannot even be computed is no normal row.
    pub(super) fn of(self, errors: ArrayView2<'_, f64>) -> Array1<f64> {
        let features = errors.ncols() as f64;
        let of_row = |row: ndarray::ArrayView1<'_, f64>| {
            let sum: f64 = row.iter().sum();
            match self {
                _ if !sum.is_finite() => f64::INFINITY,
                Score::MeanSquared => sum / features,
                Score::Euclidean => sum.sqrt(),
            }
        };
        errors.outer_iter().map(of_row).collect()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn by_hand() {
        let errors = array![[1.0, 3.0], [0.0, f64::NAN], [9.0, 16.0]];
        assert_eq!(Score::MeanSquared.of(errors.view()), array![2.0, f64::INFINITY, 12.5]);
        assert_eq!(Score::Euclidean.of(errors.view()), array![2.0, f64::INFINITY, 5.0]);
    }
}
