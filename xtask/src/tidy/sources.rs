//! The Rust files of the workspace, parsed once, and the rules about the files themselves.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cmd::{Failure, Outcome};

use super::Problem;

/// One Rust file.
pub(crate) struct Source {
    /// Path from the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) ast: syn::File,
}

impl Source {
    /// Parses a file's text.
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self, syn::Error> {
        Ok(Self { path: path.to_owned(), text: text.to_owned(), ast: syn::parse_file(text)? })
    }

    /// The crate's folder, such as `crates/tensor`, for files below a `src`.
    pub(crate) fn crate_folder(&self) -> Option<&str> {
        self.path.split_once("/src/").map(|(folder, _)| folder)
    }

    /// The module path within its crate: `params::layout` for `src/params/layout.rs`, empty for the root.
    pub(crate) fn module(&self) -> Option<String> {
        let (_, file) = self.path.split_once("/src/")?;
        let stem = file.strip_suffix(".rs")?;
        let stem = stem.strip_suffix("/mod").unwrap_or(stem);
        let stem = if matches!(stem, "lib" | "main" | "mod") { "" } else { stem };
        Some(stem.replace('/', "::"))
    }
}

/// All Rust files below `crates`, `xtask`, `tests` and `benches`, in order of their paths.
pub(crate) fn read(root: &Path) -> Outcome<Vec<Source>> {
    let mut paths = Vec::new();
    for folder in ["crates", "xtask", "tests", "benches"] {
        collect(&root.join(folder), &mut paths);
    }
    paths.sort();
    let mut sources = Vec::with_capacity(paths.len());
    for path in paths {
        let text =
            fs::read_to_string(&path).map_err(|e| Failure::new(format!("cannot read {}: {e}", path.display())))?;
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        sources.push(Source::parse(&name, &text).map_err(|e| Failure::new(format!("{name} does not parse: {e}")))?);
    }
    Ok(sources)
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !path.ends_with("target") && !path.ends_with("peers") {
                collect(&path, paths);
            }
        } else if path.extension().is_some_and(|e| e == "rs") {
            paths.push(path);
        }
    }
}

/// Every file begins by saying what it is for; no file ends lines in spaces.
pub(crate) fn check(sources: &[Source]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in sources {
        if !source.text.starts_with("//!") && !source.text.starts_with("#![doc") {
            problems.push(Problem {
                place: source.path.clone(),
                what: "the file does not begin with a `//!` line that says what it is for".to_owned(),
                remedy: "add one".to_owned(),
            });
        }
        if let Some(line) = source.text.lines().position(|l| l.ends_with([' ', '\t'])) {
            problems.push(Problem {
                place: format!("{}:{}", source.path, line + 1),
                what: "white space at the end of a line".to_owned(),
                remedy: "run `cargo fmt`".to_owned(),
            });
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_follow_paths() {
        let module = |path| Source::parse(path, "//! x").unwrap().module();
        assert_eq!(module("crates/tensor/src/params/layout.rs").unwrap(), "params::layout");
        assert_eq!(module("crates/tensor/src/params/mod.rs").unwrap(), "params");
        assert_eq!(module("crates/tensor/src/lib.rs").unwrap(), "");
        assert_eq!(module("tests/laws/main.rs"), None);
    }

    #[test]
    fn a_file_says_what_it_is_for() {
        let file = |text| vec![Source::parse("crates/x/src/a.rs", text).unwrap()];
        assert_eq!(check(&file("fn a() {}")).len(), 1);
        assert_eq!(check(&file("//! A.\nfn a() {} \n")).len(), 1);
        assert!(check(&file("//! A.\nfn a() {}\n")).is_empty());
    }
}
