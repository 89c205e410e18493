//! From errors by feature to one score for each row.

use ndarray::{Array1, ArrayView2};
use serde::{Deserialize, Serialize};

/// How the squared errors of a row's features make its score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Score {
    /// `mean((z - z')^2)` over the standardised features that are not missing.
    #[default]
    MeanSquared,
    /// `sqrt(sum((z - z')^2))`, the distance of the standardised row to its reconstruction, as in PyOD. The ranking is the same.
    /// Where values are missing the sum is scaled up by the share of those that are not.
    Euclidean,
}

impl Score {
    /// One score for each row of errors `(rows, features)`, of which `counts` are known out of `all`; the errors of the others are 0. An
    /// error that is no finite number counts as infinite: a row that cannot even be computed is no normal row.
    pub(super) fn of(self, errors: ArrayView2<'_, f64>, counts: &[f64], all: f64) -> Array1<f64> {
        let of_row = |(row, count): (ndarray::ArrayView1<'_, f64>, &f64)| {
            let sum: f64 = row.iter().sum();
            match self {
                _ if !sum.is_finite() => f64::INFINITY,
                Score::MeanSquared => sum / count,
                // As if what is missing were as wrong as the rest.
                Score::Euclidean => (sum * (all / count)).sqrt(),
            }
        };
        errors.outer_iter().zip(counts).map(of_row).collect()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn by_hand() {
        let errors = array![[1.0, 3.0], [0.0, f64::NAN], [9.0, 16.0]];
        assert_eq!(Score::MeanSquared.of(errors.view(), &[2.0; 3], 2.0), array![2.0, f64::INFINITY, 12.5]);
        assert_eq!(Score::Euclidean.of(errors.view(), &[2.0; 3], 2.0), array![2.0, f64::INFINITY, 5.0]);
        let gap = array![[8.0, 0.0]];
        assert_eq!(Score::MeanSquared.of(gap.view(), &[1.0], 2.0), array![8.0]);
        assert_eq!(Score::Euclidean.of(gap.view(), &[1.0], 2.0), array![4.0]);
    }
}
