//! Kernels against their slow twins, at extreme values, with wrong lengths, and bit for bit on any number of threads.

mod bits;
#[path = "../common/mod.rs"]
mod common;
mod edges;
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
