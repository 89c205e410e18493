//! A random matrix with orthonormal columns (rows, where there are fewer of them), times `gain`: it keeps lengths, so that signals
//! neither grow nor fade through any number of linear layers.
//!
//! Drawn evenly over all such matrices: normal numbers, orthonormalised in order. That is the `Q` of a QR decomposition whose `R` has a
//! positive diagonal, as in PyTorch's `orthogonal_`. It costs `2 n^2 m` multiplications twice for `n` vectors of length `m`.
//!
//! A. M. Saxe, J. L. McClelland and S. Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
//! 2013, arXiv:1312.6120; F. Mezzadri, "How to generate random matrices from the classical compact groups", 2007.

use layerwise_tensor::kernel::{self, Par};
use layerwise_tensor::{Stream, math};

use super::entry::{Distribution, InitEntry, MatrixLaw};
use crate::options::{ArgSpec, Domain};

pub(super) static ENTRY: InitEntry = InitEntry {
    name: "orthogonal",
    doc: "orthonormal columns or rows, times `gain`",
    args: &[ArgSpec { name: "gain", default: 1.0, domain: Domain::Positive }],
    distribution: |args, rows, cols| {
        let [gain, _] = args;
        let variance = gain * gain / rows.max(cols).max(1) as f64;
        Distribution::Matrix(MatrixLaw { rows, cols, args, mean: 0.0, variance, fill })
    },
};

fn fill(law: &MatrixLaw, stream: &Stream, out: &mut [f64]) {
    let MatrixLaw { rows, cols, args: [gain, _], .. } = *law;
    if rows == 0 || cols == 0 {
        return;
    }
    stream.normal(0, out);
    if rows <= cols {
        orthonormalise(cols, out);
    } else {
        // The columns are the vectors: they lie side by side in the transpose.
        let mut columns = vec![0.0; out.len()];
        kernel::transpose(rows, cols, out, &mut columns);
        orthonormalise(rows, &mut columns);
        kernel::transpose(cols, rows, &columns, out);
    }
    out.iter_mut().for_each(|v| *v *= gain);
}

/// Gram and Schmidt's method for vectors of `length`, one after another in `vectors`. What lies along the earlier ones is taken off
/// twice, because the first time leaves rounding of the size of what it takes off.
fn orthonormalise(length: usize, vectors: &mut [f64]) {
    for i in 0..vectors.len() / length {
        let (earlier, rest) = vectors.split_at_mut(i * length);
        let v = &mut rest[..length];
        for _ in 0..2 {
            for e in earlier.chunks_exact(length) {
                take_off(kernel::dot(e, v), e, v);
            }
        }
        let norm = kernel::sum_of_squares(v, Par::Seq).sqrt().max(f64::MIN_POSITIVE);
        v.iter_mut().for_each(|v| *v /= norm);
    }
}

/// `v -= share e`.
fn take_off(share: f64, e: &[f64], v: &mut [f64]) {
    math::vectorize(
        #[inline(always)]
        || v.iter_mut().zip(e).for_each(|(v, e)| *v -= share * e),
    );
}
