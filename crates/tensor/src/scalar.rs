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

/// A slice of one of the two element types: how code that is generic over [`Scalar`] reaches what is written once per type.
#[derive(Clone, Copy, Debug)]
pub enum Slice<'a> {
    /// 32-bit elements.
    F32(&'a [f32]),
    /// 64-bit elements.
    F64(&'a [f64]),
}

/// As [`Slice`], to change.
#[derive(Debug)]
pub enum SliceMut<'a> {
    /// 32-bit elements.
    F32(&'a mut [f32]),
    /// 64-bit elements.
    F64(&'a mut [f64]),
}

/// An element of a buffer: `f32` or `f64`, and nothing else (the trait is sealed).
///
/// `T: Scalar` is the only type parameter of the workspace and stands only on what holds arrays.
/// Hyperparameters, losses and metrics are `f64` everywhere.
pub trait Scalar:
    ndarray::NdFloat + crate::math::Native + crate::kernel::Product + Default + Sum + Debug + Send + Sync + Unpin + 'static
{
    /// The name of this type in records and files.
    const DTYPE: DType;

    /// The nearest value of this type.
    fn of(value: f64) -> Self;

    /// The same value as `f64` (exact).
    fn as_f64(self) -> f64;

    /// `values` as what they are.
    fn slice(values: &[Self]) -> Slice<'_>;

    /// `values` as what they are, to change.
    fn slice_mut(values: &mut [Self]) -> SliceMut<'_>;

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

            #[inline(always)]
            #[allow(clippy::unnecessary_cast)]
            fn of(value: f64) -> Self {
                value as $t
            }

            #[inline(always)]
            #[allow(clippy::unnecessary_cast)]
            fn as_f64(self) -> f64 {
                self as f64
            }

            #[inline]
            fn slice(values: &[Self]) -> Slice<'_> {
                Slice::$dtype(values)
            }

            #[inline]
            fn slice_mut(values: &mut [Self]) -> SliceMut<'_> {
                SliceMut::$dtype(values)
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
