//! `mutants`: are the laws able to fail? Every backward formula is made wrong in every way listed here, one at a time, and a test has to
//! notice.
//!
//! All mutants are compiled once, each behind a switch that an environment variable turns; a first run of every test notes which mutants
//! it reaches, so that a mutant meets only the tests that can see it.

mod compile;
mod counts;
mod find;
mod functions;
mod hunt;
mod mistake;
mod rewrite;
mod tree;

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use crate::cmd::{Failure, Outcome, say};
use hunt::End;
use mistake::Kind;
use rewrite::Mutant;

/// How many mutants continuous integration tries.
pub(crate) const SAMPLE: usize = 40;

/// Mutants that compute the same as the original, with the reason.
const EQUIVALENT: &str = include_str!("equivalent.json");

pub(crate) fn main(args: Vec<String>) -> Outcome {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let (sample, filter) = match words.as_slice() {
        [] => (None, None),
        ["--sample", n] => match n.parse() {
            Ok(n) => (Some(n), None),
            Err(_) => return Err(Failure::usage(format!("--sample takes a number, not `{n}`"))),
        },
        ["--in", path] => (None, Some(*path)),
        _ => return Err(Failure::usage("mutants takes --sample N, --in PATH or nothing")),
    };
    let report = check(sample, filter)?;
    match report["survivors"].as_array().map_or(0, Vec::len) {
        0 => Ok(()),
        n => Err(Failure::new(format!("{n} mutants survived"))),
    }
}

/// A sample that changes with the code.
pub(crate) fn sample() -> Outcome {
    main(vec!["--sample".to_owned(), SAMPLE.to_string()])
}

/// Runs all mutants, or `sample` of them, or those whose file holds `filter`; prints the survivors and gives the counts.
pub(crate) fn check(sample: Option<usize>, filter: Option<&str>) -> Outcome<Value> {
    let equivalents = Equivalents::read()?;
    let start = Instant::now();
    let (tree, binaries) = compile::compile()?;
    let compiled = start.elapsed().as_secs_f64();
    equivalents.all_exist(&tree.mutants)?;
    let tests = hunt::trace(&binaries)?;
    let mut chosen = tree.mutants.clone();
    chosen.retain(|m| filter.is_none_or(|f| m.file.contains(f)));
    if let Some(count) = sample {
        draw(&mut chosen, count);
    }
    say(format_args!("{} of {} mutants against {} tests", chosen.len(), tree.mutants.len(), tests.len()));
    let start = Instant::now();
    let ends = hunt::hunt(&chosen, &tests);
    let hunted = start.elapsed().as_secs_f64();

    let (mut survivors, mut needless) = (Vec::new(), Vec::new());
    let mut counts: BTreeMap<Kind, [usize; 4]> = Kind::ALL.into_iter().map(|k| (k, [0; 4])).collect();
    let mut timed_out = 0;
    for mutant in &chosen {
        let (end, by) = &ends[&mutant.id];
        let lives = matches!(end, End::Survived | End::Unreached);
        let excused = equivalents.reason(mutant).is_some();
        let Some(counts) = counts.get_mut(&mutant.kind) else { continue };
        counts[0] += 1;
        counts[1] += usize::from(!lives);
        counts[2] += usize::from(lives && excused);
        counts[3] += usize::from(lives && !excused);
        timed_out += usize::from(*end == End::TimedOut);
        if lives && !excused {
            say(format_args!("survived: {}", shown(mutant, *end)));
            survivors.push(shown(mutant, *end));
        }
        if !lives && excused {
            needless.push(format!("{} is caught by {by}", shown(mutant, *end)));
        }
    }
    for line in &needless {
        say(format_args!("listed as equivalent, but {line}"));
    }
    let total = |i: usize| counts.values().map(|c| c[i]).sum::<usize>();
    say(format_args!(
        "mutants: run={} caught={} timed_out={timed_out} equivalent={} survived={} of={} refused_by_compiler={} tests={}",
        total(0),
        total(1),
        total(2),
        total(3),
        tree.mutants.len(),
        tree.refused,
        tests.len()
    ));
    let kinds: serde_json::Map<String, Value> = counts
        .iter()
        .map(|(kind, [run, caught, equivalent, survived])| {
            let counts = json!({"run": run, "caught": caught, "equivalent": equivalent, "survived": survived});
            (kind.to_string(), counts)
        })
        .collect();
    Ok(json!({
        "mutants": tree.mutants.len(), "refused_by_compiler": tree.refused, "tests": tests.len(),
        "run": total(0), "caught": total(1), "timed_out": timed_out, "equivalent": total(2), "survived": total(3),
        "kinds": kinds, "survivors": survivors, "equivalents": equivalents.entries,
        "needless_equivalents": needless, "compile_seconds": compiled.round(), "run_seconds": hunted.round(),
    }))
}

fn shown(m: &Mutant, end: End) -> String {
    let unreached = if end == End::Unreached { " (no test reaches it)" } else { "" };
    format!("{}:{} {} [{}] `{}` -> `{}`{unreached}", m.file, m.line, m.function, m.kind, m.original, m.mutated)
}

/// Keeps `count` mutants: those with the smallest hashes of what they are and of all formulas, so that the choice changes with the code.
fn draw(mutants: &mut Vec<Mutant>, count: usize) {
    let code = mutants.iter().fold(FNV, |h, m| fnv(h, &m.key()));
    mutants.sort_by_cached_key(|m| fnv(code, &m.key()));
    mutants.truncate(count);
    mutants.sort_by_key(|m| m.id);
}

const FNV: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv(start: u64, text: &str) -> u64 {
    text.bytes().fold(start, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}

/// The committed list of mutants that are no mistakes.
struct Equivalents {
    entries: Vec<Value>,
}

impl Equivalents {
    fn read() -> Outcome<Self> {
        let entries: Vec<Value> = serde_json::from_str(EQUIVALENT)
            .map_err(|e| Failure::new(format!("xtask/src/mutants/equivalent.json is not a list: {e}")))?;
        for entry in &entries {
            let complete = ["file", "function", "original", "mutated", "reason"].iter().all(|k| entry[*k].is_string());
            if !complete {
                return Err(Failure::new(format!("equivalent.json: an entry lacks a field: {entry}")));
            }
        }
        Ok(Self { entries })
    }

    fn matches(entry: &Value, m: &Mutant) -> bool {
        entry["file"] == m.file.as_str()
            && entry["function"] == m.function.as_str()
            && entry["original"] == m.original.as_str()
            && entry["mutated"] == m.mutated.as_str()
            && entry["ordinal"].as_u64().is_none_or(|n| n == m.ordinal as u64)
    }

    fn reason(&self, m: &Mutant) -> Option<&str> {
        self.entries.iter().find(|e| Self::matches(e, m)).and_then(|e| e["reason"].as_str())
    }

    /// An entry that matches nothing speaks of code that is gone.
    fn all_exist(&self, mutants: &[Mutant]) -> Outcome {
        let gone = self.entries.iter().filter(|e| !mutants.iter().any(|m| Self::matches(e, m)));
        let gone: Vec<String> = gone.map(ToString::to_string).collect();
        if gone.is_empty() {
            return Ok(());
        }
        Err(Failure::new(format!("equivalent.json speaks of code that is gone; take out:\n{}", gone.join("\n"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(id: u32) -> Mutant {
        Mutant {
            id,
            kind: Kind::Sign,
            file: "a.rs".to_owned(),
            line: 1,
            function: "df".to_owned(),
            original: format!("a + {id}"),
            mutated: format!("a - {id}"),
            ordinal: 0,
        }
    }

    #[test]
    fn the_sample_changes_with_the_code_and_only_with_it() {
        let all: Vec<Mutant> = (0..100).map(mutant).collect();
        let drawn = |mut m: Vec<Mutant>| {
            draw(&mut m, 10);
            m.iter().map(|m| m.id).collect::<Vec<_>>()
        };
        assert_eq!(drawn(all.clone()).len(), 10);
        assert_eq!(drawn(all.clone()), drawn(all.clone()));
        let mut changed = all.clone();
        changed[50].original = "b".to_owned();
        assert_ne!(drawn(all), drawn(changed));
    }

    #[test]
    fn the_list_of_equivalents_is_read_and_stale_entries_are_found() {
        assert!(Equivalents::read().is_ok());
        let entry = json!({"file": "a.rs", "function": "df", "original": "a + 1", "mutated": "a - 1", "reason": "x"});
        let list = Equivalents { entries: vec![entry] };
        assert!(list.reason(&mutant(1)).is_some() && list.reason(&mutant(2)).is_none());
        assert!(list.all_exist(&[mutant(1)]).is_ok() && list.all_exist(&[mutant(2)]).is_err());
    }
}
