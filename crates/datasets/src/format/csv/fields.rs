//! The fields of a text, one by one, each with its line; memory for one field at a time.

use crate::error::DataError;
use crate::limits::Limits;
use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

pub(super) struct Fields<'a> {
    reader: Reader,
    rest: &'a [u8],
    buffer: Vec<u8>,
    line: u64,
    fresh: bool,
    limit: usize,
}

/// One field.
pub(super) struct Field<'a> {
    /// The line it starts in, from 1 on.
    pub(super) line: u64,
    /// Its bytes, quotes undone.
    pub(super) bytes: &'a [u8],
    /// Whether it is the last of its row.
    pub(super) last: bool,
}

impl<'a> Fields<'a> {
    pub(super) fn new(text: &'a [u8], separator: u8, limits: &Limits) -> Self {
        let reader = ReaderBuilder::new().delimiter(separator).build();
        Self { reader, rest: text, buffer: vec![0; 64], line: 1, fresh: true, limit: limits.field }
    }

    /// The next field, if there is one.
    pub(super) fn next(&mut self) -> Result<Option<Field<'_>>, DataError> {
        if self.fresh {
            self.skip_empty_lines();
        }
        let (line, mut length) = (self.line, 0);
        loop {
            let (result, read, written) = self.reader.read_field(self.rest, &mut self.buffer[length..]);
            let (consumed, rest) = self.rest.split_at(read);
            self.line += consumed.iter().filter(|&&b| b == b'\n').count() as u64;
            self.rest = rest;
            length += written;
            match result {
                // An empty rest tells the reader that the text is over.
                ReadFieldResult::InputEmpty => {}
                ReadFieldResult::OutputFull => {
                    let size = self.buffer.len() * 2;
                    if size > self.limit.max(64) * 2 {
                        let (place, limit) = (format!("line {line}"), self.limit as u64);
                        return Err(DataError::limit(
                            place,
                            length as u64,
                            "or more bytes in one field",
                            limit,
                            "field",
                        ));
                    }
                    self.buffer.resize(size, 0);
                }
                ReadFieldResult::Field { record_end } => {
                    self.fresh = record_end;
                    return Ok(Some(Field { line, bytes: &self.buffer[..length], last: record_end }));
                }
                ReadFieldResult::End => return Ok(None),
            }
        }
    }

    fn skip_empty_lines(&mut self) {
        while let [b @ (b'\n' | b'\r'), rest @ ..] = self.rest {
            self.line += u64::from(*b == b'\n');
            self.rest = rest;
        }
    }
}

/// What separates the fields: of comma, semicolon and tab the one that the header line holds most often outside quotes, comma where
/// it holds none.
pub(super) fn separator(text: &[u8]) -> u8 {
    let (mut quoted, mut counts) = (false, [(b',', 0u64), (b';', 0), (b'\t', 0)]);
    let header = text.iter().skip_while(|b| matches!(**b, b'\n' | b'\r'));
    for b in header {
        match b {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if !quoted => counts.iter_mut().filter(|(s, _)| s == b).for_each(|(_, n)| *n += 1),
            _ => {}
        }
    }
    // Of equals the first is kept.
    counts.iter().fold(counts[0], |best, c| if c.1 > best.1 { *c } else { best }).0
}
