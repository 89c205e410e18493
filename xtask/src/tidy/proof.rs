//! The page of the proof says what its record says.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::Problem;
use crate::proof::page;

/// A committed page that does not say what its record says.
pub(crate) fn check(root: &Path) -> Vec<Problem> {
    let results = root.join("docs").join("results");
    let Ok(text) = fs::read_to_string(results.join("proof").join("record.json")) else { return Vec::new() };
    let record: Value = serde_json::from_str(&text).unwrap_or_default();
    let written = fs::read_to_string(results.join("proof.md")).unwrap_or_default();
    if written == page(&record) {
        return Vec::new();
    }
    vec![Problem {
        place: "docs/results/proof.md".to_owned(),
        what: "the page is not what its record says".to_owned(),
        remedy: "run `cargo xtask prove`, which writes both".to_owned(),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_page_that_was_typed_by_hand_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let results = folder.path().join("docs/results");
        fs::create_dir_all(results.join("proof")).unwrap();
        assert!(check(folder.path()).is_empty());
        let record = json!({"size": "full"});
        fs::write(results.join("proof/record.json"), record.to_string()).unwrap();
        fs::write(results.join("proof.md"), page(&record)).unwrap();
        assert!(check(folder.path()).is_empty());
        fs::write(results.join("proof.md"), page(&record) + "better than that\n").unwrap();
        assert_eq!(check(folder.path()).len(), 1);
    }
}
