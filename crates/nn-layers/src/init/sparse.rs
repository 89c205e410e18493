//! A few incoming weights for each unit, `connections` of them normal with standard deviation `std`, the others 0: units differ
//! from each other and their sums stay small, however wide the layer below.
//!
//! J. Martens, "Deep learning via Hessian-free optimization", 2010; with momentum I. Sutskever, J. Martens, G. Dahl and G. Hinton, "On
//! the importance of initialization and momentum in deep learning", 2013. Their numbers, 15 and 1, are the defaults. PyTorch's
//! `sparse_` takes the share of zeros instead, and the zeros are among the outgoing weights of a unit.

use layerwise_tensor::Stream;

use super::entry::{Distribution, InitEntry, MatrixLaw};
use crate::options::{ArgSpec, Domain};

pub(super) static ENTRY: InitEntry = InitEntry {
    name: "sparse",
    doc: "for each unit `connections` weights normal with standard deviation `std`, the others 0",
    args: &[
        ArgSpec { name: "connections", default: 15.0, domain: Domain::Count },
        ArgSpec { name: "std", default: 1.0, domain: Domain::NonNegative },
    ],
    distribution: |args, rows, cols| {
        let [_, std] = args;
        let variance = std * std * connections(args[0], rows) as f64 / rows.max(1) as f64;
        Distribution::Matrix(MatrixLaw { rows, cols, args, mean: 0.0, variance, fill })
    },
};

/// No unit has more of them than there are inputs.
fn connections(wanted: f64, rows: usize) -> usize {
    (wanted as usize).min(rows)
}

fn fill(law: &MatrixLaw, stream: &Stream, out: &mut [f64]) {
    let [wanted, std] = law.args;
    let connections = connections(wanted, law.rows);
    out.fill(0.0);
    let mut weights = vec![0.0; connections];
    for unit in 0..law.cols {
        let stream = stream.at(unit as u64);
        stream.normal(0, &mut weights);
        let chosen = stream.permutation(law.rows);
        for (i, w) in weights.iter().enumerate() {
            out[chosen.get(i) * law.cols + unit] = std * w;
        }
    }
}
