//! The file of a checkpoint and the one before it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::TrainError;
use crate::model_file::{folder_of, sync_folder};

/// Bytes that are handed to the system at a time.
const BUFFER: usize = 1 << 16;

/// The file of a checkpoint, the one before it (`NAME.previous`), and the one being written (`NAME.part`).
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    limit: u64,
    /// Whether the newest file is known to be whole: only then may it take the place of the one before.
    whole: bool,
}

impl Store {
    pub(super) fn new(path: &Path, limit: u64) -> Self {
        Self { path: path.into(), limit, whole: false }
    }

    /// What messages call the file.
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Whether there is a file to go on from.
    pub(super) fn exists(&self) -> bool {
        self.path.exists() || self.beside("previous").exists()
    }

    /// Reads the newest file or, where that is broken or missing, the one before; `None` if there is neither.
    ///
    /// # Errors
    /// If the newest is broken and there is none before, both are, or one cannot be read.
    pub(super) fn load<R>(
        &mut self,
        read: impl Fn(&str, &[u8]) -> Result<R, TrainError>,
    ) -> Result<Option<R>, TrainError> {
        let previous = self.beside("previous");
        let newest = match self.read_file(&self.path, &read) {
            Ok(Some(found)) => {
                self.whole = true;
                return Ok(Some(found));
            }
            Ok(None) => None,
            Err(broken @ TrainError::BrokenCheckpoint { .. }) => Some(broken),
            Err(other) => return Err(other),
        };
        match (self.read_file(&previous, &read), newest) {
            (Ok(Some(found)), problem) => {
                let problem =
                    problem.map_or_else(|| format!("checkpoint {}: it is missing", self.name()), |e| e.to_string());
                log::warn!("{problem}; going on from the one before, {}", previous.display());
                Ok(Some(found))
            }
            (Ok(None), None) => Ok(None),
            (Err(TrainError::BrokenCheckpoint { .. }), Some(broken)) => {
                log::warn!("the checkpoint before, {}, is broken too", previous.display());
                Err(broken)
            }
            (Ok(None), Some(broken)) => Err(broken),
            (Err(other), _) => Err(other),
        }
    }

    fn read_file<R>(
        &self,
        path: &Path,
        read: impl Fn(&str, &[u8]) -> Result<R, TrainError>,
    ) -> Result<Option<R>, TrainError> {
        let name = path.display().to_string();
        let failed = |source| TrainError::Io { file: name.clone(), source };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed(e)),
        };
        let mut bytes = Vec::new();
        file.take(self.limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
        let found = bytes.len() as u64;
        if found > self.limit {
            // It may be whole: the one before must not take its place.
            let problem = format!(
                "{name} has more bytes than the limit of {}; raise `Checkpoint::limit` if you trust it",
                self.limit
            );
            return Err(TrainError::Setting { name: "checkpoint", problem });
        }
        read(&name, &bytes).map(Some)
    }

    /// Replaces the newest file by what `content` writes; the one before becomes `NAME.previous`.
    ///
    /// A crash at any moment leaves a whole file under one of the two names. On failure both are as they were.
    ///
    /// # Errors
    /// If the folder is missing or cannot be written, or there is no room.
    pub(super) fn write(&mut self, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), TrainError> {
        let part = self.beside("part");
        self.try_write(&part, content).map_err(|source| {
            // What was written so far takes the room that is missing; if it cannot be removed, the next write will.
            let _ = fs::remove_file(&part);
            let kept = match self.exists() {
                true => "the last good checkpoint is intact",
                false => "there was none before",
            };
            TrainError::CheckpointNotWritten { file: self.name(), source, kept }
        })
    }

    fn try_write(&mut self, part: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        // A process that was killed may have left one.
        match fs::remove_file(part) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            _ => (),
        }
        let file = OpenOptions::new().write(true).create_new(true).open(part)?;
        let mut out = BufWriter::with_capacity(BUFFER, file);
        content(&mut out)?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        drop(file);
        if self.whole {
            self.whole = false;
            fs::rename(&self.path, self.beside("previous"))?;
        }
        fs::rename(part, &self.path)?;
        self.whole = true;
        sync_folder(folder_of(&self.path))
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = OsString::from(self.path.file_name().unwrap_or_default());
        name.push(".");
        name.push(ending);
        self.path.with_file_name(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(store: &mut Store, text: &str) -> Result<(), TrainError> {
        store.write(|out| out.write_all(text.as_bytes()))
    }

    /// Texts that begin with `!` count as broken.
    fn get(store: &mut Store) -> Result<Option<String>, TrainError> {
        store.load(|file, bytes| match bytes {
            [b'!', ..] => Err(TrainError::checkpoint(file, "broken")),
            _ => Ok(String::from_utf8_lossy(bytes).into_owned()),
        })
    }

    #[test]
    fn keeps_the_one_before_and_falls_back_on_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("last");
        let mut store = Store::new(&path, 100);
        assert_eq!((store.exists(), get(&mut store).unwrap()), (false, None));
        for text in ["one", "two", "three"] {
            put(&mut store, text).unwrap();
        }
        assert_eq!(fs::read_to_string(dir.path().join("last.previous")).unwrap(), "two");
        assert_eq!(get(&mut store).unwrap().unwrap(), "three");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);

        fs::write(&path, "!").unwrap();
        let mut store = Store::new(&path, 100);
        assert_eq!(get(&mut store).unwrap().unwrap(), "two");
        // The broken one must not take the place of the good one before it.
        put(&mut store, "four").unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("last.previous")).unwrap(), "two");
        assert_eq!(get(&mut store).unwrap().unwrap(), "four");

        fs::remove_file(&path).unwrap();
        assert_eq!(get(&mut Store::new(&path, 100)).unwrap().unwrap(), "two");
        fs::write(&path, "!").unwrap();
        fs::write(dir.path().join("last.previous"), "!").unwrap();
        assert!(matches!(get(&mut Store::new(&path, 100)), Err(TrainError::BrokenCheckpoint { .. })));
        fs::write(&path, "x".repeat(101)).unwrap();
        assert!(get(&mut Store::new(&path, 100)).unwrap_err().to_string().contains("limit of 100"));
    }

    #[test]
    fn a_write_that_fails_leaves_everything_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::new(&dir.path().join("last"), 100);
        let full = |out: &mut dyn Write| {
            out.write_all(&[b'x'; 200_000])?;
            Err(io::Error::from(ErrorKind::StorageFull))
        };
        let message = store.write(full).unwrap_err().to_string();
        assert!(message.contains("there was none before"), "{message}");
        put(&mut store, "one").unwrap();
        put(&mut store, "two").unwrap();
        let message = store.write(full).unwrap_err().to_string();
        assert!(message.contains("intact") && message.contains("Make room"), "{message}");
        assert_eq!(get(&mut store).unwrap().unwrap(), "two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        assert!(put(&mut Store::new(&dir.path().join("nowhere/last"), 100), "x").is_err());
    }
}
