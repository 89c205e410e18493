//! Normal without its tails: standard deviation `std` before what lies beyond `cut` standard deviations is drawn anew.
//!
//! The variance that is left is `std^2 (1 - 2 cut p(cut) / (2 P(cut) - 1))` with the normal density `p` and distribution `P`: 0.774 of
//! `std^2` for the default cut 2. PyTorch's `trunc_normal_` has bounds in units of the values instead, -2 and 2, whatever the `std`;
//! for its default `std` 1 they are the same.

use layerwise_tensor::{Stream, math};

use super::entry::{Distribution, InitEntry, MatrixLaw};
use crate::options::{ArgSpec, Domain};

pub(super) static ENTRY: InitEntry = InitEntry {
    name: "truncated_normal",
    doc: "normal with standard deviation `std`, without what lies beyond `cut` of them",
    args: &[
        ArgSpec { name: "std", default: 1.0, domain: Domain::NonNegative },
        ArgSpec { name: "cut", default: 2.0, domain: Domain::Positive },
    ],
    distribution: |args, rows, cols| {
        let [std, cut] = args;
        let kept = 2.0 * math::normal_cdf(cut) - 1.0;
        let variance = std * std * (1.0 - 2.0 * cut * math::normal_pdf(cut) / kept);
        // For a cut near 0 the difference has no digits left: there the values are uniform.
        let variance = if cut < 1e-3 { (std * cut).powi(2) / 3.0 } else { variance };
        Distribution::Matrix(MatrixLaw { rows, cols, args, mean: 0.0, variance, fill })
    },
};

fn fill(law: &MatrixLaw, stream: &Stream, out: &mut [f64]) {
    let [std, cut] = law.args;
    stream.normal(0, out);
    for (i, v) in out.iter_mut().enumerate() {
        if v.abs() > cut {
            *v = anew(&stream.at(i as u64), cut);
        }
        *v *= std;
    }
}

/// A standard normal number within `cut`, by rejection from the uniform numbers there.
fn anew(stream: &Stream, cut: f64) -> f64 {
    let mut draws = [0.0f64; 2];
    let mut first = 0;
    loop {
        stream.uniform(first, &mut draws);
        let x = cut * (2.0 * draws[0] - 1.0);
        if draws[1] < math::exp(-0.5 * x * x) {
            return x;
        }
        first += 2;
    }
}
