//! Where a log is written: a writer that is flushed after each row, and silent after its first error.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::error::TrainError;

/// A writer and what happened to it.
#[derive(Debug)]
pub(super) struct Target<W> {
    /// What it is called in messages: a path, or "the log".
    name: String,
    writer: W,
    error: Option<io::Error>,
}

impl<W: Write> Target<W> {
    pub(super) fn new(writer: W) -> Self {
        Self { name: "the log".into(), writer, error: None }
    }

    /// Writes a row and flushes it; after an error nothing is written any more, and `log` has one warning.
    pub(super) fn row(&mut self, row: &str) {
        if self.error.is_some() {
            return;
        }
        if let Err(error) = self.line(row) {
            log::warn!("{}: {error}; training goes on, the rows from here on are in the history only", self.name);
            self.error = Some(error);
        }
    }

    /// Writes the first row of a fit.
    ///
    /// # Errors
    /// If that fails: nothing is lost yet.
    pub(super) fn first_row(&mut self, row: &str) -> Result<(), TrainError> {
        self.line(row).map_err(|source| TrainError::Io { file: self.name.clone(), source })
    }

    pub(super) fn error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    pub(super) fn into_inner(self) -> W {
        self.writer
    }

    fn line(&mut self, row: &str) -> io::Result<()> {
        self.writer.write_all(row.as_bytes())?;
        self.writer.write_all(b"\n")?;
        self.writer.flush()
    }
}

impl Target<File> {
    /// The file at `path`, made if there is none, to append to; and its first line, if it has one.
    ///
    /// # Errors
    /// If the file cannot be opened or read.
    pub(super) fn append(path: &Path) -> Result<(Self, Option<String>), TrainError> {
        let name = path.display().to_string();
        let opened = OpenOptions::new().read(true).append(true).create(true).open(path).and_then(|mut file| {
            let first = first_line(&mut file)?;
            Ok((file, first))
        });
        let (writer, first) = opened.map_err(|source| TrainError::Io { file: name.clone(), source })?;
        Ok((Self { name, writer, error: None }, first))
    }
}

/// The first line, as far as a header could reach; `None` of an empty file.
fn first_line(file: &mut impl Read) -> io::Result<Option<String>> {
    const LONGEST: u64 = 1 << 16;
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or(&[]);
    Ok((!bytes.is_empty()).then(|| String::from_utf8_lossy(line).into_owned()))
}
