//! NPZ, numpy's archive of arrays: a zip of NPY files.

use super::bounded::read_all;
use super::raw::RawArray;
use super::zip::Archive;
use crate::error::{DataError, listed};
use crate::limits::Limits;
use std::io::Read;

/// An opened archive; an array is decoded when asked for.
///
/// We read the zip directory ourselves: the `zip` crate behind `ndarray-npy` reserves room for as many members as the file
/// declares (up to hundreds of bytes for each byte of the file), which no limit of ours could bound.
#[derive(Clone, Debug)]
pub struct Npz {
    archive: Archive,
    limits: Limits,
}

/// Opens an NPZ file (its compressed bytes are held in memory).
///
/// # Errors
/// When the bytes are no zip archive, or larger than `limits` allows.
pub fn read(mut reader: impl Read, limits: &Limits) -> Result<Npz, DataError> {
    let bytes = read_all(&mut reader, limits.bytes, "archive")?;
    // The archive stays in memory beside the array to come.
    let left = Limits { bytes: limits.bytes - bytes.len() as u64, ..*limits };
    Ok(Npz { archive: Archive::open(bytes, limits)?, limits: left })
}

impl Npz {
    /// The names of its arrays, without `.npy`.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.archive.members().iter().map(|m| stem(&m.name))
    }

    /// The array `name`.
    ///
    /// # Errors
    /// When there is none, it is damaged, or it is larger than what the archive leaves of the limit it was
    /// opened with.
    pub fn array(&self, name: &str) -> Result<RawArray, DataError> {
        let member = self.archive.members().iter().find(|m| stem(&m.name) == name).ok_or_else(|| {
            let problem = format!("no array `{name}`; the archive has {}", listed(self.names()));
            DataError::format("archive", problem, "check the name, or that this is the right file")
        })?;
        let mut reader = self.archive.reader(member, &self.limits)?;
        let array = super::npy::decode(&mut reader, &self.limits).map_err(|e| e.in_member(name))?;
        reader.finish(name)?;
        Ok(array)
    }
}

fn stem(name: &str) -> &str {
    name.strip_suffix(".npy").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::super::npy::tests::{file, header};
    use super::super::zip::tests::archive;
    use super::*;

    fn open(bytes: &[u8]) -> Result<RawArray, String> {
        read(bytes, &Limits::default()).and_then(|z| z.array("X")).map_err(|e| e.to_string())
    }

    #[test]
    fn stored_and_deflated_arrays_are_read() {
        let x = file(&header("<i2", true, "(2, 2)"), &[1, 0, 3, 0, 2, 0, 4, 0]);
        let y = file(&header("|u1", false, "(2,)"), &[0, 1]);
        for deflate in [false, true] {
            let npz = read(&archive(&[("X.npy", &x), ("y.npy", &y)], deflate)[..], &Limits::default()).unwrap();
            assert_eq!(npz.names().collect::<Vec<_>>(), ["X", "y"]);
            assert_eq!(npz.array("X").unwrap().array2::<f64>().unwrap(), ndarray::array![[1.0, 2.0], [3.0, 4.0]]);
            assert_eq!(npz.array("y").unwrap().labels().unwrap(), [0, 1]);
            let error = npz.array("z").unwrap_err().to_string();
            assert!(error.contains("no array `z`; the archive has `X`, `y`;"), "{error}");
        }
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_unpacked() {
        // 64 MiB of zeros, declared as they are, against a limit of 1 MiB.
        let bomb = file(&header("|u1", false, "(67108864,)"), &vec![0; 64 << 20]);
        let bytes = archive(&[("X.npy", &bomb)], true);
        assert!(bytes.len() < 1 << 18);
        let limits = Limits { bytes: 1 << 20, ..Limits::default() };
        let error = read(&bytes[..], &limits).and_then(|z| z.array("X")).unwrap_err().to_string();
        assert!(error.contains("raise `Limits::bytes`"), "{error}");
        // The same bytes behind a header that declares little.
        let liar = file(&header("|u1", false, "(16,)"), &vec![0; 64 << 20]);
        let error = open(&archive(&[("X.npy", &liar)], true)).unwrap_err();
        assert!(
            error.contains("member `X`, data, byte") && error.contains("more bytes than the header declares"),
            "{error}"
        );
    }

    #[test]
    fn damage_is_named_with_its_member() {
        let x = file(&header("|u1", false, "(4,)"), &[1, 2, 3, 4]);
        let mut bytes = archive(&[("X.npy", &x)], false);
        let data = bytes.windows(4).position(|w| w == [1, 2, 3, 4]).unwrap();
        bytes[data] = 9;
        assert!(open(&bytes).unwrap_err().contains("member `X`: its checksum is"), "{:?}", open(&bytes));
        assert!(open(b"nothing of the kind").unwrap_err().contains("no zip archive"));
        assert!(open(&[]).unwrap_err().contains("no zip archive"));
    }
}
