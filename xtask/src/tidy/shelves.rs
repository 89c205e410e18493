//! One thing, one file, one line: every file of a shelf is in the shelf's table, and every table is under the laws.

use super::Problem;
use super::sources::Source;

/// Files that are on no shelf as entries: those every shelf has, and what the entries of one shelf share.
const NOT_ENTRIES: &[(&str, &[&str])] = &[
    ("", &["mod", "table", "entry", "tests"]),
    ("ops", &["broadcast", "elementwise", "ending"]),
    ("activation", &["gain"]),
    ("layer", &["check", "noise"]),
    ("loss", &["columns", "likelihood", "target", "terms", "weighted_bce", "weighted_cross_entropy", "weights"]),
    ("rule", &["shared", "step"]),
    ("schedule", &["shared"]),
    ("constraint", &["shared"]),
    ("corruption", &["check"]),
    ("catalog", &["convert", "dir", "load", "verify"]),
    ("metrics", &["classes", "error_measures", "ranking"]),
];

/// Shelf files missing from their table, and tables missing from the laws.
pub(crate) fn check(sources: &[Source]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let laws: String = sources.iter().filter(|s| s.path.starts_with("tests/laws/")).map(|s| s.text.as_str()).collect();
    for table in sources.iter().filter(|s| s.path.ends_with("/table.rs") && s.path.starts_with("crates/")) {
        let Some(folder) = table.path.strip_suffix("/table.rs") else { continue };
        let Some(shelf) = folder.rsplit('/').next().map(|n| if n == "src" { "experiments" } else { n }) else {
            continue;
        };
        let entries = sources.iter().filter(|s| s.path.rsplit_once('/').is_some_and(|(f, _)| f == folder));
        for entry in entries {
            let stem = entry.path.rsplit('/').next().and_then(|f| f.strip_suffix(".rs")).unwrap_or_default();
            if is_entry(folder, stem) && !mentions(&table.text, stem) && !mentions(&table.text, &camel_case(stem)) {
                problems.push(Problem {
                    place: entry.path.clone(),
                    what: format!("the shelf's table does not name `{stem}`"),
                    remedy: format!("add a line to {}", table.path),
                });
            }
        }
        if !laws.contains(&format!("{shelf}::table()")) {
            problems.push(Problem {
                place: table.path.clone(),
                what: format!("no law runs over `{shelf}::table()`"),
                remedy: "add a module to tests/laws that walks the table".to_owned(),
            });
        }
    }
    problems
}

/// Whether a file beside a table has to be named by it. A crate's root is no shelf, though its table may lie there.
fn is_entry(folder: &str, stem: &str) -> bool {
    let shelf = folder.rsplit('/').next().unwrap_or_default();
    let shared = NOT_ENTRIES.iter().any(|(name, files)| (name.is_empty() || *name == shelf) && files.contains(&stem));
    shelf != "src" && !shared
}

/// The type that a file `batch_norm` is expected to hold: `BatchNorm`.
fn camel_case(stem: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    stem.split('_').filter(|w| !w.is_empty()).map(capital).collect()
}

/// Whether `text` names `stem`.
fn mentions(text: &str, stem: &str) -> bool {
    text.match_indices(stem).any(|(at, _)| {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let before = text[..at].chars().next_back();
        let after = text[at + stem.len()..].chars().next();
        !before.is_some_and(word) && !after.is_some_and(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(files: &[(&str, &str)]) -> Vec<Problem> {
        let sources: Vec<Source> = files.iter().map(|(p, t)| Source::parse(p, t).unwrap()).collect();
        check(&sources)
    }

    #[test]
    fn a_file_without_a_line_is_found() {
        let law = ("tests/laws/activation.rs", "fn a() { activation::table(); }");
        let table = ("crates/nn/src/activation/table.rs", "const T: &[&str] = &[relu::NAME];");
        let relu = ("crates/nn/src/activation/relu.rs", "//! ReLU.");
        let gelu = ("crates/nn/src/activation/gelu.rs", "//! GELU.");
        assert!(problems(&[law, table, relu]).is_empty());
        let found = problems(&[law, table, relu, gelu]);
        assert_eq!(found.len(), 1);
        assert!(found[0].place.ends_with("gelu.rs"));
    }

    #[test]
    fn a_table_without_a_law_is_found() {
        let found = problems(&[("crates/nn/src/loss/table.rs", "const T: &[&str] = &[];")]);
        assert_eq!(found.len(), 1);
        assert!(found[0].what.contains("loss::table()"));
    }
}
