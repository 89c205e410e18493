//! Kernels against their slow twins, at extreme values, with wrong lengths, and bit for bit on any number of threads.

mod bits;
#[path = "../common/mod.rs"]
mod common;
mod edges;
mod rows;
mod teams;
mod twins;

use layerwise_tensor::Scalar;
use proptest::prelude::*;

/// Sizes around a lane and a tile.
fn size() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![0, 1, 2, 3, 7, 15, 16, 17, 31, 33, 63, 64, 65, 130])
}

/// Every value of `found` within `units` roundings of the size of `wanted` (or of 1, where the sum of terms of size 1 cancels).
#[track_caller]
fn assert_close<T: Scalar>(what: &str, found: &[T], wanted: &[T], units: f64) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    let eps = T::epsilon().as_f64();
    for (i, (f, w)) in found.iter().zip(wanted).enumerate() {
        let (f, w) = (f.as_f64(), w.as_f64());
        let same = f == w || (f.is_nan() && w.is_nan());
        assert!(same || (f - w).abs() <= units * eps * (1.0 + w.abs()), "{what}[{i}]: {f} instead of {w}");
    }
}

/// Every sum of `found` within what rounding can do to a sum of `terms` terms whose sizes add up to `size(i)`, in any order.
///
/// An order of summation errs by at most `(terms - 1) u / (1 - (terms - 1) u) * size` with `u = eps / 2` (N. Higham, *Accuracy and
/// stability of numerical algorithms*, 2002, section 4.2); two orders differ by twice that. One more term stands for the last
/// rounding of each to `T`.
#[track_caller]
fn assert_sums<T: Scalar>(what: &str, found: &[T], wanted: &[T], terms: usize, size: impl Fn(usize) -> f64) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    let bound = T::epsilon().as_f64() * (terms + 1) as f64;
    for (i, (f, w)) in found.iter().zip(wanted).enumerate() {
        let (f, w) = (f.as_f64(), w.as_f64());
        assert!((f - w).abs() <= bound * size(i), "{what}[{i}]: {f} instead of {w}");
    }
}
