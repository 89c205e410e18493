//! Golden numbers: scikit-learn 1.9.1 (`PCA`, `NearestNeighbors`, `LocalOutlierFactor`) and PyOD's formula for its PCA score, on rows
//! that both languages compute from the same sines.

use super::*;
use ndarray::{Array1, Array2};

fn rows() -> Array2<f64> {
    Array2::from_shape_fn((30, 4), |(i, j)| {
        let (i, j) = (i as f64, j as f64);
        (1.7 * i + 0.9 * j * j).sin() + 0.3 * (0.31 * i * (j + 1.0)).cos()
    })
}

fn queries() -> Array2<f64> {
    Array2::from_shape_fn((4, 4), |(i, j)| 2.0 * (0.8 * i as f64 - 0.4 * j as f64).cos())
}

fn close<'a>(found: impl IntoIterator<Item = &'a f64>, golden: &[f64], tolerance: f64) {
    let found: Vec<f64> = found.into_iter().copied().collect();
    assert_eq!(found.len(), golden.len());
    for (f, g) in found.iter().zip(golden) {
        assert!((f - g).abs() <= tolerance * g.abs(), "{f} is not {g}");
    }
}

#[test]
fn pca_agrees_with_scikit_learn() {
    let pca = Pca::fit(rows().view());
    close(pca.variances(), &[1.417402594745, 0.750729439268, 0.049279808078, 0.045342044361], 1e-9);
    close(&pca.errors(queries().view(), 2), &[1.894424344872, 2.288192168159, 0.546830266798, 0.272533499428], 1e-9);
    close(
        &pca.pyod_scores(queries().view()),
        &[271.18977160438, 311.65910497848, 217.735512363698, 233.567833810333],
        1e-9,
    );
}

#[test]
fn all_components_reconstruct_everything() {
    let pca = Pca::fit(rows().view());
    assert!(pca.errors(queries().view(), 4).iter().all(|e| *e < 1e-24));
}

#[test]
fn a_constant_column_does_not_blow_the_score_up() {
    let mut x = rows();
    x.column_mut(2).fill(1.0);
    let pca = Pca::fit(x.view());
    assert!(pca.pyod_scores(queries().view()).iter().all(|s| s.is_finite() && *s < 1e4));
}

#[test]
fn neighbours_agree_with_scikit_learn() {
    close(
        &knn_scores(rows().view(), queries().view(), 5),
        &[2.869878282986, 3.275188744501, 1.92434578832, 1.202802078173],
        1e-9,
    );
}

#[test]
fn lof_agrees_with_scikit_learn() {
    let lof = Lof::fit(rows().view(), 6);
    let first: Array1<f64> = lof.training_scores().slice(ndarray::s![..4]).to_owned();
    close(&first, &[1.013346526356, 0.983446434883, 1.011470282668, 1.031191152716], 1e-9);
    close(&lof.scores(queries().view()), &[2.407179747947, 2.621276218788, 1.693269681184, 1.109013710274], 1e-9);
}

#[test]
fn duplicates_give_finite_factors() {
    let x = Array2::from_elem((10, 3), 1.5);
    assert!(Lof::fit_score(&x, 20).iter().all(|f| f.is_finite()));
}
