//! The bytes that came so far.

use super::message::{disk, other_bytes};
use crate::catalog::convert::Convert;
use crate::catalog::entry::Source;
use crate::catalog::verify::sha256;
use crate::error::DataError;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// `FILE.part`, open and locked: two processes do not write the same one.
pub(super) struct Part {
    pub(super) path: PathBuf,
    file: File,
}

impl Part {
    pub(super) fn open(target: &Path) -> Result<Self, DataError> {
        let mut name = target.as_os_str().to_owned();
        name.push(".part");
        let path = PathBuf::from(name);
        let options = OpenOptions::new().create(true).truncate(false).read(true).write(true).clone();
        let file = options.open(&path).map_err(|e| disk("opening", &path, e))?;
        file.try_lock().map_err(|_| DataError::Download {
            url: path.display().to_string(),
            problem: "another process is fetching this file".into(),
            remedy: "wait for it".into(),
        })?;
        Ok(Self { path, file })
    }

    pub(super) fn len(&self) -> Result<u64, DataError> {
        self.file.metadata().map(|m| m.len()).map_err(|e| disk("reading", &self.path, e))
    }

    pub(super) fn clear(&mut self) -> Result<(), DataError> {
        self.cut(0)
    }

    /// Keeps the first `len` bytes and stands behind them.
    pub(super) fn cut(&mut self, len: u64) -> Result<(), DataError> {
        let cut = self.file.set_len(len).and_then(|()| self.file.seek(SeekFrom::Start(len)));
        cut.map(drop).map_err(|e| disk("cutting", &self.path, e))
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), DataError> {
        self.file.write_all(bytes).map_err(|e| disk("writing", &self.path, e))
    }

    pub(super) fn sync(&self) -> Result<(), DataError> {
        self.file.sync_all().map_err(|e| disk("writing", &self.path, e))
    }

    /// After a failure nothing is left that is worth nothing; that this fails too is not worth a message of its own.
    pub(super) fn remove_if_empty(&self) {
        if self.len().is_ok_and(|len| len == 0) {
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Converts, checks and gives the file its name.
    pub(super) fn install(self, source: &Source, wanted: &str, target: &Path) -> Result<(), DataError> {
        if source.convert == Convert::Keep {
            let found = sha256(&self.path)?;
            if found != wanted {
                let error = other_bytes(source, target, wanted, found);
                fs::remove_file(&self.path).map_err(|e| disk("removing", &self.path, e))?;
                return Err(error);
            }
            return fs::rename(&self.path, target).map_err(|e| disk("renaming", &self.path, e));
        }
        let bytes = fs::read(&self.path).map_err(|e| disk("reading", &self.path, e))?;
        let ours = source.convert.apply(bytes).map_err(|e| e.in_file(&self.path))?;
        let folder = target.parent().unwrap_or(Path::new("."));
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(&ours)?;
            file.as_file().sync_all()?;
            Ok(file)
        };
        let file = write().map_err(|e| disk("writing", target, e))?;
        let found = sha256(file.path())?;
        if found != wanted {
            // Kept, it would be taken for whole by every later attempt.
            fs::remove_file(&self.path).map_err(|e| disk("removing", &self.path, e))?;
            return Err(other_bytes(source, target, wanted, found));
        }
        file.persist(target).map_err(|e| disk("renaming", target, e.error))?;
        fs::remove_file(&self.path).map_err(|e| disk("removing", &self.path, e))
    }
}
