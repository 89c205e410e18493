//! Singular values of a small matrix.

use ndarray::{Array2, ArrayView2};

/// The singular values of `a`, largest first: one-sided Jacobi rotations until all rows are orthogonal, whose norms they are then.
///
/// Accurate to a few units of machine precision relative to the largest one. The cost is some ten sweeps of `m² n` multiplications with
/// `m` the smaller side: meant for Jacobians of a handful of outputs.
///
/// M. R. Hestenes, "Inversion of matrices by biorthogonalization and related results" (1958).
pub(crate) fn singular_values(a: ArrayView2<'_, f64>) -> Vec<f64> {
    let mut rows: Array2<f64> = if a.nrows() <= a.ncols() { a.to_owned() } else { a.t().to_owned() };
    let m = rows.nrows();
    for _ in 0..SWEEPS {
        let mut rotated = false;
        for p in 0..m {
            for q in p + 1..m {
                let (x, y) = (rows.row(p), rows.row(q));
                let (xx, yy, xy) = (x.dot(&x), y.dot(&y), x.dot(&y));
                if xy.abs() <= f64::EPSILON * (xx * yy).sqrt() {
                    continue;
                }
                rotated = true;
                let zeta = (yy - xx) / (2.0 * xy);
                let t = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                let s = c * t;
                for j in 0..rows.ncols() {
                    let (x, y) = (rows[[p, j]], rows[[q, j]]);
                    rows[[p, j]] = c * x - s * y;
                    rows[[q, j]] = s * x + c * y;
                }
            }
        }
        if !rotated {
            break;
        }
    }
    let mut values: Vec<f64> = rows.outer_iter().map(|r| r.dot(&r).sqrt()).collect();
    values.sort_by(|a, b| b.total_cmp(a));
    values
}

/// Convergence is quadratic; a matrix that needs more holds values that are no numbers.
const SWEEPS: usize = 40;

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn values_of_matrices_that_are_known() {
        assert_eq!(singular_values(array![[3.0, 0.0], [0.0, -4.0]].view()), [4.0, 3.0]);
        // [[1, 1], [0, 1]]: the golden ratio and its inverse.
        let golden = (1.0 + 5f64.sqrt()) / 2.0;
        let values = singular_values(array![[1.0, 1.0], [0.0, 1.0]].view());
        assert!((values[0] - golden).abs() < 1e-14 && (values[1] - 1.0 / golden).abs() < 1e-14);
        // Rank one, tall: the product of the norms, and a zero of rounding only.
        let values = singular_values(array![[1.0, 2.0], [2.0, 4.0], [-2.0, -4.0]].view());
        assert!((values[0] - 45f64.sqrt()).abs() < 1e-13 && values[1] < 1e-14);
        assert!(singular_values(Array2::zeros((0, 3)).view()).is_empty());
    }

    #[test]
    fn squares_sum_to_the_squares_of_the_entries() {
        let a = Array2::from_shape_fn((5, 9), |(i, j)| ((i * 7 + j * 3) as f64).sin());
        let sum: f64 = singular_values(a.view()).iter().map(|s| s * s).sum();
        assert!((sum - a.iter().map(|v| v * v).sum::<f64>()).abs() < 1e-12);
    }
}
