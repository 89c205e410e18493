//! (not an entry) The folder that holds the data sets.

use std::path::{Path, PathBuf};

/// The folder that holds the data sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// The folder `root`, which need not be there yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the catalogued file `path` (`mnist/train-images-idx3-ubyte.gz`) lies.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }
}
