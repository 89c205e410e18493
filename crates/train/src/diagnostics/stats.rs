//! A few numbers that stand for many values.

use layerwise_tensor::Scalar;
use serde::{Deserialize, Serialize};

/// Moments and quantiles of a set of values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stats {
    /// Mean.
    pub mean: f64,
    /// Mean squared distance from the mean (divided by the number of values).
    pub variance: f64,
    /// Quantiles 0, 0.05, 0.5, 0.95 and 1, each the value at the nearest rank.
    pub quantiles: [f64; 5],
}

impl Stats {
    /// The places of [`Stats::quantiles`].
    pub const PLACES: [f64; 5] = [0.0, 0.05, 0.5, 0.95, 1.0];

    /// Those of `values`, all zero where there are none; `scratch` keeps its memory from call to call.
    pub(crate) fn of<T: Scalar>(values: &[T], scratch: &mut Vec<f64>) -> Self {
        scratch.clear();
        scratch.extend(values.iter().map(|v| v.as_f64()));
        let n = scratch.len();
        if n == 0 {
            return Self::default();
        }
        let mean = scratch.iter().sum::<f64>() / n as f64;
        let variance = scratch.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n as f64;
        let mut quantiles = [0.0; 5];
        // Each selection leaves what is smaller on its left, so the next one looks at the right part only.
        let mut from = 0;
        for (quantile, place) in quantiles.iter_mut().zip(Self::PLACES) {
            let rank = ((n - 1) as f64 * place).round() as usize;
            *quantile = *scratch[from..].select_nth_unstable_by(rank - from, f64::total_cmp).1;
            from = rank;
        }
        Self { mean, variance, quantiles }
    }

    /// Square root of the mean square.
    pub fn rms(&self) -> f64 {
        (self.variance + self.mean * self.mean).sqrt()
    }
}

/// Square root of the mean square of `values`; 0 where there are none.
pub(crate) fn rms<T: Scalar>(values: &[T]) -> f64 {
    let sum: f64 = values.iter().map(|v| v.as_f64() * v.as_f64()).sum();
    if values.is_empty() { 0.0 } else { (sum / values.len() as f64).sqrt() }
}

/// The middle of `values`, the upper one of two; `None` where there are none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_quantiles_are_those_of_the_definition() {
        let values: Vec<f32> = (0..=100).rev().map(|i| i as f32).collect();
        let stats = Stats::of(&values, &mut Vec::new());
        assert_eq!((stats.mean, stats.variance), (50.0, 850.0));
        assert_eq!(stats.quantiles, [0.0, 5.0, 50.0, 95.0, 100.0]);
        assert!((stats.rms() - rms(&values)).abs() < 1e-12);
        assert_eq!(Stats::of::<f64>(&[], &mut Vec::new()), Stats::default());
        assert_eq!(Stats::of(&[2.0f64], &mut Vec::new()).quantiles, [2.0; 5]);
        assert_eq!((median([3.0, 1.0, 2.0]), median([])), (Some(2.0), None));
    }
}
