//! Which tests reach which mutant, and which mutant no test catches.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::rewrite::Mutant;
use super::tree;
use crate::cmd::{Failure, Outcome, output, say};

/// One test of one binary.
pub(crate) struct Test {
    binary: PathBuf,
    name: String,
    seconds: f64,
    reaches: BTreeSet<u32>,
}

/// How a mutant ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// A test failed.
    Caught,
    /// A test did not end in time.
    TimedOut,
    /// All tests that reach it passed.
    Survived,
    /// No test reaches it.
    Unreached,
}

/// Runs every test once without a mutant: all must pass, and each notes the mutants it reaches.
pub(crate) fn trace(binaries: &[PathBuf]) -> Outcome<Vec<Test>> {
    let mut all = Vec::new();
    for binary in binaries {
        let listed = output(Command::new(binary).args(["--list", "--format", "terse"]))
            .ok_or_else(|| Failure::new(format!("{} does not list its tests", binary.display())))?;
        all.extend(listed.lines().filter_map(|l| l.strip_suffix(": test")).map(|n| (binary.clone(), n.to_owned())));
    }
    let (found, failed) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    each(&all, |(binary, name)| {
        let file = tree::home().join(format!("trace-{}", name.replace("::", "-")));
        let _ = fs::remove_file(&file);
        let start = Instant::now();
        let passed = run(binary, name, "trace", Some(&file), Duration::from_secs(600)) == Some(true);
        let seconds = start.elapsed().as_secs_f64();
        let reaches = fs::read_to_string(&file).unwrap_or_default().lines().filter_map(|l| l.parse().ok()).collect();
        let _ = fs::remove_file(&file);
        if passed {
            lock(&found).push(Test { binary: binary.clone(), name: name.clone(), seconds, reaches });
        } else {
            lock(&failed).push(name.clone());
        }
    });
    let failed = failed.into_inner().unwrap_or_default();
    if !failed.is_empty() {
        return Err(Failure::new(format!("tests fail without any mutant: {}", failed.join(", "))));
    }
    let mut found = found.into_inner().unwrap_or_default();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Sends every mutant through the tests that reach it until one fails.
pub(crate) fn hunt(mutants: &[Mutant], tests: &[Test]) -> BTreeMap<u32, (End, String)> {
    // How often each test was asked and how often it caught: the cheapest likely test goes first.
    let record = Mutex::new(vec![(1.0f64, 2.0f64); tests.len()]);
    let ends = Mutex::new(BTreeMap::new());
    let done = Mutex::new(0usize);
    each(mutants, |mutant| {
        let mut left: Vec<usize> = (0..tests.len()).filter(|i| tests[*i].reaches.contains(&mutant.id)).collect();
        let mut end = (if left.is_empty() { End::Unreached } else { End::Survived }, String::new());
        while !left.is_empty() {
            let cost = {
                let record = lock(&record);
                left.iter().map(|i| (tests[*i].seconds + 0.02) * record[*i].1 / record[*i].0).collect::<Vec<_>>()
            };
            let next = (0..left.len()).min_by(|a, b| cost[*a].total_cmp(&cost[*b])).unwrap_or(0);
            let i = left.swap_remove(next);
            let limit = Duration::from_secs_f64((10.0 * tests[i].seconds).max(10.0));
            let outcome = run(&tests[i].binary, &tests[i].name, &mutant.id.to_string(), None, limit);
            lock(&record)[i].1 += 1.0;
            if outcome != Some(true) {
                lock(&record)[i].0 += 1.0;
                end = (if outcome.is_some() { End::Caught } else { End::TimedOut }, tests[i].name.clone());
                break;
            }
        }
        lock(&ends).insert(mutant.id, end);
        let mut done = lock(&done);
        *done += 1;
        if done.is_multiple_of(100) {
            say(format_args!("  {done} of {} mutants", mutants.len()));
        }
    });
    ends.into_inner().unwrap_or_default()
}

/// `Some(passed)`, or `None` if the test did not end within `limit`.
fn run(binary: &Path, test: &str, mutant: &str, trace: Option<&Path>, limit: Duration) -> Option<bool> {
    let mut command = Command::new(binary);
    command
        .args([test, "--exact", "--quiet", "--test-threads=1"])
        .env("LAYERWISE_MUTANT", mutant)
        // The same cases for every mutant, no time spent on making a failing case small, nothing kept of it.
        .env("PROPTEST_RNG_SEED", "1")
        .env("PROPTEST_MAX_SHRINK_ITERS", "0")
        .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1")
        .env("RAYON_NUM_THREADS", "1")
        .env_remove("RUST_BACKTRACE")
        .env_remove("PROPTEST_CASES")
        .current_dir(tree::home())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(file) = trace {
        command.env("LAYERWISE_MUTANT_TRACE", file);
    }
    let Ok(mut child) = command.spawn() else { return Some(false) };
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.success()),
            Ok(None) if start.elapsed() < limit => std::thread::sleep(Duration::from_millis(3)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

/// `f` for every item, on as many threads as there are cores.
fn each<I: Sync>(items: &[I], f: impl Fn(&I) + Sync) {
    let next = Mutex::new(0);
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let i = {
                        let mut next = lock(&next);
                        *next += 1;
                        *next - 1
                    };
                    let Some(item) = items.get(i) else { return };
                    f(item);
                }
            });
        }
    });
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
