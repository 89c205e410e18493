//! Nearest neighbours by going through all pairs: exact, and quick enough for some ten thousand rows.

use ndarray::{Array1, ArrayView2};
use rayon::prelude::*;

/// Training rows, stored feature by feature so that distances to many rows are computed at once.
#[derive(Clone, Debug)]
pub(super) struct Neighbours {
    columns: Vec<Vec<f64>>,
    rows: usize,
}

/// A neighbour: its squared distance and its row.
pub(super) type Neighbour = (f64, usize);

const BLOCK: usize = 1024;

impl Neighbours {
    pub(super) fn new(x: ArrayView2<'_, f64>) -> Self {
        Self { columns: x.columns().into_iter().map(|c| c.to_vec()).collect(), rows: x.nrows() }
    }

    /// The `k` nearest training rows of each row of `x`, nearest first; `own` leaves out the row of the same number, for the
    /// training rows themselves.
    pub(super) fn of(&self, x: ArrayView2<'_, f64>, k: usize, own: bool) -> Vec<Vec<Neighbour>> {
        (0..x.nrows())
            .into_par_iter()
            .map(|i| {
                let query = x.row(i);
                let mut best: Vec<Neighbour> = Vec::with_capacity(k + 1);
                let mut distance = [0.0; BLOCK];
                for start in (0..self.rows).step_by(BLOCK) {
                    let n = BLOCK.min(self.rows - start);
                    let distance = &mut distance[..n];
                    distance.fill(0.0);
                    for (q, column) in query.iter().zip(&self.columns) {
                        for (d, t) in distance.iter_mut().zip(&column[start..start + n]) {
                            *d += (q - t) * (q - t);
                        }
                    }
                    for (j, d) in distance.iter().enumerate() {
                        if best.len() == k && *d >= best[k - 1].0 || own && start + j == i {
                            continue;
                        }
                        let place = best.partition_point(|b| b.0 <= *d);
                        best.insert(place, (*d, start + j));
                        best.truncate(k);
                    }
                }
                best
            })
            .collect()
    }
}

/// The distance to the `k`-th nearest training row (Ramaswamy, Rastogi and Shim 2000; PyOD's KNN with its default `largest`, k = 5).
pub fn knn_scores(train: ArrayView2<'_, f64>, x: ArrayView2<'_, f64>, k: usize) -> Array1<f64> {
    let found = Neighbours::new(train).of(x, k, false);
    found.iter().map(|n| n.last().map_or(0.0, |(d, _)| d.sqrt())).collect()
}
