//! The local outlier factor (Breunig, Kriegel, Ng and Sander 2000), with scikit-learn's definitions.

use super::neighbours::{Neighbour, Neighbours};
use ndarray::{Array1, Array2, ArrayView2};

/// Training rows with their local densities.
#[derive(Clone, Debug)]
pub struct Lof {
    k: usize,
    neighbours: Neighbours,
    /// Distance of each training row to its `k`-th neighbour.
    reach: Vec<f64>,
    /// Local reachability density of each training row.
    density: Vec<f64>,
    training: Array1<f64>,
}

impl Lof {
    /// Fits `k` neighbours (20 is usual) on the rows of `x`; at most one less than there are rows.
    ///
    /// # Panics
    /// With fewer than two rows.
    #[track_caller]
    pub fn fit(x: ArrayView2<'_, f64>, k: usize) -> Self {
        assert!(x.nrows() > 1, "the local outlier factor needs at least two rows, there are {}", x.nrows());
        let k = k.clamp(1, x.nrows() - 1);
        let neighbours = Neighbours::new(x);
        let near = neighbours.of(x, k, true);
        let reach: Vec<f64> = near.iter().map(|n| n.last().map_or(0.0, |(d, _)| d.sqrt())).collect();
        let density: Vec<f64> = near.iter().map(|n| density_of(n, &reach)).collect();
        let training = near.iter().zip(&density).map(|(n, own)| factor(n, &density, *own)).collect();
        Self { k, neighbours, reach, density, training }
    }

    /// The factors of the training rows themselves, each without itself among its neighbours
    /// (scikit-learn's `-negative_outlier_factor_`).
    pub fn training_scores(&self) -> &Array1<f64> {
        &self.training
    }

    /// The factors of new rows (scikit-learn's `-score_samples` with `novelty=True`).
    pub fn scores(&self, x: ArrayView2<'_, f64>) -> Array1<f64> {
        let near = self.neighbours.of(x, self.k, false);
        near.iter().map(|n| factor(n, &self.density, density_of(n, &self.reach))).collect()
    }

    /// Fits on all rows of `x` and scores them: the use without separate training data.
    pub fn fit_score(x: &Array2<f64>, k: usize) -> Array1<f64> {
        Self::fit(x.view(), k).training
    }
}

/// One over the mean reachability distance; scikit-learn adds 1e-10 against duplicates.
fn density_of(near: &[Neighbour], reach: &[f64]) -> f64 {
    let mean = near.iter().map(|(d, j)| d.sqrt().max(reach[*j])).sum::<f64>() / near.len() as f64;
    1.0 / (mean + 1e-10)
}

fn factor(near: &[Neighbour], density: &[f64], own: f64) -> f64 {
    near.iter().map(|(_, j)| density[*j]).sum::<f64>() / near.len() as f64 / own
}
