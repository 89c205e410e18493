//! Principal component analysis: the linear autoencoder (Baldi and Hornik 1989), and the score that PyOD calls PCA.

use nalgebra::{DMatrix, SymmetricEigen};
use ndarray::{Array1, Array2, ArrayView2, Axis};

/// Components of the training rows, by falling variance.
#[derive(Clone, Debug)]
pub struct Pca {
    mean: Array1<f64>,
    /// `(component, feature)`, unit rows; the entry of largest size is positive, as in scikit-learn.
    components: Array2<f64>,
    variances: Vec<f64>,
}

impl Pca {
    /// All components of `x`, `(row, feature)`; variances with divisor `n - 1`.
    ///
    /// # Panics
    /// With fewer than two rows.
    #[track_caller]
    pub fn fit(x: ArrayView2<'_, f64>) -> Self {
        let (n, d) = x.dim();
        assert!(n > 1, "principal components need at least two rows, there are {n}");
        let mean = x.sum_axis(Axis(0)) / n as f64;
        let centred = &x - &mean;
        let covariance = centred.t().dot(&centred) / (n - 1) as f64;
        let eigen = SymmetricEigen::new(DMatrix::from_fn(d, d, |i, j| covariance[[i, j]]));
        let mut order: Vec<usize> = (0..d).collect();
        order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
        let variances = order.iter().map(|i| eigen.eigenvalues[*i].max(0.0)).collect();
        let mut components = Array2::from_shape_fn((d, d), |(c, j)| eigen.eigenvectors[(j, order[c])]);
        for mut row in components.rows_mut() {
            let largest = row.iter().copied().fold(0.0f64, |m, v| if v.abs() > m.abs() { v } else { m });
            if largest < 0.0 {
                row.mapv_inplace(|v| -v);
            }
        }
        Self { mean, components, variances }
    }

    /// The components, `(component, feature)`, by falling variance.
    pub fn components(&self) -> &Array2<f64> {
        &self.components
    }

    /// Variance along each component.
    pub fn variances(&self) -> &[f64] {
        &self.variances
    }

    /// Mean squared error per row of the reconstruction from the first `k` components: what an autoencoder with a code of `k`
    /// numbers has to beat.
    pub fn errors(&self, x: ArrayView2<'_, f64>, k: usize) -> Array1<f64> {
        let kept = self.components.slice(ndarray::s![..k.min(self.components.nrows()), ..]);
        let centred = &x - &self.mean;
        let back = centred.dot(&kept.t()).dot(&kept);
        (centred - back).mapv(|e| e * e).sum_axis(Axis(1)) / x.ncols() as f64
    }

    /// PyOD's score: the sum over all components of the distance from the row to the component's unit vector, divided by the
    /// component's share of the variance. It is no reconstruction error, and the two must not be mixed.
    ///
    /// Components with less than a 10^-12 share of the variance (constant columns) are left out; PyOD would divide by their noise.
    pub fn pyod_scores(&self, x: ArrayView2<'_, f64>) -> Array1<f64> {
        let total: f64 = self.variances.iter().sum();
        let centred = &x - &self.mean;
        let squares = centred.mapv(|v| v * v).sum_axis(Axis(1));
        let projected = centred.dot(&self.components.t());
        Array1::from_shape_fn(x.nrows(), |i| {
            self.variances
                .iter()
                .enumerate()
                .map(|(c, v)| (c, v / total))
                .filter(|(_, share)| *share > 1e-12)
                .map(|(c, share)| (squares[i] - 2.0 * projected[[i, c]] + 1.0).max(0.0).sqrt() / share)
                .sum()
        })
    }
}
