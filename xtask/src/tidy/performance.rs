//! The page of performance says what its records say, and the records are records.

use std::path::Path;

use super::Problem;
use crate::bench::stale;

/// A committed page that is not made from the committed records.
pub(crate) fn check(root: &Path) -> Vec<Problem> {
    let problem = |what| Problem {
        place: "docs/performance.md".to_owned(),
        what,
        remedy: "run `cargo xtask bench --page`, which writes the page from docs/results/performance".to_owned(),
    };
    stale(root).map(problem).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_record_that_is_none_is_a_problem() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check(folder.path()).is_empty());
        let results = folder.path().join("docs/results/performance");
        fs::create_dir_all(&results).unwrap();
        fs::write(results.join("a.json"), "no record").unwrap();
        let problems = check(folder.path());
        assert!(problems.len() == 1 && problems[0].what.contains("a.json: it is not JSON"), "{problems:?}");
    }
}
