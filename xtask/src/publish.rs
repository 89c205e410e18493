//! `publish`: records of runs into `docs/results/`, with a page generated from all records there.
//!
//! What the documentation claims stands in one of these records; nobody types a figure.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cmd::{Failure, Outcome, root, say};

/// Records larger than this do not belong into the repository: a record holds all runs of an experiment.
const LARGEST: usize = 200 * 1024;

/// All records and drawings together.
const LARGEST_IN_ALL: u64 = 15_000_000;

pub(crate) fn main(args: Vec<String>) -> Outcome {
    let runs = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => root().join("runs"),
        ["--out", folder] => PathBuf::from(folder),
        other => return Err(Failure::usage(format!("publish takes --out DIR or nothing, not `{}`", other.join(" ")))),
    };
    let results = root().join("docs").join("results");
    let mut published = 0;
    for path in summaries(&runs) {
        let (text, record) = read(&path)?;
        if text.len() > LARGEST {
            return Err(Failure::new(format!(
                "{} has {} bytes; a record has at most {LARGEST}",
                path.display(),
                text.len()
            )));
        }
        let word = |key: &str| record[key].as_str().unwrap_or("unknown").to_owned();
        let folder = results.join(word("experiment")).join(word("profile"));
        write(&folder.join("summary.json"), &text)?;
        copy_figures(&path.with_file_name("figures"), &folder)?;
        let runs = folder.join("runs");
        if runs.exists() {
            // The summary has them all.
            fs::remove_dir_all(&runs).map_err(|e| Failure::new(format!("cannot remove {}: {e}", runs.display())))?;
        }
        published += 1;
    }
    let mut kept = 0;
    for experiment in files(&runs).into_iter().filter(|folder| unfinished(folder)) {
        kept += keep_runs(&experiment, &results)?;
    }
    if kept > 0 {
        say(format_args!(
            "{kept} finished runs of unfinished experiments kept: `cargo xtask run --records docs/results` goes on from them"
        ));
    } else if published == 0 {
        return Err(Failure::new(format!("no record below {}: run `cargo xtask run` first", runs.display())));
    }
    let all = size(&results);
    if all > LARGEST_IN_ALL {
        return Err(Failure::new(format!(
            "docs/results has {all} bytes, more than {LARGEST_IN_ALL}: fewer or smaller figures"
        )));
    }
    let shown =
        |path: PathBuf| read(&path).map(|(_, record)| (record, captions(&path.with_file_name("captions.json"))));
    let records: Vec<(Value, Vec<Caption>)> = summaries(&results).into_iter().map(shown).collect::<Outcome<_>>()?;
    write(&results.join("README.md"), &page(&records))?;
    say(format_args!("{published} records published; docs/results/README.md shows {}", records.len()));
    Ok(())
}

/// Whether a run of the experiment in this folder began after its last record was written, or has none yet.
fn unfinished(folder: &Path) -> bool {
    let time = |name: &str| fs::metadata(folder.join(name)).and_then(|m| m.modified()).ok();
    time("config.toml").is_some_and(|begun| time("summary.json").is_none_or(|ended| ended < begun))
}

/// Copies the finished runs of an experiment that is not done below `results`; how many.
fn keep_runs(folder: &Path, results: &Path) -> Outcome<usize> {
    let bad = |path: &Path, why: &dyn Display| Failure::new(format!("{}: {why}", path.display()));
    let config = folder.join("config.toml");
    let text = fs::read_to_string(&config).map_err(|e| bad(&config, &e))?;
    let config: toml::Table = toml::from_str(&text).map_err(|e| bad(&config, &e))?;
    let word = |key: &str| config.get(key).and_then(toml::Value::as_str).unwrap_or("unknown").to_owned();
    let place = results.join(word("experiment")).join(word("profile")).join("runs");
    let mut kept = 0;
    for variant in files(folder).iter().filter(|path| path.is_dir()) {
        for seed in files(variant).iter().filter(|path| path.join("outcome.json").exists()) {
            let path = seed.join("outcome.json");
            let (text, outcome) = read(&path)?;
            if outcome["error"].is_null() && text.len() <= LARGEST {
                let name = |path: &Path| path.file_name().unwrap_or_default().to_owned();
                write(&place.join(name(variant)).join(name(seed)).join("outcome.json"), &text)?;
                kept += 1;
            }
        }
    }
    Ok(kept)
}

/// A figure's file and what it shows.
type Caption = (String, String);

/// The figures beside a published record.
fn captions(path: &Path) -> Vec<Caption> {
    let list = read(path).map(|(_, list)| list).unwrap_or_default();
    let word = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    list.as_array().into_iter().flatten().map(|e| (word(e, "file"), word(e, "caption"))).collect()
}

/// The drawings of a run beside its published record; those of an earlier record go.
fn copy_figures(from: &Path, to: &Path) -> Outcome {
    let old = files(to).into_iter().filter(|p| p.extension().is_some_and(|e| e == "svg"));
    for path in old {
        fs::remove_file(&path).map_err(|e| Failure::new(format!("cannot replace {}: {e}", path.display())))?;
    }
    for path in files(from) {
        let target = to.join(path.file_name().unwrap_or_default());
        fs::copy(&path, &target).map_err(|e| Failure::new(format!("cannot copy {}: {e}", path.display())))?;
    }
    Ok(())
}

/// Bytes of all files below a folder.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|e| if e.path().is_dir() { size(&e.path()) } else { e.metadata().map_or(0, |m| m.len()) }).sum()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    found.sort();
    found
}

/// The page over all records.
fn page(records: &[(Value, Vec<Caption>)]) -> String {
    let mut page = String::from(
        "<!-- Generated by `cargo xtask publish` from the records beside this page. Do not edit. -->\n\n# Results\n\n\
         Each line is a criterion that was fixed, and hashed, before the run. *Holds*: the whole 95 % interval lies on the right side; *fails*: on\n\
         the wrong side; *undecided*: neither, or not measured. A claim that fails is a result. Intervals are over seeds.\n",
    );
    let mut by_experiment: BTreeMap<&str, Vec<&(Value, Vec<Caption>)>> = BTreeMap::new();
    for shown in records {
        by_experiment.entry(shown.0["experiment"].as_str().unwrap_or("unknown")).or_default().push(shown);
    }
    for (experiment, records) in by_experiment {
        for (record, captions) in records {
            let profile = record["profile"].as_str().unwrap_or("unknown");
            let _ = write!(page, "\n## {experiment} ({profile})\n\n");
            page.push_str("| criterion | estimate | 95 % interval | published | verdict |\n|---|---|---|---|---|\n");
            for criterion in record["criteria"].as_array().into_iter().flatten() {
                let interval = match criterion["ci95"].as_array().map(Vec::as_slice) {
                    Some([lo, hi]) => format!("{} to {}", number(lo), number(hi)),
                    _ => "-".to_owned(),
                };
                let published = match &criterion["published"] {
                    Value::Object(p) => format!("{} [{}]", number(&p["value"]), p["tag"].as_str().unwrap_or("?")),
                    _ => "-".to_owned(),
                };
                let verdict = criterion["verdict"].as_str().unwrap_or("?");
                let reason = if verdict == "holds" {
                    String::new()
                } else {
                    format!(": {}", criterion["reason"].as_str().unwrap_or_default())
                };
                let statement = criterion["statement"].as_str().unwrap_or_default();
                let _ = writeln!(
                    page,
                    "| {statement} | {} | {interval} | {published} | **{verdict}**{reason} |",
                    number(&criterion["estimate"])
                );
            }
            let environment = &record["environment"];
            let text = |key: &str| match &environment[key] {
                Value::String(s) => s.clone(),
                Value::Null => "unknown".to_owned(),
                other => other.to_string(),
            };
            let seeds: Vec<String> = record["seeds"].as_array().into_iter().flatten().map(Value::to_string).collect();
            let _ = write!(
                page,
                "\nData: {}; seeds {}; {} s; commit {}, products by {}, {} threads. [Record]({experiment}/{profile}/summary.json); \
                 repeat with `cargo xtask run {experiment} --profile {profile}`.\n",
                record["data"]["kind"].as_str().unwrap_or("unknown"),
                seeds.join(", "),
                number(&record["budget"]["wall_seconds"]),
                text("commit").chars().take(12).collect::<String>(),
                text("blas"),
                text("threads"),
            );
            for (file, caption) in captions {
                let _ = write!(page, "\n![{caption}]({experiment}/{profile}/{file})\n\n*{caption}*\n");
            }
        }
    }
    page
}

/// A number with four significant digits, or a dash.
fn number(value: &Value) -> String {
    let Some(x) = value.as_f64() else { return "-".to_owned() };
    if x == 0.0 || !x.is_finite() {
        return x.to_string();
    }
    let magnitude = x.abs().log10().floor() as i32;
    if !(-4..6).contains(&magnitude) {
        return format!("{x:.3e}");
    }
    let shown = format!("{x:.*}", usize::try_from(3 - magnitude).unwrap_or(0));
    if shown.contains('.') { shown.trim_end_matches('0').trim_end_matches('.').to_owned() } else { shown }
}

fn summaries(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(summaries(&path));
        } else if path.ends_with("summary.json") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> Outcome<(String, Value)> {
    let text = fs::read_to_string(path).map_err(|e| Failure::new(format!("cannot read {}: {e}", path.display())))?;
    let record =
        serde_json::from_str(&text).map_err(|e| Failure::new(format!("{} is not JSON: {e}", path.display())))?;
    Ok((text, record))
}

fn write(path: &Path, text: &str) -> Outcome {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|e| Failure::new(format!("cannot write {}: {e}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_have_four_digits() {
        assert_eq!(number(&json!(98.4567)), "98.46");
        assert_eq!(number(&json!(0.98)), "0.98");
        assert_eq!(number(&json!(1234567.0)), "1.235e6");
        assert_eq!(number(&json!(0.00001)), "1.000e-5");
        assert_eq!(number(&json!(120.0)), "120");
        assert_eq!(number(&Value::Null), "-");
    }

    #[test]
    fn the_page_shows_each_criterion_with_its_reason() {
        let record = json!({
            "experiment": "e", "profile": "quick", "seeds": [0, 1], "data": { "kind": "real" }, "budget": { "wall_seconds": 12.0 },
            "environment": { "commit": "abc", "blas": "matrixmultiply", "threads": 2 },
            "criteria": [{ "statement": "s", "estimate": 0.5, "ci95": [0.4, 0.6], "published": null, "verdict": "fails", "reason": "too low" }],
        });
        let page = page(&[(record, vec![("1-a.svg".to_owned(), "What it shows.".to_owned())])]);
        assert!(page.contains("![What it shows.](e/quick/1-a.svg)"), "{page}");
        assert!(page.contains("| s | 0.5 | 0.4 to 0.6 | - | **fails**: too low |"), "{page}");
        assert!(page.contains("seeds 0, 1"));
    }
}
