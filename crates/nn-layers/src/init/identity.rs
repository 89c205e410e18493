//! Ones on the diagonal, times `gain`: the layer passes on what it gets. PyTorch's `eye_`.
//!
//! For rectified units: Q. V. Le, N. Jaitly and G. E. Hinton, "A simple way to initialize recurrent networks of rectified linear
//! units", 2015, arXiv:1504.00941.

use super::entry::{Distribution, InitEntry, MatrixLaw};
use crate::options::{ArgSpec, Domain};

pub(super) static ENTRY: InitEntry = InitEntry {
    name: "identity",
    doc: "`gain` on the diagonal, else 0",
    args: &[ArgSpec { name: "gain", default: 1.0, domain: Domain::Positive }],
    distribution: |args, rows, cols| {
        let [gain, _] = args;
        // The share of the diagonal.
        let share = 1.0 / rows.max(cols).max(1) as f64;
        let (mean, variance) = (gain * share, gain * gain * share * (1.0 - share));
        Distribution::Matrix(MatrixLaw {
            rows,
            cols,
            args,
            mean,
            variance,
            fill: |law, _, out| {
                out.fill(0.0);
                out.iter_mut().step_by(law.cols + 1).take(law.rows.min(law.cols)).for_each(|v| *v = law.args[0]);
            },
        })
    },
};
