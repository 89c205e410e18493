//! The ledger of the laws: what ran, what did not and why, and what is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cmd::{Failure, Outcome, root, say};

/// The laws that every entry of every shelf needs, and why one is not asked of a whole shelf.
const REQUIRED: &str = include_str!("../../tests/laws/required.json");

/// What a law did on one entry.
#[derive(Clone, Debug, Default)]
struct Ran {
    types: BTreeSet<String>,
    cases: u64,
    error: Option<f64>,
}

/// All lines of a ledger.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// By shelf, in order of names.
    entries: BTreeMap<String, BTreeSet<String>>,
    /// By law, shelf and entry.
    ran: BTreeMap<(String, String, String), Ran>,
    not_run: BTreeMap<(String, String, String), String>,
    required: Required,
}

/// Entries, entries times element types, cases, largest error.
type Sum = (usize, usize, u64, Option<f64>);

/// What `tests/laws/required.json` says.
#[derive(Debug, Default)]
struct Required {
    laws: Vec<String>,
    /// Shelf, law, reason.
    not_asked: Vec<(String, String, String)>,
}

impl Required {
    fn read() -> Outcome<Self> {
        let file: Value = serde_json::from_str(REQUIRED)
            .map_err(|e| Failure::new(format!("tests/laws/required.json is not JSON: {e}")))?;
        let word = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let list = |key: &str| file[key].as_array().cloned().unwrap_or_default();
        Ok(Self {
            laws: list("laws").iter().map(|l| word(l, "law")).collect(),
            not_asked: list("not_asked")
                .iter()
                .map(|r| (word(r, "shelf"), word(r, "law"), word(r, "reason")))
                .collect(),
        })
    }
}

/// Shows the ledger of the last run.
pub(crate) fn main(args: Vec<String>) -> Outcome {
    if !args.is_empty() {
        return Err(Failure::usage("laws takes no options"));
    }
    Ledger::read(&place())?.print()
}

fn place() -> PathBuf {
    root().join("target").join("laws.jsonl")
}

/// Where the laws write, emptied.
pub(crate) fn fresh() -> Outcome<PathBuf> {
    let path = place();
    let failed = |e: std::io::Error| Failure::new(format!("cannot empty {}: {e}", path.display()));
    fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(failed)?;
    fs::write(&path, "").map_err(failed)?;
    Ok(path)
}

impl Ledger {
    pub(crate) fn read(path: &Path) -> Outcome<Self> {
        let text = fs::read_to_string(path)
            .map_err(|e| Failure::new(format!("no ledger of laws: {e}; `cargo xtask test` writes one")))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Outcome<Self> {
        let mut ledger = Self { required: Required::read()?, ..Self::default() };
        for line in text.lines() {
            let broken = |what: &str| Failure::new(format!("the ledger of the laws holds a line {what}: {line}"));
            let value: Value = serde_json::from_str(line).map_err(|_| broken("that is not JSON"))?;
            let word = |key: &str| value[key].as_str().map(str::to_owned);
            let (Some(shelf), Some(entry)) = (word("shelf"), word("entry")) else {
                return Err(broken("without shelf or entry"));
            };
            let Some(law) = word("law") else {
                ledger.entries.entry(shelf).or_default().insert(entry);
                continue;
            };
            let key = (law, shelf, entry);
            if let Some(reason) = word("not_run") {
                ledger.not_run.insert(key, reason);
                continue;
            }
            let ran = ledger.ran.entry(key).or_default();
            ran.types.insert(word("dtype").ok_or_else(|| broken("without an element type"))?);
            ran.cases += value["cases"].as_u64().ok_or_else(|| broken("without a number of cases"))?;
            if let Some(error) = value["error"].as_f64() {
                ran.error = Some(ran.error.map_or(error, |e| e.max(error)));
            }
        }
        Ok(ledger)
    }

    fn reason(&self, law: &str, shelf: &str, entry: &str) -> Option<&str> {
        let own = self.not_run.get(&(law.to_owned(), shelf.to_owned(), entry.to_owned()));
        let shared = self.required.not_asked.iter().find(|(s, l, _)| *s == shelf && *l == law).map(|(.., r)| r);
        own.or(shared).map(String::as_str)
    }

    /// The entries that lack a required law without a reason, and shelves that no test names.
    pub(crate) fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        if self.entries.is_empty() {
            missing.push("the laws wrote no entry: did `every_entry_stands_in_the_ledger` run?".to_owned());
        }
        for (shelf, entries) in &self.entries {
            for entry in entries {
                for law in &self.required.laws {
                    let ran = self.ran.get(&(law.clone(), shelf.clone(), entry.clone())).is_some_and(|r| r.cases > 0);
                    if !ran && self.reason(law, shelf, entry).is_none() {
                        missing.push(format!("{shelf} `{entry}`: the law `{law}` did not run, and no reason says why"));
                    }
                }
            }
        }
        for (law, shelf, entry) in self.ran.keys().chain(self.not_run.keys()) {
            if !self.entries.get(shelf).is_some_and(|e| e.contains(entry)) {
                missing.push(format!("the law `{law}` ran for {shelf} `{entry}`, which is in no table"));
            }
        }
        missing
    }

    /// By law and shelf.
    fn sums(&self) -> BTreeMap<(&str, &str), Sum> {
        let mut sums: BTreeMap<(&str, &str), Sum> = BTreeMap::new();
        for ((law, shelf, _), ran) in &self.ran {
            let sum = sums.entry((law, shelf)).or_default();
            sum.0 += 1;
            sum.1 += ran.types.len();
            sum.2 += ran.cases;
            if let Some(error) = ran.error {
                sum.3 = Some(sum.3.map_or(error, |e| e.max(error)));
            }
        }
        sums
    }

    /// The laws not run, once for a shelf where none of its entries ran.
    fn left_out(&self) -> Vec<(String, String, String, String)> {
        let mut out = Vec::new();
        for (shelf, entries) in &self.entries {
            for law in &self.required.laws {
                let ran = |entry: &String| self.ran.contains_key(&(law.clone(), shelf.clone(), entry.clone()));
                let left: Vec<&String> = entries.iter().filter(|e| !ran(e)).collect();
                let reasons: BTreeSet<&str> = left.iter().filter_map(|e| self.reason(law, shelf, e)).collect();
                if left.len() == entries.len() && reasons.len() == 1 {
                    let reason = reasons.into_iter().next().unwrap_or_default().to_owned();
                    out.push((law.clone(), shelf.clone(), format!("all {}", left.len()), reason));
                } else {
                    let with_reason = left.iter().filter_map(|e| self.reason(law, shelf, e).map(|r| (e, r)));
                    out.extend(with_reason.map(|(e, r)| (law.clone(), shelf.clone(), (*e).clone(), r.to_owned())));
                }
            }
        }
        out
    }

    /// Prints laws x entries x element types, the laws not run with their reasons, and fails where one is missing.
    pub(crate) fn print(&self) -> Outcome {
        say(format_args!(
            "{:<24} {:<12} {:>7} {:>10} {:>8}  largest error",
            "law", "shelf", "entries", "x dtypes", "cases"
        ));
        for ((law, shelf), (entries, runs, cases, error)) in self.sums() {
            let error = error.map_or(String::new(), |e| format!("{e:.1e}"));
            say(format_args!("{law:<24} {shelf:<12} {entries:>7} {runs:>10} {cases:>8}  {error}"));
        }
        say("laws not run:");
        for (law, shelf, entry, reason) in self.left_out() {
            say(format_args!("  {law}, {shelf} {entry}: {reason}"));
        }
        let missing = self.missing();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Failure::new(format!("laws are missing:\n{}", missing.join("\n"))))
    }

    /// The same for a record.
    pub(crate) fn record(&self) -> Value {
        let laws: Vec<Value> = self
            .sums()
            .into_iter()
            .map(|((law, shelf), (entries, runs, cases, error))| {
                json!({"law": law, "shelf": shelf, "entries": entries, "entries_x_dtypes": runs, "cases": cases, "largest_error": error})
            })
            .collect();
        let left_out: Vec<Value> = self
            .left_out()
            .into_iter()
            .map(|(law, shelf, entry, reason)| json!({"law": law, "shelf": shelf, "entry": entry, "reason": reason}))
            .collect();
        let shelves: serde_json::Map<String, Value> =
            self.entries.iter().map(|(shelf, entries)| (shelf.clone(), json!(entries.len()))).collect();
        json!({"laws": laws, "not_run": left_out, "missing": self.missing(), "shelves": shelves})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = r#"{"shelf": "loss", "entry": "mse"}
{"law": "gradient", "shelf": "loss", "entry": "mse", "dtype": "f64", "cases": 5, "error": 1e-9}
{"law": "gradient", "shelf": "loss", "entry": "mse", "dtype": "f64", "cases": 2, "error": 3e-9}
{"law": "types", "shelf": "loss", "entry": "mse", "dtype": "f32", "cases": 1}
{"law": "types", "shelf": "loss", "entry": "mse", "dtype": "f64", "cases": 1}
{"law": "threads", "shelf": "loss", "entry": "mse", "dtype": "f64", "cases": 4}
{"law": "parity", "shelf": "loss", "entry": "mse", "not_run": "because"}
"#;

    #[test]
    fn laws_are_added_up() {
        let ledger = Ledger::parse(ALL).unwrap();
        assert!(ledger.missing().is_empty(), "{:?}", ledger.missing());
        assert_eq!(ledger.sums()[&("gradient", "loss")], (1, 1, 7, Some(3e-9)));
        assert_eq!(ledger.sums()[&("types", "loss")], (1, 2, 2, None));
        let left_out = ledger.left_out();
        assert!(left_out.iter().any(|(law, .., reason)| law == "parity" && reason == "because"));
        assert!(ledger.print().is_ok());
    }

    #[test]
    fn an_entry_without_its_laws_is_found() {
        let more = format!("{ALL}{{\"shelf\": \"loss\", \"entry\": \"new\"}}\n");
        let ledger = Ledger::parse(&more).unwrap();
        // Of the five, `file` has a reason for the whole shelf.
        assert_eq!(ledger.missing().len(), 4, "{:?}", ledger.missing());
        assert!(ledger.print().unwrap_err().message.contains("loss `new`: the law `gradient` did not run"));
    }

    #[test]
    fn a_law_that_no_longer_runs_is_found() {
        for law in ["gradient", "types", "threads"] {
            let fewer: String = ALL.lines().filter(|l| !l.contains(law)).map(|l| format!("{l}\n")).collect();
            assert_eq!(Ledger::parse(&fewer).unwrap().missing().len(), 1, "{law}");
        }
        assert_eq!(Ledger::parse("").unwrap().missing().len(), 1);
    }

    #[test]
    fn a_law_for_what_is_in_no_table_is_found() {
        let more = format!(
            "{ALL}{{\"law\": \"file\", \"shelf\": \"loss\", \"entry\": \"old\", \"dtype\": \"f64\", \"cases\": 1}}\n"
        );
        assert!(Ledger::parse(&more).unwrap().missing()[0].contains("which is in no table"));
    }

    #[test]
    fn broken_lines_are_refused() {
        assert!(Ledger::parse("no JSON\n").is_err());
        assert!(Ledger::parse("{\"law\": \"file\"}\n").is_err());
        assert!(Ledger::parse("{\"law\": \"file\", \"shelf\": \"a\", \"entry\": \"b\"}\n").is_err());
    }
}
