//! An array as it lies in a file, and its conversions.

use crate::error::DataError;
use layerwise_tensor::Scalar;
use ndarray::Array2;

/// The type of the numbers in a [`RawArray`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dtype {
    /// One byte, 0 or 1.
    Bool,
    /// Unsigned, 8 bit.
    U8,
    /// Signed, 8 bit.
    I8,
    /// Unsigned, 16 bit.
    U16,
    /// Signed, 16 bit.
    I16,
    /// Unsigned, 32 bit.
    U32,
    /// Signed, 32 bit.
    I32,
    /// Unsigned, 64 bit.
    U64,
    /// Signed, 64 bit.
    I64,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
}

impl Dtype {
    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }
}

/// An array as it lies in a file: the bytes, and what they mean. Converted when asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawArray {
    pub(super) dtype: Dtype,
    pub(super) big_endian: bool,
    pub(super) fortran: bool,
    pub(super) shape: Vec<usize>,
    pub(super) bytes: Vec<u8>,
}

impl RawArray {
    /// The type of its numbers.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Its sizes, axis by axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Whether the first axis runs fastest in the file.
    pub fn is_fortran_order(&self) -> bool {
        self.fortran
    }

    /// The bytes as they lie in the file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.dtype.size()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The array as a matrix: the first axis is the row, all others together are the columns.
    ///
    /// # Errors
    /// When the array has no axis, or a value is NaN or infinite (the message says where).
    pub fn array2<T: Scalar>(&self) -> Result<Array2<T>, DataError> {
        self.matrix("values must be finite: clean the file, or use `array2_with_missing` if NaN means missing", |v| {
            v.is_finite()
        })
    }

    /// As [`RawArray::array2`], NaN allowed: a missing value.
    ///
    /// # Errors
    /// When the array has no axis, or a value is infinite.
    pub fn array2_with_missing<T: Scalar>(&self) -> Result<Array2<T>, DataError> {
        self.matrix("values must not be infinite: clean the file", |v| !v.is_infinite())
    }

    /// The array, flattened, as classes.
    ///
    /// # Errors
    /// When an element is not a whole number from 0 to 2^32 - 1.
    pub fn labels(&self) -> Result<Vec<u32>, DataError> {
        let label = |i| {
            let v = self.value(self.place(i));
            if v.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&v) {
                return Ok(v as u32);
            }
            Err(DataError::format(
                format!("element {}", i + 1),
                format!("a class (a whole number from 0 on) wanted, {v} found"),
                "check that this is the array of labels",
            ))
        };
        (0..self.len()).map(label).collect()
    }

    /// Rows and columns of [`RawArray::array2`].
    ///
    /// # Errors
    /// When the array has no axis.
    pub fn matrix_shape(&self) -> Result<(usize, usize), DataError> {
        let [rows, rest @ ..] = &self.shape[..] else {
            let remedy = "save an array with at least one axis";
            return Err(DataError::format("shape", "a single number where rows are wanted", remedy));
        };
        // The reader has checked that the product fits.
        Ok((*rows, rest.iter().product()))
    }

    fn matrix<T: Scalar>(&self, remedy: &str, allowed: impl Fn(f64) -> bool) -> Result<Array2<T>, DataError> {
        let (rows, cols) = self.matrix_shape()?;
        let values = if self.dtype == Dtype::U8 && !self.fortran {
            // Images: many, and every byte is finite.
            self.bytes.iter().map(|&b| T::of(f64::from(b))).collect()
        } else {
            let mut values = Vec::with_capacity(self.len());
            for i in 0..self.len() {
                let v = self.value(self.place(i));
                if !allowed(v) {
                    let place = format!("row {}, column {}", i / cols + 1, i % cols + 1);
                    return Err(DataError::format(place, format!("{v} found"), remedy));
                }
                values.push(T::of(v));
            }
            values
        };
        Array2::from_shape_vec((rows, cols), values)
            .map_err(|e| DataError::format("shape", e.to_string(), "check the file"))
    }

    /// Where element `i`, counted row by row, lies in the file.
    fn place(&self, i: usize) -> usize {
        if !self.fortran || self.shape.len() < 2 {
            return i;
        }
        let (mut rest, mut place, mut stride) = (i, 0, self.len());
        for &size in self.shape.iter().rev() {
            stride /= size;
            place += (rest % size) * stride;
            rest /= size;
        }
        place
    }

    fn value(&self, place: usize) -> f64 {
        let size = self.dtype.size();
        let mut b = [0u8; 8];
        b[..size].copy_from_slice(&self.bytes[place * size..(place + 1) * size]);
        if self.big_endian {
            b[..size].reverse();
        }
        let [b0, b1, b2, b3, ..] = b;
        match self.dtype {
            Dtype::Bool => f64::from(u8::from(b0 != 0)),
            Dtype::U8 => f64::from(b0),
            Dtype::I8 => f64::from(b0 as i8),
            Dtype::U16 => f64::from(u16::from_le_bytes([b0, b1])),
            Dtype::I16 => f64::from(i16::from_le_bytes([b0, b1])),
            Dtype::U32 => f64::from(u32::from_le_bytes([b0, b1, b2, b3])),
            Dtype::I32 => f64::from(i32::from_le_bytes([b0, b1, b2, b3])),
            Dtype::F32 => f64::from(f32::from_le_bytes([b0, b1, b2, b3])),
            Dtype::U64 => u64::from_le_bytes(b) as f64,
            Dtype::I64 => i64::from_le_bytes(b) as f64,
            Dtype::F64 => f64::from_le_bytes(b),
        }
    }
}

/// The bytes of an array of this shape, or why it is refused. Each element counts for at least the eight bytes of the `f64`
/// it becomes.
pub(super) fn size_in_bytes(
    shape: &[usize],
    dtype: Dtype,
    limits: &crate::Limits,
    place: &str,
) -> Result<usize, DataError> {
    let too_large = |need| DataError::limit(place, need, "bytes as f64", limits.bytes, "bytes");
    let mut count: u64 = 1;
    let mut positive: u64 = 8;
    for &size in shape {
        // An axis of size 0 must not hide a huge one beside it.
        positive = positive.checked_mul((size as u64).max(1)).ok_or_else(|| too_large(u64::MAX))?;
        count = count.saturating_mul(size as u64);
    }
    if positive > limits.bytes {
        return Err(too_large(positive));
    }
    usize::try_from(count * dtype.size() as u64).map_err(|_| too_large(u64::MAX))
}
