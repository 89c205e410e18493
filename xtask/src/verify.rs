//! `verify-report`: a random sample of the committed runs made again, by the program of their commit, and compared bit by bit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use lexopt::prelude::*;
use serde_json::Value;

use crate::check::{data_folder, with_data};
use crate::cmd::{Failure, Outcome, cargo, heading, output, root, run, say};

/// A run that a record holds.
#[derive(Clone, Debug, PartialEq)]
struct Recorded {
    experiment: String,
    profile: String,
    variant: String,
    seed: u64,
    bits: String,
    commit: String,
    blas: String,
}

/// Reads the command line, draws the sample and compares.
pub(crate) fn main(args: Vec<String>) -> Outcome {
    let (mut sample, mut seed, mut profile) = (20usize, None, "quick".to_owned());
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("sample") => sample = parser.value()?.parse()?,
            Long("seed") => seed = Some(parser.value()?.parse()?),
            Long("profile") => profile = parser.value()?.string()?,
            other => return Err(other.unexpected().into()),
        }
    }
    let all: Vec<Recorded> = recorded(&root().join("docs").join("results"), &profile)?;
    if all.is_empty() {
        return Err(Failure::new(format!("no committed record of profile {profile} has fingerprints of its runs")));
    }
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let seed: u64 = seed.unwrap_or_else(now);
    let chosen = draw(all, sample, seed);
    say(format_args!("{} runs, drawn with --seed {seed}", chosen.len()));
    let mut groups: BTreeMap<(String, String), Vec<Recorded>> = BTreeMap::new();
    for r in chosen {
        groups.entry((r.commit.clone(), r.blas.clone())).or_default().push(r);
    }
    let (mut same, mut other) = (0, Vec::new());
    for ((commit, blas), runs) in groups {
        let program = program(&commit, &blas)?;
        for r in runs {
            let found = again(&program, &r)?;
            let what = format!("{} {}, {} seed {}", r.experiment, r.profile, r.variant, r.seed);
            if found == r.bits {
                same += 1;
                say(format_args!("  same bits: {what}"));
            } else {
                other.push(format!("{what}: {found}, recorded {}", r.bits));
                say(format_args!("  OTHER BITS: {what}"));
            }
        }
    }
    if other.is_empty() {
        say(format_args!("{same} of {same} runs gave the same bits"));
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} of {} runs gave other bits:\n  {}",
        other.len(),
        same + other.len(),
        other.join("\n  ")
    )))
}

/// All runs of all records of a profile that can be made again.
fn recorded(results: &Path, profile: &str) -> Outcome<Vec<Recorded>> {
    let mut all = Vec::new();
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(results).into_iter().flatten().flatten().map(|e| e.path().join(profile)).collect();
    folders.sort();
    for path in folders.iter().map(|f| f.join("summary.json")).filter(|p| p.exists()) {
        let text = std::fs::read_to_string(&path).map_err(|e| Failure::new(format!("{}: {e}", path.display())))?;
        let record: Value =
            serde_json::from_str(&text).map_err(|e| Failure::new(format!("{} is not JSON: {e}", path.display())))?;
        let word = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let env = &record["environment"];
        if env["dirty"] == true {
            say(format_args!("left out: {} was made with uncommitted changes", word(&record["experiment"])));
            continue;
        }
        for v in record["variants"].as_array().into_iter().flatten() {
            for s in v["seeds"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|s| s["bits"].as_str().is_some_and(|b| !b.is_empty()))
            {
                let commit = s["commit"].as_str().map_or_else(|| word(&env["commit"]), str::to_owned);
                all.push(Recorded {
                    experiment: word(&record["experiment"]),
                    profile: profile.to_owned(),
                    variant: word(&v["name"]),
                    seed: s["seed"].as_u64().unwrap_or(0),
                    bits: word(&s["bits"]),
                    commit,
                    blas: word(&env["blas"]),
                });
            }
        }
    }
    Ok(all)
}

/// `n` of them, drawn without repetition.
fn draw(mut all: Vec<Recorded>, n: usize, seed: u64) -> Vec<Recorded> {
    let mut state = seed;
    let mut next = |below: usize| {
        // SplitMix64 (Steele, Lea and Flood 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(z ^ (z >> 31)) * below as u128) >> 64) as usize
    };
    let mut chosen = Vec::new();
    while chosen.len() < n && !all.is_empty() {
        chosen.push(all.swap_remove(next(all.len())));
    }
    chosen
}

/// The experiments as they were at a commit, built for the backend of the record.
fn program(commit: &str, blas: &str) -> Outcome<PathBuf> {
    let short = commit.get(..12).unwrap_or(commit);
    heading(&format!("the experiments at commit {short}, products by {blas}"));
    let place = root().join("target").join("verify");
    let tree = place.join(short);
    if !tree.exists() {
        let added = Command::new("git")
            .args(["worktree", "add", "--detach", "--force"])
            .arg(&tree)
            .arg(commit)
            .current_dir(root())
            .status();
        if !added.is_ok_and(|s| s.success()) {
            return Err(Failure::new(format!(
                "commit {short} cannot be checked out: a clone with its history is needed"
            )));
        }
    }
    let mut build = cargo(["build", "--release", "--package", "layerwise-experiments"]);
    let target = place.join("build");
    build.current_dir(&tree).env("CARGO_TARGET_DIR", &target);
    if blas.starts_with("openblas") {
        build.args(["--features", "openblas"]);
    }
    run(&mut build)?;
    // Kept under a name of its own: the next commit builds over it.
    let built = target.join("release").join(format!("layerwise-experiments{}", std::env::consts::EXE_SUFFIX));
    let kept = place.join(format!("experiments-{short}{}", std::env::consts::EXE_SUFFIX));
    std::fs::copy(&built, &kept).map_err(|e| Failure::new(format!("cannot keep the program: {e}")))?;
    Ok(kept)
}

/// Makes a run again; the fingerprint of its numbers.
fn again(program: &Path, r: &Recorded) -> Outcome<String> {
    let folder = tempfile::tempdir().map_err(|e| Failure::new(format!("no place for a run: {e}")))?;
    let mut command = Command::new(program);
    command
        .args(["run", &r.experiment, "--profile", &r.profile, "--only", &r.variant, "--fresh"])
        .args(["--seeds", "1", "--seed", &r.seed.to_string(), "--out"])
        .arg(folder.path())
        .current_dir(root());
    if output(with_data(&mut command, &data_folder())).is_none() {
        return Err(Failure::new(format!("{} {} seed {} does not run", r.experiment, r.variant, r.seed)));
    }
    let path = folder.path().join(&r.experiment).join("summary.json");
    let text = std::fs::read_to_string(&path).map_err(|e| Failure::new(format!("no record of the run: {e}")))?;
    let record: Value = serde_json::from_str(&text).map_err(|e| Failure::new(format!("no record of the run: {e}")))?;
    Ok(record["variants"][0]["seeds"][0]["bits"].as_str().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_no_run_twice_and_depends_on_its_seed() {
        let one = |seed| Recorded {
            experiment: "e".into(),
            profile: "quick".into(),
            variant: "v".into(),
            seed,
            bits: "b".into(),
            commit: "c".into(),
            blas: "packed".into(),
        };
        let all: Vec<Recorded> = (0..50).map(one).collect();
        let seeds = |seed| draw(all.clone(), 20, seed).into_iter().map(|r| r.seed).collect::<Vec<_>>();
        let mut first = seeds(1);
        assert_ne!(first, seeds(2));
        assert_eq!(first, seeds(1));
        first.sort_unstable();
        first.dedup();
        assert_eq!(first.len(), 20);
        assert_eq!(draw(all, 100, 1).len(), 50);
    }
}
