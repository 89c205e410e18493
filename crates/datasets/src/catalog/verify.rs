//! (not an entry) Whether the files at hand are those of the catalogue.

use super::dir::DataDir;
use super::entry::{DatasetEntry, Family};
use super::load::{Loaded, load, missing};
use super::table::table;
use crate::error::DataError;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Whether the files of `entry` in `dir` are there, have the catalogued checksums and load with the catalogued shape.
///
/// # Errors
/// The first thing that is not so.
pub fn verify(entry: &DatasetEntry, dir: &DataDir) -> Result<(), DataError> {
    for file in &entry.files {
        let path = dir.path(&file.path);
        let found = match sha256(&path) {
            Err(DataError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                return Err(missing(entry, &file.path, dir));
            }
            other => other?,
        };
        if found != file.sha256 {
            let remedy = "the file is damaged or another version: remove it and fetch it again".to_owned();
            return Err(DataError::Checksum { file: path, expected: file.sha256.to_owned(), found, remedy });
        }
    }
    let found = shape(&load(entry, dir)?);
    let anomalies = if let Family::Anomalies { anomalies } = entry.family { anomalies } else { 0 };
    let wanted = (entry.rows, entry.cols, anomalies);
    if found != wanted {
        let problem = format!("rows, columns and anomalies are {found:?}, the catalogue says {wanted:?}");
        return Err(DataError::table(format!("data set `{}`", entry.name), problem, "correct the catalogue"));
    }
    Ok(())
}

/// [`verify`] for each data set of the catalogue.
pub fn verify_all(dir: &DataDir) -> Vec<(&'static DatasetEntry, Result<(), DataError>)> {
    table().iter().map(|entry| (entry, verify(entry, dir))).collect()
}

/// SHA-256 of a file, in hexadecimal digits.
///
/// # Errors
/// When it cannot be read.
pub fn sha256(path: &Path) -> Result<String, DataError> {
    let io = |doing: &str, e| DataError::io(doing, e, "check the path and its permissions").in_file(path);
    let mut file = File::open(path).map_err(|e| io("opening", e))?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer).map_err(|e| io("reading", e))? {
            0 => return Ok(hex(&hash.finalize())),
            count => hash.update(&buffer[..count]),
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn shape(loaded: &Loaded) -> (usize, usize, usize) {
    match loaded {
        Loaded::Images(images) => (images.train.rows() + images.test.rows(), images.train.cols(), 0),
        Loaded::Anomalies(set) => (set.rows(), set.cols(), set.anomalies()),
        Loaded::Table(set) => (set.table.rows(), set.table.cols(), 0),
    }
}
