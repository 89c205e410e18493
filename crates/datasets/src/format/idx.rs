//! IDX, the format of MNIST: a magic number, the sizes (big-endian), the numbers; plain or gzipped.

use super::bounded::{expect_end, read_array, read_exact};
use super::raw::{Dtype, RawArray, size_in_bytes};
use crate::error::DataError;
use crate::limits::Limits;
use std::io::{BufReader, Read};

const WHAT: &str =
    "an IDX file starts with 0, 0, the type (8, 9, 11 .. 14) and the number of axes; check that this is one";

/// The array of an IDX file; gzip is recognised and decoded.
///
/// ```
/// use layerwise_datasets::{format::idx, Limits};
/// let bytes = [0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 7, 8, 9];
/// let array = idx::read(&bytes[..], &Limits::default())?;
/// assert_eq!(array.shape(), [1, 3]);
/// assert_eq!(array.array2::<f32>()?[[0, 2]], 9.0);
/// # Ok::<(), layerwise_datasets::DataError>(())
/// ```
///
/// # Errors
/// When the bytes are no IDX file, end early or go on after the last number, or declare more than `limits`.
pub fn read(mut reader: impl Read, limits: &Limits) -> Result<RawArray, DataError> {
    const GZIP: [u8; 2] = [0x1f, 0x8b];
    let start = read_array::<2>(&mut reader, "header", 0)?;
    let mut whole = start.chain(reader);
    if start == GZIP {
        let inner = flate2::bufread::MultiGzDecoder::new(BufReader::new(whole));
        decode(&mut { inner }, limits)
    } else {
        decode(&mut whole, limits)
    }
}

fn decode(reader: &mut dyn Read, limits: &Limits) -> Result<RawArray, DataError> {
    let magic = read_array::<4>(reader, "header", 0)?;
    let [0, 0, code, axes] = magic else {
        return Err(DataError::format("byte 0", format!("magic number {magic:02x?} found"), WHAT));
    };
    let dtype = match code {
        0x08 => Dtype::U8,
        0x09 => Dtype::I8,
        0x0b => Dtype::I16,
        0x0c => Dtype::I32,
        0x0d => Dtype::F32,
        0x0e => Dtype::F64,
        _ => return Err(DataError::format("byte 2", format!("unknown type {code:#04x}"), WHAT)),
    };
    let mut shape = Vec::with_capacity(axes.into());
    for axis in 0..u64::from(axes) {
        let size = u32::from_be_bytes(read_array::<4>(reader, "header", 4 + 4 * axis)?);
        shape.push(size as usize);
    }
    let count = size_in_bytes(&shape, dtype, limits, "header")?;
    let first = 4 + 4 * u64::from(axes);
    let bytes = read_exact(reader, count, "data", first)?;
    expect_end(reader, "data", first + count as u64)?;
    Ok(RawArray { dtype, big_endian: true, fortran: false, shape, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(shape: &[u32], data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, shape.len() as u8];
        shape.iter().for_each(|s| bytes.extend(s.to_be_bytes()));
        bytes.extend(data);
        bytes
    }

    fn error(bytes: &[u8]) -> String {
        read(bytes, &Limits::default()).unwrap_err().to_string()
    }

    #[test]
    fn images_are_rows() {
        let array = read(&file(&[2, 2, 2], &[1, 2, 3, 4, 5, 6, 7, 8])[..], &Limits::default()).unwrap();
        assert_eq!(array.array2::<f64>().unwrap().row(1).to_vec(), [5.0, 6.0, 7.0, 8.0]);
    }

    #[test]
    fn gzip_is_recognised_and_its_checksum_checked() {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gz.write_all(&file(&[3], &[7, 8, 9])).unwrap();
        let mut bytes = gz.finish().unwrap();
        assert_eq!(read(&bytes[..], &Limits::default()).unwrap().labels().unwrap(), [7, 8, 9]);
        let crc = bytes.len() - 8;
        bytes[crc] ^= 1;
        assert!(error(&bytes).contains("fetch it again"), "{}", error(&bytes));
        bytes.truncate(crc);
        assert!(error(&bytes).contains("cut off"), "{}", error(&bytes));
    }

    #[test]
    fn damage_is_named_with_its_place() {
        assert!(error(&[]).starts_with("the input: header, byte 0: the data end after 0 of 2 bytes;"));
        assert!(error(b"PK\x03\x04rest").contains("byte 0: magic number [50, 4b, 03, 04] found;"));
        assert!(error(&[0, 0, 7, 1, 0, 0, 0, 0]).contains("byte 2: unknown type 0x07"));
        assert!(
            error(&file(&[4], &[1, 2])).contains("data, byte 10: the data end after 2 of 4 bytes; the file is cut off")
        );
        assert!(error(&file(&[1], &[1, 2])).contains("data, byte 9: more bytes than the header declares"));
        assert!(error(&file(&[u32::MAX, u32::MAX, u32::MAX], &[])).contains("raise `Limits::bytes`"));
        assert!(error(&file(&[0, u32::MAX], &[])).contains("the limit is 1073741824"));
    }
}
