//! `counts`: the instructions of five steps of a few workloads, counted by valgrind and compared with what is written down.
//!
//! A count needs no quiet machine, so a slow-down is seen in continuous integration too. Valgrind is called directly: the harnesses around
//! it want a runner of exactly their version to be installed, and what is needed here is one number of each run. Two runs are made,
//! of two steps and of seven, and the difference counts: what comes before the steps, and the allocations of the first, fall out.
//! Valgrind 3.19 shows a program a processor with AVX2 at most, so that is the level counted, whatever the machine has.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::cmd::{Failure, Outcome, cargo, output, root, run, say, target};

const WORKLOADS: [&str; 4] = ["w1", "w2", "w4", "w6"];
/// Steps before those that count, and with them.
const STEPS: [u64; 2] = [2, 7];
/// By so much of the old count a new one may differ, up or down.
const TOLERANCE: f64 = 0.02;

const HOW: &str = "`cargo xtask counts --write` writes the new counts down; a note on why belongs into the commit";

pub(crate) fn main(args: Vec<String>) -> Outcome {
    let write = match args.as_slice() {
        [] => false,
        [flag] if flag == "--write" => true,
        _ => return Err(Failure::usage("counts takes --write or nothing")),
    };
    if !possible() {
        return Err(Failure::new(
            "counting needs valgrind on x86-64 (Debian and Ubuntu: `apt-get install valgrind`); it is not found here",
        ));
    }
    let counts = count_all()?;
    if write {
        let record = json!({"rustc": rustc(), "steps": STEPS[1] - STEPS[0], "level": "avx2", "instructions": counts});
        let text = serde_json::to_string_pretty(&record).map_err(|e| Failure::new(e.to_string()))? + "\n";
        std::fs::write(place(), text).map_err(|e| Failure::new(format!("{}: {e}", place().display())))?;
        say(format_args!("written: {}", place().display()));
        return Ok(());
    }
    let record = std::fs::read_to_string(place()).map_err(|e| Failure::new(format!("{}: {e}", place().display())))?;
    let record: Value =
        serde_json::from_str(&record).map_err(|e| Failure::new(format!("{}: {e}", place().display())))?;
    let compiler = record["rustc"].as_str().unwrap_or("an unknown compiler");
    let note = if compiler == rustc() {
        String::new()
    } else {
        format!(" (counted with {compiler}, now {}: some of it may be the compiler's)", rustc())
    };
    match compare(&record["instructions"], &counts) {
        problems if problems.is_empty() => Ok(()),
        problems => Err(Failure::new(format!("{}{note}\n{HOW}", problems.join("\n")))),
    }
}

/// Whether instructions can be counted here.
pub(crate) fn possible() -> bool {
    cfg!(target_arch = "x86_64") && output(Command::new("valgrind").arg("--version")).is_some()
}

fn place() -> PathBuf {
    root().join("benches").join("counts.json")
}

fn rustc() -> String {
    output(Command::new("rustc").arg("--version")).unwrap_or_default().trim().to_owned()
}

fn count_all() -> Outcome<BTreeMap<String, u64>> {
    run(&mut cargo(["build", "--quiet", "--release", "--package", "layerwise-benches", "--bin", "counted"]))?;
    let program = target().join("release").join("counted");
    let runs = WORKLOADS.iter().map(|name| {
        let file = root().join("benches").join("workloads").join(format!("{name}.toml"));
        // Both runs at a time.
        let running = STEPS.map(|steps| start(&program, &file, steps));
        let [before, all] = running.map(|child| {
            let done = child.and_then(|c| c.wait_with_output()).map_err(|e| Failure::new(format!("valgrind: {e}")))?;
            let text = String::from_utf8_lossy(&done.stderr).into_owned();
            instructions(&text).filter(|_| done.status.success()).ok_or_else(|| Failure::new(format!("{name}: {text}")))
        });
        let count = all?.saturating_sub(before?);
        say(format_args!("{name}: {:.3} million instructions in {} steps", count as f64 / 1e6, STEPS[1] - STEPS[0]));
        Ok(((*name).to_owned(), count))
    });
    runs.collect()
}

fn start(program: &Path, workload: &Path, steps: u64) -> std::io::Result<std::process::Child> {
    Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(program)
        .arg(workload)
        .arg(steps.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
}

/// The number behind `I refs:` (older) or `I  refs:` (newer versions).
fn instructions(text: &str) -> Option<u64> {
    let line = text.lines().find(|l| l.split_whitespace().collect::<Vec<_>>().join(" ").contains("I refs:"))?;
    let number = line.rsplit_once(':')?.1;
    number.split_whitespace().next()?.replace(',', "").parse().ok()
}

/// One line for each count that left its bounds, or has none.
fn compare(wanted: &Value, found: &BTreeMap<String, u64>) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, count) in found {
        let Some(old) = wanted[name].as_f64().filter(|old| *old > 0.0) else {
            problems.push(format!("{name}: no count is written down"));
            continue;
        };
        let change = *count as f64 / old - 1.0;
        say(format_args!("{name}: {:+.2} % of what is written down", 100.0 * change));
        if change.abs() > TOLERANCE {
            let word = if change > 0.0 { "more" } else { "fewer" };
            problems.push(format!("{name}: {:.1} % {word} instructions than written down", 100.0 * change.abs()));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_both_forms_of_the_line() {
        assert_eq!(instructions("==1== x\n==1== I   refs:      1,234,567\n"), Some(1_234_567));
        assert_eq!(instructions("==12== I refs:        42\n"), Some(42));
        assert_eq!(instructions("==12== D refs:        42\n"), None);
    }

    #[test]
    fn a_count_outside_its_bounds_is_named() {
        let found = |n| BTreeMap::from([("w1".to_owned(), n)]);
        let wanted = json!({"w1": 1000});
        assert!(compare(&wanted, &found(1019)).is_empty() && compare(&wanted, &found(981)).is_empty());
        assert_eq!(compare(&wanted, &found(1030)), ["w1: 3.0 % more instructions than written down"]);
        assert_eq!(compare(&wanted, &found(900)), ["w1: 10.0 % fewer instructions than written down"]);
        assert_eq!(compare(&json!({}), &found(900)), ["w1: no count is written down"]);
    }
}
