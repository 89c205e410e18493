//! Numbers of PyTorch, as `tests/parity/make_fixtures.py` writes them.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use layerwise_tensor::{ParamKind, ParamSpec, Scalar};
use ndarray::{Array1, ArrayD, Ix1, Ix2, IxDyn, OwnedRepr};
use ndarray_npy::NpzReader;
use serde_json::Value;

/// One thing that was computed there: our configuration of it, and arrays by name.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) config: Value,
    arrays: BTreeMap<String, ArrayD<f64>>,
}

/// All cases of `tests/parity/fixtures/<file>.npz`.
pub(crate) fn read(file: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("parity/fixtures").join(format!("{file}.npz"));
    let open = File::open(&path).unwrap_or_else(|e| {
        panic!("{path:?}: {e}; add cases to tests/parity/make_fixtures.py and run it where PyTorch is installed")
    });
    let mut npz = NpzReader::new(open).expect("an npz file");
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    for entry in npz.names().expect("names of arrays") {
        let Some((name, array)) =
            entry.trim_end_matches(".npy").split_once('/').map(|(n, a)| (n.to_owned(), a.to_owned()))
        else {
            continue;
        };
        let case =
            cases.entry(name.clone()).or_insert_with(|| Case { name, config: Value::Null, arrays: BTreeMap::new() });
        if array == "config" {
            let bytes: Array1<u8> = npz.by_name::<OwnedRepr<u8>, Ix1>(&entry).expect("bytes");
            case.config = serde_json::from_slice(&bytes.to_vec()).expect("JSON");
        } else {
            case.arrays.insert(array, npz.by_name::<OwnedRepr<f64>, IxDyn>(&entry).expect("64-bit floats"));
        }
    }
    assert!(!cases.is_empty(), "{path:?} holds no case");
    cases.into_values().collect()
}

impl Case {
    /// An array; fails with the names there are if it is missing.
    #[track_caller]
    pub(crate) fn array(&self, name: &str) -> &ArrayD<f64> {
        match self.arrays.get(name) {
            Some(array) => array,
            None => panic!("{}: no `{name}` among {:?}", self.name, self.arrays.keys()),
        }
    }

    /// Whether there is such an array.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.arrays.contains_key(name)
    }

    /// The values of an array, row-major.
    #[track_caller]
    pub(crate) fn values(&self, name: &str) -> Vec<f64> {
        self.array(name).iter().copied().collect()
    }

    /// What belongs to a parameter, in our layout: PyTorch's weights are `[out, in]`, ours `(in, out)`.
    #[track_caller]
    pub(crate) fn parameter(&self, prefix: &str, spec: &ParamSpec) -> Vec<f64> {
        let array = self.array(&format!("{prefix}/{}", spec.name));
        assert_eq!(array.len(), spec.len(), "{}: `{}`", self.name, spec.name);
        match spec.kind {
            ParamKind::Weight => {
                let matrix = array.view().into_dimensionality::<Ix2>().expect("a weight is a matrix");
                assert_eq!(matrix.dim(), (spec.cols, spec.rows), "{}: `{}`", self.name, spec.name);
                matrix.t().iter().copied().collect()
            }
            _ => array.iter().copied().collect(),
        }
    }
}

/// How near to PyTorch's numbers ours must be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tolerance {
    /// Share of the expected value.
    pub(crate) relative: f64,
    /// Share of the largest expected value of the array: what a sum of large terms may leave where they cancel.
    pub(crate) of_largest: f64,
    /// In any case.
    pub(crate) absolute: f64,
}

/// In `f64`: two correct evaluations in different order.
pub(crate) const DOUBLE: Tolerance = Tolerance { relative: 1e-10, of_largest: 0.0, absolute: 1e-12 };
/// In `f32`, beside numbers that were computed in `f64`.
pub(crate) const SINGLE: Tolerance = Tolerance { relative: 5e-6, of_largest: 5e-6, absolute: 1e-7 };

impl Tolerance {
    /// That of an element type.
    pub(crate) fn of<T: Scalar>() -> Self {
        if size_of::<T>() == 4 { SINGLE } else { DOUBLE }
    }

    /// So many times as wide, in every respect.
    pub(crate) fn times(self, factor: f64) -> Self {
        Self {
            relative: factor * self.relative,
            of_largest: factor * self.of_largest,
            absolute: factor * self.absolute,
        }
    }

    /// Fails if a value of `found` is farther from `expected` than this, and says which; gives the largest error, relative to the largest
    /// expected value.
    #[track_caller]
    pub(crate) fn check<T: Scalar>(self, what: &str, found: &[T], expected: &[f64]) -> f64 {
        assert_eq!(found.len(), expected.len(), "{what}: number of values");
        let largest = expected.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let mut worst = 0.0f64;
        for (i, (f, e)) in found.iter().zip(expected).enumerate() {
            let allowed = (self.relative * e.abs()).max(self.of_largest * largest).max(self.absolute);
            let error = (f.as_f64() - e).abs();
            assert!(error <= allowed, "{what}[{i}]: {f:?} for {e:?}, {error:e} apart, {allowed:e} allowed");
            worst = worst.max(error);
        }
        // Where nothing but zeros is expected the error itself.
        if largest > 0.0 { worst / largest } else { worst }
    }
}
