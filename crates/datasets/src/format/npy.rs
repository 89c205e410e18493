//! NPY, numpy's file of one array: versions 1 to 3, C and Fortran order, both byte orders.

use super::bounded::{expect_end, read_array, read_exact};
use super::raw::{Dtype, RawArray, size_in_bytes};
use crate::error::DataError;
use crate::limits::Limits;
use std::io::Read;

const WHAT: &str = "check that the file was written by `numpy.save` or `numpy.savez`";

/// The array of an NPY file: booleans, integers of 8 to 64 bits, `float32`, `float64`.
///
/// We read the header ourselves because `ndarray-npy` reserves what it declares before reading it.
///
/// # Errors
/// When the bytes are no NPY file, hold another type (objects are refused: they are programs), end early or go on after the
/// last number, or declare more than `limits`.
pub fn read(mut reader: impl Read, limits: &Limits) -> Result<RawArray, DataError> {
    decode(&mut reader, limits)
}

pub(super) fn decode(reader: &mut dyn Read, limits: &Limits) -> Result<RawArray, DataError> {
    let magic = read_array::<8>(reader, "header", 0)?;
    if &magic[..6] != b"\x93NUMPY" {
        return Err(DataError::format("byte 0", format!("no NPY file, it starts with {:02x?}", &magic[..6]), WHAT));
    }
    let (length, first) = match magic[6] {
        1 => (u64::from(u16::from_le_bytes(read_array::<2>(reader, "header", 8)?)), 10),
        2 | 3 => (u64::from(u32::from_le_bytes(read_array::<4>(reader, "header", 8)?)), 12),
        version => {
            let remedy = "save the array again with `numpy.save` of numpy 1 or 2";
            return Err(DataError::format("byte 6", format!("version 1, 2 or 3 wanted, {version} found"), remedy));
        }
    };
    if length > limits.header as u64 {
        return Err(DataError::limit("header", length, "bytes of header", limits.header as u64, "header"));
    }
    let text = read_exact(reader, length as usize, "header", first)?;
    let Header { descr, fortran, shape } = Header::parse(&text)?;
    let (dtype, big_endian) = dtype(&descr)?;
    let count = size_in_bytes(&shape, dtype, limits, "header")?;
    let bytes = read_exact(reader, count, "data", first + length)?;
    expect_end(reader, "data", first + length + count as u64)?;
    Ok(RawArray { dtype, big_endian, fortran, shape, bytes })
}

fn dtype(descr: &str) -> Result<(Dtype, bool), DataError> {
    let (order, code) = descr.split_at(descr.chars().next().map_or(0, char::len_utf8));
    let dtype = match code {
        "b1" => Dtype::Bool,
        "u1" => Dtype::U8,
        "i1" => Dtype::I8,
        "u2" => Dtype::U16,
        "i2" => Dtype::I16,
        "u4" => Dtype::U32,
        "i4" => Dtype::I32,
        "u8" => Dtype::U64,
        "i8" => Dtype::I64,
        "f4" => Dtype::F32,
        "f8" => Dtype::F64,
        _ => {
            let problem = format!("numbers of 8 to 64 bits wanted, dtype `{descr}` found");
            return Err(DataError::format("header", problem, "save it with `array.astype(\"float64\")`"));
        }
    };
    match order {
        "<" | "|" => Ok((dtype, false)),
        ">" => Ok((dtype, true)),
        _ => Err(DataError::format("header", format!("unknown byte order in dtype `{descr}`"), WHAT)),
    }
}

/// What the Python dictionary of the header says.
struct Header {
    descr: String,
    fortran: bool,
    shape: Vec<usize>,
}

impl Header {
    /// Numpy writes `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`; the order of the keys is not fixed.
    fn parse(text: &[u8]) -> Result<Self, DataError> {
        let bad = |problem: String| DataError::format("header", problem, WHAT);
        let text = std::str::from_utf8(text).map_err(|e| bad(format!("not UTF-8: {e}")))?;
        let shown = || text.trim_end().chars().take(80).collect::<String>();
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        let mut rest = Cursor { rest: text };
        rest.expect('{').ok_or_else(|| bad(format!("a dictionary wanted, `{}` found", shown())))?;
        while !rest.accept('}') {
            let entry = rest.quoted().filter(|_| rest.accept(':'));
            let known = match entry {
                Some("descr") => rest.quoted().map(|d| descr = Some(d.to_owned())),
                Some("fortran_order") => rest.boolean().map(|f| fortran = Some(f)),
                Some("shape") => rest.tuple().map(|s| shape = Some(s)),
                _ => None,
            };
            known.ok_or_else(|| bad(format!("a plain dtype, order and shape wanted, `{}` found", shown())))?;
            if !rest.accept(',') && !rest.rest.starts_with('}') {
                return Err(bad(format!("`}}` missing in `{}`", shown())));
            }
        }
        match (descr, fortran, shape) {
            (Some(descr), Some(fortran), Some(shape)) if rest.rest.trim().is_empty() => {
                Ok(Self { descr, fortran, shape })
            }
            _ => Err(bad(format!("descr, fortran_order and shape wanted, `{}` found", shown()))),
        }
    }
}

/// The little of Python's literals that a header uses.
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn accept(&mut self, wanted: char) -> bool {
        let after = self.rest.trim_start().strip_prefix(wanted);
        self.rest = after.map_or(self.rest, str::trim_start);
        after.is_some()
    }

    fn expect(&mut self, wanted: char) -> Option<()> {
        self.accept(wanted).then_some(())
    }

    fn quoted(&mut self) -> Option<&'a str> {
        let quote = if self.accept('\'') { '\'' } else { self.expect('"').map(|()| '"')? };
        let (inside, after) = self.rest.split_once(quote)?;
        self.rest = after.trim_start();
        Some(inside)
    }

    fn boolean(&mut self) -> Option<bool> {
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(after) = self.rest.strip_prefix(word) {
                self.rest = after.trim_start();
                return Some(value);
            }
        }
        None
    }

    fn tuple(&mut self) -> Option<Vec<usize>> {
        const MOST_AXES: usize = 32;
        let mut sizes = Vec::new();
        self.expect('(')?;
        while !self.accept(')') {
            let digits = self.rest.find(|c: char| !c.is_ascii_digit())?;
            sizes.push(self.rest[..digits].parse().ok()?);
            // Python 2 wrote `3L`.
            self.rest = self.rest[digits..].trim_start_matches('L').trim_start();
            if sizes.len() > MOST_AXES || (!self.accept(',') && !self.rest.starts_with(')')) {
                return None;
            }
        }
        Some(sizes)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An NPY file with this header text and these data.
    pub(crate) fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    pub(crate) fn header(descr: &str, fortran: bool, shape: &str) -> String {
        let order = if fortran { "True" } else { "False" };
        format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}          \n")
    }

    fn rows(bytes: &[u8]) -> Vec<Vec<f64>> {
        let matrix = read(bytes, &Limits::default()).unwrap().array2::<f64>().unwrap();
        matrix.rows().into_iter().map(|r| r.to_vec()).collect()
    }

    fn error(bytes: &[u8]) -> String {
        read(bytes, &Limits::default()).and_then(|a| a.array2::<f64>()).unwrap_err().to_string()
    }

    #[test]
    fn every_type_in_both_byte_orders() {
        fn both<const N: usize>(code: &str, le: [u8; N]) {
            for (order, bytes) in [
                ("<", le),
                (">", {
                    let mut b = le;
                    b.reverse();
                    b
                }),
            ] {
                assert_eq!(
                    rows(&file(&header(&format!("{order}{code}"), false, "(1,)"), &bytes)),
                    [[3.0]],
                    "{order}{code}"
                );
            }
        }
        both("u1", 3u8.to_le_bytes());
        both("i1", 3i8.to_le_bytes());
        both("u2", 3u16.to_le_bytes());
        both("i2", 3i16.to_le_bytes());
        both("u4", 3u32.to_le_bytes());
        both("i4", 3i32.to_le_bytes());
        both("u8", 3u64.to_le_bytes());
        both("i8", 3i64.to_le_bytes());
        both("f4", 3f32.to_le_bytes());
        both("f8", 3f64.to_le_bytes());
        assert_eq!(rows(&file(&header("|b1", false, "(2,)"), &[0, 1])), [[0.0], [1.0]]);
        assert_eq!(rows(&file(&header("<i2", false, "(1,)"), &(-7i16).to_le_bytes())), [[-7.0]]);
    }

    #[test]
    fn fortran_order_is_undone() {
        assert_eq!(
            rows(&file(&header("|u1", true, "(2, 3)"), &[1, 4, 2, 5, 3, 6])),
            [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
        );
        // numpy.asfortranarray(numpy.arange(8).reshape(2, 2, 2)): the first axis runs fastest.
        let cube = rows(&file(&header("|u1", true, "(2, 2, 2)"), &[0, 4, 2, 6, 1, 5, 3, 7]));
        assert_eq!(cube, [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]]);
    }

    #[test]
    fn version_two_and_other_orders_of_keys_are_read() {
        let text = "{\"shape\": (1L, 1L), \"descr\": \"<u2\", \"fortran_order\": False}";
        let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend([1, 1]);
        assert_eq!(rows(&bytes), [[257.0]]);
    }

    #[test]
    fn damage_is_named_with_its_place() {
        assert!(error(b"\x93NUMPX\x01\x00").contains("byte 0: no NPY file"));
        assert!(error(b"\x93NUMPY\x09\x00").contains("byte 6: version 1, 2 or 3 wanted, 9 found;"));
        assert!(error(b"\x93NUMPY\x02\x00\xff\xff\xff\xff").contains("raise `Limits::header`"));
        assert!(
            error(&file("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", &[])).contains("dtype `|O` found")
        );
        assert!(error(&file("[1]", &[])).contains("a dictionary wanted"));
        assert!(
            error(&file("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}", &[]))
                .contains("plain dtype")
        );
        assert!(error(&file("{'descr': '<f8'}", &[])).contains("descr, fortran_order and shape wanted"));
        assert!(
            error(&file(&header("<f8", false, "(99999999999, 99999999999)"), &[])).contains("raise `Limits::bytes`")
        );
        assert!(
            error(&file(&header("<f8", false, "(99999999999999999999,)"), &[]))
                .contains("plain dtype, order and shape")
        );
        assert!(error(&file(&header("<f8", false, "(0, 9999999999)"), &[])).contains("raise `Limits::bytes`"));
        assert!(error(&file(&header("<f8", false, "(2,)"), &[0; 9])).contains("the data end after 9 of 16 bytes"));
        assert!(error(&file(&header("|u1", false, "(2,)"), &[0; 3])).contains("more bytes than the header declares"));
        assert!(error(&file(&header("|u1", false, "()"), &[3])).contains("a single number where rows are wanted"));
    }

    #[test]
    fn nan_is_named_with_row_and_column() {
        let data: Vec<u8> = [1.0, 2.0, f64::NAN, 4.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let bytes = file(&header("<f8", false, "(2, 2)"), &data);
        assert!(error(&bytes).contains("row 2, column 1: NaN found; values must be finite"));
        let array = read(&bytes[..], &Limits::default()).unwrap();
        assert!(array.array2_with_missing::<f32>().unwrap()[[1, 0]].is_nan());
    }
}
