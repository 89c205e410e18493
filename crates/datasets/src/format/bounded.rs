//! Reading that reserves memory only for bytes that are there.

use crate::error::DataError;
use std::io::{ErrorKind, Read};

const STEP: usize = 64 * 1024;

/// All bytes of `reader`, at most `limit`.
pub(super) fn read_all(reader: &mut dyn Read, limit: u64, place: &str) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    let cap = usize::try_from(limit).unwrap_or(usize::MAX);
    loop {
        match grow(reader, &mut bytes, cap, place)? {
            0 if bytes.len() < cap => return Ok(bytes),
            0 if at_end(reader, place)? => return Ok(bytes),
            0 => return Err(DataError::limit(place, limit.saturating_add(1), "or more bytes", limit, "bytes")),
            _ => {}
        }
    }
}

/// Exactly `count` bytes; fewer are an error that says how many there were.
pub(super) fn read_exact(reader: &mut dyn Read, count: usize, place: &str, first: u64) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    while bytes.len() < count {
        if grow(reader, &mut bytes, count, place)? == 0 {
            return Err(DataError::format(
                format!("{place}, byte {}", first + bytes.len() as u64),
                format!("the data end after {} of {count} bytes", bytes.len()),
                "the file is cut off: copy or fetch it again",
            ));
        }
    }
    Ok(bytes)
}

/// A few bytes of a header.
pub(super) fn read_array<const N: usize>(reader: &mut dyn Read, place: &str, first: u64) -> Result<[u8; N], DataError> {
    let bytes = read_exact(reader, N, place, first)?;
    let mut array = [0; N];
    array.copy_from_slice(&bytes);
    Ok(array)
}

/// An error unless `reader` is at its end (which also makes a decompressor check its checksum).
pub(super) fn expect_end(reader: &mut dyn Read, place: &str, count: u64) -> Result<(), DataError> {
    if at_end(reader, place)? {
        return Ok(());
    }
    Err(DataError::format(
        format!("{place}, byte {count}"),
        "more bytes than the header declares",
        "the file is damaged or has another format: fetch it again, or write one array per file",
    ))
}

/// Reads once into `bytes`, never beyond `cap` bytes in all; how many came.
fn grow(reader: &mut dyn Read, bytes: &mut Vec<u8>, cap: usize, place: &str) -> Result<usize, DataError> {
    let len = bytes.len();
    let want = STEP.min(cap - len);
    if bytes.capacity() < len + want {
        // Double, but never beyond what can come.
        let capacity = (bytes.capacity() * 2).max(len + want).min(cap);
        bytes.try_reserve_exact(capacity - len).map_err(|_| {
            DataError::format(
                place,
                format!("no memory for {capacity} bytes"),
                "close other programs, or read a smaller file",
            )
        })?;
    }
    bytes.resize(len + want, 0);
    let count = read_some(reader, &mut bytes[len..], place)?;
    bytes.truncate(len + count);
    Ok(count)
}

fn at_end(reader: &mut dyn Read, place: &str) -> Result<bool, DataError> {
    Ok(read_some(reader, &mut [0], place)? == 0)
}

fn read_some(reader: &mut dyn Read, buffer: &mut [u8], place: &str) -> Result<usize, DataError> {
    loop {
        match reader.read(buffer) {
            Ok(count) => return Ok(count),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => {
                // A decompressor reports damage as an error of input.
                return Err(DataError::io(
                    format!("reading {place}"),
                    e,
                    "the file is damaged or cut off: fetch it again",
                ));
            }
        }
    }
}
