//! Writing a file so that a reader finds the old one or the new one, never half of one.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::error::TrainError;

/// Replaces `path` by `bytes` in one step: a temporary file in the same folder, `fsync`, rename, `fsync` of the folder.
///
/// A crash at any moment leaves the old file or the new one. On failure nothing is left behind.
///
/// # Errors
/// If the folder does not exist or cannot be written.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    try_write(path, bytes).map_err(|source| TrainError::Io { file: path.display().to_string(), source })
}

fn try_write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".layerwise-").suffix(".part");
    // The library's default keeps temporary files private; a model is an ordinary file, for which the umask speaks.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    sync_folder(folder)
}

/// The folder a file lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes the rename itself last; other systems than Unix do not open folders as files.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.safetensors");
        write_atomically(&path, b"old").unwrap();
        write_atomically(&path, b"new and longer").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new and longer");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nowhere").join("m.safetensors");
        let message = write_atomically(&path, b"x").unwrap_err().to_string();
        assert!(message.contains("nowhere"), "{message}");
    }
}
