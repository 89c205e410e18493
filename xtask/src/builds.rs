//! `builds`: what our crates cost those who use them: how many crates they bring along and how long a first build takes.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};

use crate::bench::{environment, store};
use crate::cmd::{Failure, Outcome, cargo, output, root, run, say};

/// What one may want alone, by the name of its row.
const PARTS: [(&str, &[&str]); 2] = [
    ("the four", &["layerwise-tensor", "layerwise-autograd", "layerwise-nn-layers", "layerwise-optim"]),
    ("the facade", &["layerwise"]),
];
/// Bounds of the four: crates, ours among them, and seconds.
const MOST_CRATES: usize = 45;
const MOST_SECONDS: f64 = 60.0;

/// Counts and times; with `--write` into the record that docs/performance.md shows.
pub(crate) fn main(args: Vec<String>) -> Outcome {
    let write = match args.as_slice() {
        [] => false,
        [flag] if flag == "--write" => true,
        _ => return Err(Failure::usage("builds takes --write or nothing")),
    };
    let mut rows = Vec::new();
    for (name, packages) in PARTS {
        let folder = tempfile::tempdir().map_err(|e| Failure::new(format!("a folder for the build: {e}")))?;
        let mut build = cargo(["build", "--quiet", "--release", "--target-dir"]);
        build.arg(folder.path()).args(packages.iter().flat_map(|p| ["--package", p]));
        let start = Instant::now();
        run(&mut build)?;
        let (seconds, crates) = (start.elapsed().as_secs_f64(), crates(packages)?.len());
        say(format_args!("{name}: {crates} crates, {seconds:.1} s from nothing in release"));
        rows.push(json!({"part": name, "packages": packages, "crates": crates, "seconds": seconds}));
    }
    if write {
        store::write(&place(&root()), &json!({"environment": environment::environment(&[], false), "builds": rows}))?;
        say("written; `cargo xtask bench --page` shows it");
    }
    Ok(())
}

/// The names and versions that these packages are built from, themselves among them; without what only their tests need.
fn crates(packages: &[&str]) -> Outcome<BTreeSet<String>> {
    let mut tree = cargo(["tree", "--edges", "normal,build", "--prefix", "none", "--no-dedupe"]);
    tree.args(packages.iter().flat_map(|p| ["--package", p]));
    let text = output(&mut tree).ok_or_else(|| Failure::new("`cargo tree` failed"))?;
    let named = |line: &str| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    Ok(text.lines().map(named).filter(|name| !name.is_empty()).collect())
}

fn place(root: &Path) -> PathBuf {
    root.join("docs").join("results").join("builds.json")
}

/// The section of docs/performance.md; nothing without a record.
pub(crate) fn section(root: &Path) -> Result<String, String> {
    let Ok(text) = std::fs::read_to_string(place(root)) else { return Ok(String::new()) };
    let record: Value = serde_json::from_str(&text).map_err(|e| format!("docs/results/builds.json: {e}"))?;
    let env = |key: &str| record["environment"][key].as_str().unwrap_or("?").to_owned();
    let mut section = format!(
        "\n## Builds\n\nA first build in release, from an empty folder, packages already fetched; {}, {} cores, {}. The bounds are \
         {MOST_CRATES} crates and {MOST_SECONDS} s for the four; the number of crates is a rule of the repository.\n\n\
         | | crates | seconds |\n|---|---|---|\n",
        env("cpu"),
        record["environment"]["cores"],
        env("date"),
    );
    for row in record["builds"].as_array().into_iter().flatten() {
        let packages = row["packages"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let packages: Vec<&str> = packages.collect();
        let (crates, seconds) = (&row["crates"], row["seconds"].as_f64().unwrap_or(f64::NAN));
        let _ = writeln!(section, "| {} | {crates} | {seconds:.1} |", packages.join(", "));
    }
    Ok(section)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_need_few_crates() {
        let found = crates(PARTS[0].1).unwrap();
        assert!(found.iter().any(|name| name.starts_with("layerwise-optim ")), "{found:?}");
        assert!(found.len() <= MOST_CRATES, "{} crates, {MOST_CRATES} are allowed: {found:?}", found.len());
    }
}
