//! Where the data lie: `--data`, then `LAYERWISE_DATA`, then the cache folder.

use std::path::{Path, PathBuf};

/// The data folder and which sets it holds. Layout: `mnist/`, `fashion-mnist/`, `adbench/`, `tabular/` ...
#[derive(Clone, Debug)]
pub struct DataHome {
    root: Option<PathBuf>,
}

impl DataHome {
    /// The folder of `--data` when given, else of the environment, else the cache folder; none where it does not exist.
    pub fn find(flag: Option<PathBuf>) -> Self {
        let root = flag.or_else(|| std::env::var_os("LAYERWISE_DATA").map(PathBuf::from)).or_else(cache_folder);
        Self { root: root.filter(|r| r.is_dir()) }
    }

    /// No data at all.
    pub fn none() -> Self {
        Self { root: None }
    }

    /// The folder, where there is one.
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// The folder of `set`, where it exists and is not empty.
    pub fn set(&self, set: &str) -> Option<PathBuf> {
        let folder = self.root.as_ref()?.join(set);
        let mut entries = std::fs::read_dir(&folder).ok()?;
        entries.next().map(|_| folder)
    }

    /// Whether `set` is at hand.
    pub fn has(&self, set: &str) -> bool {
        self.set(set).is_some()
    }
}

/// Where fetched data go when nothing else is said.
pub fn cache_folder() -> Option<PathBuf> {
    let from = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = if cfg!(windows) {
        from("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        from("HOME").map(|h| h.join("Library/Caches"))
    } else {
        from("XDG_CACHE_HOME").or_else(|| from("HOME").map(|h| h.join(".cache")))
    };
    base.map(|b| b.join("layerwise"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_folder_is_no_data() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("mnist")).unwrap();
        std::fs::create_dir(dir.path().join("adbench")).unwrap();
        std::fs::write(dir.path().join("adbench/a.npz"), b"x").unwrap();
        let home = DataHome::find(Some(dir.path().to_path_buf()));
        assert!(!home.has("mnist") && home.has("adbench") && !home.has("absent"));
        assert!(!DataHome::none().has("adbench"));
    }
}
