//! The two element types, `f32` and `f64`.

use std::fmt::Debug;
use std::iter::Sum;

/// Which element type a buffer holds; written into records and files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DType {
    /// 32-bit IEEE 754.
    F32,
    /// 64-bit IEEE 754.
    F64,
}

impl DType {
    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            DType::F32 => 4,
            DType::F64 => 8,
        }
    }
}

/// An element of a buffer: `f32` or `f64`, and nothing else (the trait is sealed).
///
/// `T: Scalar` is the only type parameter of the workspace and stands only on what holds arrays.
/// Hyperparameters, losses and metrics are `f64` everywhere.
pub trait Scalar:
    ndarray::NdFloat + crate::math::Native + Default + Sum + Debug + Send + Sync + Unpin + 'static
{
    /// The name of this type in records and files.
    const DTYPE: DType;

    /// The nearest value of this type.
    fn of(value: f64) -> Self;

    /// The same value as `f64` (exact).
    fn as_f64(self) -> f64;

    /// Appends the little-endian bytes of `values`.
    fn extend_le_bytes(values: &[Self], out: &mut Vec<u8>);

    /// Reads little-endian bytes; `bytes.len()` must be `out.len()` times the size of the type.
    ///
    /// # Panics
    /// If the lengths differ.
    fn read_le_bytes(bytes: &[u8], out: &mut [Self]);
}

macro_rules! scalar {
    ($t:ident, $dtype:ident) => {
        impl Scalar for $t {
            const DTYPE: DType = DType::$dtype;

            #[inline]
            #[allow(clippy::unnecessary_cast)]
            fn of(value: f64) -> Self {
                value as $t
            }

            #[inline]
            #[allow(clippy::unnecessary_cast)]
            fn as_f64(self) -> f64 {
                self as f64
            }

            fn extend_le_bytes(values: &[Self], out: &mut Vec<u8>) {
                out.reserve(values.len() * size_of::<$t>());
                for v in values {
                    out.extend_from_slice(&v.to_le_bytes());
                }
            }

            fn read_le_bytes(bytes: &[u8], out: &mut [Self]) {
                let (chunks, rest) = bytes.as_chunks::<{ size_of::<$t>() }>();
                assert!(
                    rest.is_empty() && chunks.len() == out.len(),
                    "{} bytes cannot fill {} values of {}",
                    bytes.len(),
                    out.len(),
                    stringify!($t),
                );
                for (v, b) in out.iter_mut().zip(chunks) {
                    *v = <$t>::from_le_bytes(*b);
                }
            }
        }
    };
}

scalar!(f32, F32);
scalar!(f64, F64);
