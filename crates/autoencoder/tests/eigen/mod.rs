//! Eigenvalues and eigenvectors of small symmetric matrices, for tests.

use ndarray::{Array1, Array2, Axis};

/// The eigenvalues, the largest first, and the eigenvectors as rows in the same order.
pub(crate) struct Eigen {
    pub(crate) values: Vec<f64>,
    pub(crate) vectors: Array2<f64>,
}

impl Eigen {
    /// By the cyclic method of Jacobi (1846): rotations that zero one entry after another until nothing is left beside the diagonal.
    pub(crate) fn of(a: &Array2<f64>) -> Self {
        let n = a.nrows();
        let (mut a, mut v) = (a.clone(), Array2::<f64>::eye(n));
        for _ in 0..60 {
            for p in 0..n {
                for q in p + 1..n {
                    if a[[p, q]] == 0.0 {
                        continue;
                    }
                    let theta = (a[[q, q]] - a[[p, p]]) / (2.0 * a[[p, q]]);
                    let t = 1f64.copysign(theta) / (theta.abs() + theta.hypot(1.0));
                    let c = 1.0 / t.hypot(1.0);
                    let s = t * c;
                    let mut turn = Array2::<f64>::eye(n);
                    (turn[[p, p]], turn[[q, q]], turn[[p, q]], turn[[q, p]]) = (c, c, s, -s);
                    a = turn.t().dot(&a).dot(&turn);
                    v = v.dot(&turn);
                }
            }
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|i, j| a[[*j, *j]].total_cmp(&a[[*i, *i]]));
        Self { values: order.iter().map(|i| a[[*i, *i]]).collect(), vectors: v.t().select(Axis(0), &order) }
    }
}

/// An orthonormal basis of what the rows of `b` span, by Gram and Schmidt, twice for the sake of rounding.
pub(crate) fn orthonormal_rows(b: &Array2<f64>) -> Array2<f64> {
    let mut q = b.clone();
    for i in 0..q.nrows() {
        for _ in 0..2 {
            for k in 0..i {
                let along = q.row(i).dot(&q.row(k));
                let other = q.row(k).to_owned();
                q.row_mut(i).scaled_add(-along, &other);
            }
        }
        let length = q.row(i).dot(&q.row(i)).sqrt();
        q.row_mut(i).mapv_inplace(|v| v / length);
    }
    q
}

#[test]
fn eigenvectors_rebuild_the_matrix() {
    let b = Array2::from_shape_fn((5, 5), |(i, j)| ((3 * i + 7 * j) as f64).sin());
    let a = b.dot(&b.t());
    let eigen = Eigen::of(&a);
    let rebuilt = eigen.vectors.t().dot(&Array2::from_diag(&Array1::from(eigen.values.clone()))).dot(&eigen.vectors);
    assert!((rebuilt - &a).iter().all(|v| v.abs() < 1e-12));
    assert!(eigen.values.is_sorted_by(|a, b| a >= b));
}
