//! `prove`: every test with many more random cases, every law, every mutant, every kill, into one record and the page made from it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::blas;
use crate::check::{data_folder, with_data};
use crate::cmd::{Failure, Outcome, cargo, heading, output, root, say};
use crate::laws::{self, Ledger};
use crate::mutants;
use crate::proof;

/// How much is tried.
struct Size {
    name: &'static str,
    /// Times the usual number of random cases of each property.
    cases: u32,
    kills: u32,
    /// All mutants, or so many of them.
    mutants: Option<usize>,
}

const FULL: Size = Size { name: "full", cases: 10, kills: 200, mutants: None };
const QUICK: Size = Size { name: "quick", cases: 1, kills: 10, mutants: Some(mutants::SAMPLE) };

/// The number of cases of a property that does not say another, in proptest.
const USUAL_CASES: u32 = 256;

pub(crate) fn main(args: Vec<String>) -> Outcome {
    let size = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => FULL,
        ["--quick"] => QUICK,
        other => return Err(Failure::usage(format!("prove takes --quick or nothing, not `{}`", other.join(" ")))),
    };
    let start = Instant::now();
    let mut failures = Vec::new();

    heading("every test and every law");
    let ledger = laws::fresh()?;
    let begun = Instant::now();
    let tests = run_tests(&size, &ledger)?;
    let test_seconds = begun.elapsed().as_secs_f64().round();
    failures.extend(tests.failed.iter().map(|name| format!("test {name} failed")));
    if !tests.passed {
        failures.push("`cargo test` failed: target/prove.log holds its output".to_owned());
    }
    let ledger = Ledger::read(&ledger)?;
    failures.extend(ledger.print().err().map(|failure| failure.message));

    heading("mutants of the backward formulas");
    let hunted = mutants::check(size.mutants, None)?;
    if hunted["survived"] != 0 {
        failures.push(format!("{} mutants survived", hunted["survived"]));
    }

    let record = json!({
        "size": size.name,
        "environment": environment(),
        "seconds": {"tests": test_seconds, "all": start.elapsed().as_secs_f64().round()},
        "tests": {"passed": tests.count, "failed": tests.failed, "times_the_usual_cases": size.cases},
        "laws": ledger.record(),
        "ulp": tests.lines("ulp"),
        "theory": tests.lines("theory"),
        "crash": tests.lines("crash"),
        "mutants": hunted,
        "failures": failures,
    });
    failures.extend(wrong_figures(&record, &size));
    // Only the full size is for the documentation.
    let docs = root().join("docs").join("results");
    let (record_path, page_path) = match size.name {
        "full" => (docs.join("proof").join("record.json"), docs.join("proof.md")),
        _ => (root().join("target/proof/record.json"), root().join("target/proof/proof.md")),
    };
    let text = serde_json::to_string_pretty(&record).map_err(|e| Failure::new(format!("no record: {e}")))?;
    write(&record_path, &(text + "\n"))?;
    write(&page_path, &proof::page(&record))?;
    say(format_args!("\nthe record: {}\nthe page: {}", record_path.display(), page_path.display()));
    if failures.is_empty() {
        say("prove: everything holds");
        return Ok(());
    }
    Err(Failure::new(format!("the proof fails:\n{}", failures.join("\n"))))
}

/// Kills that were not survived, errors above their bounds: the tests assert them, and the record must say the same.
fn wrong_figures(record: &Value, size: &Size) -> Vec<String> {
    let mut wrong = Vec::new();
    for kind in ["ulp", "theory"] {
        for line in record[kind].as_array().into_iter().flatten() {
            // An error that is no number is not within its bound either; JSON has no NaN.
            let within =
                line["error"].as_f64().zip(line["bound"].as_f64()).is_some_and(|(error, bound)| error <= bound);
            if !within {
                wrong.push(format!("{kind} {}: {} is not within {}", line["name"], line["error"], line["bound"]));
            }
        }
    }
    for line in record["crash"].as_array().into_iter().flatten() {
        // Killed often enough; after each kill the training went on, and it ended with the right bits.
        let count = |key: &str| line[key].as_u64().unwrap_or(0);
        let kills = count("kills");
        if kills < u64::from(size.kills) || count("resumed") != kills || count("equal") != kills {
            wrong.push(format!("crash: {line}"));
        }
    }
    wrong
}

/// What the tests printed and how they ended.
#[derive(Default)]
struct Tests {
    passed: bool,
    count: usize,
    failed: Vec<String>,
    /// Lines `KIND: NAME key=value ...`, by kind.
    printed: BTreeMap<&'static str, Vec<Value>>,
}

impl Tests {
    fn lines(&self, kind: &str) -> Value {
        Value::Array(self.printed.get(kind).cloned().unwrap_or_default())
    }

    fn read(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("test result: ") {
            let passed = rest.split_once(". ").and_then(|(_, counts)| counts.split_once(" passed"));
            self.count += passed.and_then(|(n, _)| n.trim().parse::<usize>().ok()).unwrap_or(0);
        } else if let Some(name) = line.strip_prefix("test ").and_then(|l| l.strip_suffix(" ... FAILED")) {
            self.failed.push(name.to_owned());
        }
        for kind in ["ulp", "theory", "crash"] {
            if let Some(rest) = line.trim_start().strip_prefix(kind).and_then(|l| l.strip_prefix(": ")) {
                self.printed.entry(kind).or_default().extend(parse_line(rest));
            }
        }
    }
}

/// `NAME key=value key=value`: the name may have several words, or none.
fn parse_line(text: &str) -> Option<Value> {
    let mut found = Map::new();
    let mut name = Vec::new();
    for word in text.split_whitespace() {
        match word.split_once('=') {
            Some((key, value)) => {
                // A value without an integer part or with a trailing comma is still a number.
                let value = value.trim_end_matches([',', ';']);
                let number = value.parse::<u64>().map(Value::from).or_else(|_| value.parse::<f64>().map(Value::from));
                found.insert(key.to_owned(), number.unwrap_or_else(|_| Value::from(value)));
            }
            None => name.push(word),
        }
    }
    found.insert("name".to_owned(), Value::from(name.join(" ")));
    (found.len() > 1).then_some(Value::Object(found))
}

/// Runs all tests of the workspace; their output goes to `target/prove.log`, their ends to the terminal.
fn run_tests(size: &Size, ledger: &Path) -> Outcome<Tests> {
    let mut command: Command =
        cargo(["test", "--workspace", "--tests", "--exclude", "layerwise-benches", "--no-fail-fast"]);
    command
        .args(["--", "--show-output"])
        .env("LAYERWISE_LEDGER", ledger)
        .env("LAYERWISE_CASES", size.cases.to_string())
        .env("PROPTEST_CASES", (USUAL_CASES * size.cases).to_string())
        .env("LAYERWISE_KILLS", size.kills.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    with_data(&mut command, &data_folder());
    let failed = |e: std::io::Error| Failure::new(format!("cannot run the tests: {e}"));
    let mut log = fs::File::create(root().join("target").join("prove.log")).map_err(failed)?;
    let mut child = command.spawn().map_err(failed)?;
    let mut tests = Tests::default();
    for line in child.stdout.take().map(BufReader::new).into_iter().flat_map(|out| out.split(b'\n')) {
        let line = String::from_utf8_lossy(&line.map_err(failed)?).into_owned();
        writeln!(log, "{line}").map_err(failed)?;
        if line.starts_with("test result:") || line.ends_with("FAILED") {
            say(&line);
        }
        tests.read(&line);
    }
    tests.passed = child.wait().map_err(failed)?.success();
    Ok(tests)
}

/// What the figures depend on.
fn environment() -> Value {
    let git = |args: &[&str]| output(Command::new("git").args(args).current_dir(root())).map(|t| t.trim().to_owned());
    let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|l| l.starts_with("model name"))?;
        line.split_once(':').map(|(_, name)| name.trim().to_owned())
    });
    json!({
        "commit": git(&["rev-parse", "HEAD"]),
        "changed_files": git(&["status", "--porcelain"]).map(|t| t.lines().count()),
        "cpu": cpu,
        "cores": std::thread::available_parallelism().map(usize::from).ok(),
        "compiler": output(Command::new("rustc").arg("--version")).map(|t| t.trim().to_owned()),
        // The tests are built without the feature `openblas`.
        "products_by": "the workspace's default backend",
        "openblas_installed": blas::found(),
    })
}

fn write(path: &Path, text: &str) -> Outcome {
    let failed = |e: std::io::Error| Failure::new(format!("cannot write {}: {e}", path.display()));
    fs::create_dir_all(path.parent().unwrap_or(path)).map_err(failed)?;
    fs::write(path, text).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_tests_is_read() {
        let mut tests = Tests::default();
        for line in [
            "test a::b ... ok",
            "test a::c ... FAILED",
            "ulp: exp type=f32 error=0.501 bound=1 at=-8.7e1 one_value_in=1",
            "theory: linear autoencoder is PCA error=1e-9 bound=1e-7",
            "crash: kills=200 inside_write=62 resumed=200 equal=200 rounds=40 seed=7",
            "ulp: nothing",
            "test result: FAILED. 17 passed; 1 failed; 0 ignored",
            "test result: ok. 3 passed; 0 failed; 0 ignored",
        ] {
            tests.read(line);
        }
        assert_eq!((tests.count, tests.failed.as_slice()), (20, &["a::c".to_owned()][..]));
        assert_eq!(tests.lines("ulp")[0]["error"], 0.501);
        assert_eq!(tests.lines("ulp").as_array().unwrap().len(), 1);
        assert_eq!(tests.lines("theory")[0]["name"], "linear autoencoder is PCA");
        let crash = &tests.lines("crash")[0];
        assert_eq!((&crash["resumed"], &crash["equal"]), (&json!(200), &json!(200)));
    }

    #[test]
    fn figures_above_their_bounds_and_kills_without_resumption_fail() {
        let record = |error: f64, kills: u64, equal: u64| {
            let crash = json!({"kills": kills, "resumed": kills, "rounds": 30, "equal": equal});
            json!({"ulp": [{"name": "exp", "error": error, "bound": 1.0}], "crash": [crash]})
        };
        assert!(wrong_figures(&record(0.5, 201, 201), &FULL).is_empty());
        assert_eq!(wrong_figures(&record(1.5, 200, 200), &FULL).len(), 1);
        assert_eq!(wrong_figures(&record(f64::NAN, 200, 200), &FULL).len(), 1);
        assert_eq!(wrong_figures(&record(0.5, 199, 199), &FULL).len(), 1);
        assert_eq!(wrong_figures(&record(1.5, 200, 199), &FULL).len(), 2);
    }
}
