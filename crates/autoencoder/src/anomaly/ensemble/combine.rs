//! From the scores of the members to one.

use serde::{Deserialize, Serialize};

/// How the standardised scores of the members make one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Combine {
    /// Their mean: the steadiest.
    #[default]
    Mean,
    /// The largest: a row is as anomalous as one member finds it, which suits members that see different columns.
    Max,
    /// The middle one, or the mean of the two in the middle: no member decides alone.
    Median,
}

impl Combine {
    /// One number of at least one; their order is destroyed.
    pub(super) fn of(self, scores: &mut [f64]) -> f64 {
        match self {
            Self::Mean => scores.iter().sum::<f64>() / scores.len() as f64,
            Self::Max => scores.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Self::Median => {
                scores.sort_by(f64::total_cmp);
                let (low, high) = (scores[(scores.len() - 1) / 2], scores[scores.len() / 2]);
                // Two infinite scores have the mean they are.
                if low == high { low } else { 0.5 * (low + high) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let of = |combine: Combine, scores: &[f64]| combine.of(&mut scores.to_vec());
        let scores = [3.0, -1.0, 10.0, 0.0];
        assert_eq!(of(Combine::Mean, &scores), 3.0);
        assert_eq!(of(Combine::Max, &scores), 10.0);
        assert_eq!(of(Combine::Median, &scores), 1.5);
        assert_eq!(of(Combine::Median, &scores[..3]), 3.0);
        assert_eq!(of(Combine::Median, &[f64::INFINITY; 2]), f64::INFINITY);
    }
}
