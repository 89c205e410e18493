//! The record of a run: what was measured, where, and what takes no part; the page is made from it alone.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::cmd::{Failure, Outcome};

use super::limit::{Peak, Work};
use super::measure::{Measured, Timed};
use super::peers::TORCH;
use super::stats::{median, paired_ratio};
use super::workload::Workload;

/// The name of our default build's rows.
pub(crate) const OURS: &str = "layerwise";

/// The name of our rows with OpenBLAS.
pub(crate) const OURS_OPENBLAS: &str = "layerwise-openblas";

/// An empty record.
pub(crate) fn new(environment: Value, options: Value) -> Value {
    json!({"environment": environment, "options": options, "peaks": [], "rows": [], "ratios": [], "refused": []})
}

/// Adds what came of one workload at one number of threads.
pub(crate) fn add(
    record: &mut Value,
    place: (&Workload, usize),
    measured: &Measured,
    work: &Work,
    peak: Option<&Peak>,
) {
    let (workload, threads) = place;
    for timed in &measured.timed {
        let peer = timed.implementation.split('-').next().unwrap_or_default();
        if !timed.implementation.starts_with(OURS) {
            record["environment"]["peers"][peer] = json!(timed.ready.version);
        }
        push(record, "rows", row(&workload.name, threads, timed));
    }
    push(record, "ratios", ratio(workload, threads, measured, work, peak));
    for (implementation, why) in &measured.refused {
        let entry =
            json!({"workload": workload.name, "threads": threads, "implementation": implementation, "why": why});
        push(record, "refused", entry);
    }
}

/// Adds what the machine can do with so many threads.
pub(crate) fn add_peak(record: &mut Value, threads: usize, peak: &Peak) {
    push(record, "peaks", peak.json(threads));
}

fn push(record: &mut Value, key: &str, entry: Value) {
    if let Some(list) = record[key].as_array_mut() {
        list.push(entry);
    }
}

fn row(workload: &str, threads: usize, timed: &Timed) -> Value {
    json!({
        "workload": workload,
        "threads": threads,
        "implementation": timed.implementation,
        "backend": timed.ready.backend,
        "us_per_step": median(&timed.rounds),
        "us_min": timed.rounds.iter().copied().fold(f64::INFINITY, f64::min),
        "us_max": timed.rounds.iter().copied().fold(0.0, f64::max),
        "runs": timed.rounds.len(),
        "peak_rss_mb": timed.peak_rss_mb,
        "first_step_us": timed.ready.first_step_us,
        "steps_per_run": timed.steps_per_round,
        "us_of_runs": timed.rounds,
    })
}

fn ratio(workload: &Workload, threads: usize, measured: &Measured, work: &Work, peak: Option<&Peak>) -> Value {
    let ours = &measured.timed[0];
    let us = median(&ours.rounds);
    let fastest = |among: &dyn Fn(&Timed) -> bool| {
        let peers = measured.timed.iter().filter(|t| !t.implementation.starts_with(OURS) && among(t));
        peers.min_by(|a, b| median(&a.rounds).total_cmp(&median(&b.rounds)))
    };
    let against = |peer: Option<&Timed>| peer.map(|peer| paired_ratio(&peer.rounds, &ours.rounds));
    let (peer, torch) = (fastest(&|_| true), fastest(&|t| TORCH.contains(&t.implementation.as_str())));
    let (best, torch) = (against(peer), against(torch));
    let limit = peak.map(|peak| work.limit(peak));
    json!({
        "workload": workload.name,
        "about": workload.about,
        "threads": threads,
        "fastest_peer": peer.map(|p| &p.implementation),
        "ratio": best.map(|e| e.median),
        "ci95": best.map(|e| [e.lo, e.hi]),
        "against_torch": torch.map(|e| e.median),
        "against_torch_ci95": torch.map(|e| [e.lo, e.hi]),
        "fraction_of_limit": limit.map(|l| l.us() / us),
        "limit": limit.map(|l| json!({"products_us": l.products_us, "update_us": l.update_us, "flops": work.flops, "bytes": work.bytes})),
        "parameters": ours.ready.parameters,
    })
}

/// Writes a record so that a reader never sees half of one.
pub(crate) fn write(path: &Path, record: &Value) -> Outcome {
    let failed = |e: std::io::Error| Failure::new(format!("cannot write {}: {e}", path.display()));
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let text = serde_json::to_string_pretty(record).map_err(|e| failed(e.into()))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    writeln!(file, "{text}").and_then(|()| file.flush()).map_err(failed)?;
    open_to_all(file.as_file()).map_err(failed)?;
    file.persist(path).map(drop).map_err(|e| failed(e.error))
}

/// A temporary file is its owner's alone; a record is for everybody.
#[cfg(unix)]
fn open_to_all(file: &fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn open_to_all(_: &fs::File) -> std::io::Result<()> {
    Ok(())
}

/// Reads a record and refuses what is none.
pub(crate) fn read(path: &Path) -> Outcome<Value> {
    let shown = path.file_name().unwrap_or_default().to_string_lossy();
    let wrong = |why: String| Failure::new(format!("the record {shown}: {why}"));
    let text = fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
    parse(&text).map_err(wrong)
}

/// Reads a record's text.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let record: Value = serde_json::from_str(text).map_err(|e| format!("it is not JSON: {e}"))?;
    if !record["environment"].is_object() {
        return Err("it has no environment".to_owned());
    }
    let list = |key: &str| record[key].as_array().ok_or_else(|| format!("it has no list `{key}`"));
    for (i, row) in list("rows")?.iter().enumerate() {
        let at = format!("rows[{i}]");
        words(row, &at, &["workload", "implementation", "backend"])?;
        numbers(row, &at, &["threads", "us_per_step", "us_min", "us_max", "runs", "first_step_us"])?;
        let us = |key: &str| row[key].as_f64().unwrap_or(f64::NAN);
        if !(us("us_min") <= us("us_per_step") && us("us_per_step") <= us("us_max")) {
            return Err(format!("{at}: us_min <= us_per_step <= us_max does not hold"));
        }
    }
    for (i, ratio) in list("ratios")?.iter().enumerate() {
        let at = format!("ratios[{i}]");
        words(ratio, &at, &["workload"])?;
        numbers(ratio, &at, &["threads"])?;
        match (&ratio["fastest_peer"], ratio["ratio"].as_f64(), ratio["ci95"].as_array().map(Vec::as_slice)) {
            (Value::Null, None, None) => {}
            (Value::String(_), Some(x), Some([lo, hi])) if x > 0.0 && lo.is_number() && hi.is_number() => {}
            _ => return Err(format!("{at}: fastest_peer, ratio and ci95 [lo, hi] do not belong together")),
        }
        let ours = |row: &&Value| {
            ["workload", "threads"].iter().all(|key| row[key] == ratio[key]) && row["implementation"] == OURS
        };
        if !list("rows")?.iter().any(|row| ours(&row)) {
            return Err(format!("{at}: there is no row of `{OURS}` for it"));
        }
    }
    Ok(record)
}

fn words(entry: &Value, at: &str, keys: &[&str]) -> Result<(), String> {
    match keys.iter().find(|key| !entry[**key].is_string()) {
        Some(key) => Err(format!("{at}: `{key}` is no text")),
        None => Ok(()),
    }
}

fn numbers(entry: &Value, at: &str, keys: &[&str]) -> Result<(), String> {
    match keys.iter().find(|key| entry[**key].as_f64().is_none_or(|x| x <= 0.0)) {
        Some(key) => Err(format!("{at}: `{key}` is no number above 0")),
        None => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::bench::child::Ready;

    fn timed(implementation: &str, rounds: &[f64]) -> Timed {
        let ready = Ready { version: "1.2".to_owned(), backend: "b".to_owned(), parameters: 1000, first_step_us: 30.0 };
        let (rounds, implementation) = (rounds.to_vec(), implementation.to_owned());
        Timed { implementation, ready, rounds, steps_per_round: 10, peak_rss_mb: Some(8.0) }
    }

    fn workload(name: &str, text: &str) -> Workload {
        let sizes = crate::bench::workload::Sizes::parse(text).unwrap();
        Workload { name: name.to_owned(), path: "w.toml".into(), about: "small".to_owned(), sizes }
    }

    /// A record of `w1` with two threads.
    pub(crate) fn sample() -> Value {
        let measured = Measured {
            timed: vec![
                timed(OURS, &[10.0, 20.0, 12.0, 11.0, 13.0]),
                timed(OURS_OPENBLAS, &[1.0; 5]),
                timed("jax-scan", &[30.0, 60.0, 36.0, 33.0, 39.0]),
                timed("torch-eager", &[90.0; 5]),
                timed("torch-fused", &[48.0; 5]),
                timed("torch-compile", &[40.0; 5]),
            ],
            refused: vec![("sklearn".to_owned(), "no dropout".to_owned())],
        };
        let peak = Peak { gflops: 100.0, bandwidth: vec![(1e6, 50.0)] };
        let workload = workload("w1", "widths = [30, 8, 30]\nbatch = 32\nloss = \"mse\"\n[optimizer]\nrule = \"adam\"");
        let work = Work::count(&workload.sizes, 1000);
        let environment = json!({"commit": "0123456789abcdef", "dirty": false, "cpu": "a chip", "cores": 2, "rustc": "rustc 1",
            "os": "Linux", "memory": "23 GB", "date": "2026-01-02", "pinned": true,
            "peers": {"burn": "missing: cargo xtask bench --install burn"}});
        let mut record = new(environment, json!({"rounds": 5, "seconds": 0.3}));
        add_peak(&mut record, 2, &peak);
        add(&mut record, (&workload, 2), &measured, &work, Some(&peak));
        record
    }

    #[test]
    fn the_fastest_peer_is_compared_round_by_round() {
        let record = parse(&sample().to_string()).unwrap();
        let ratio = &record["ratios"][0];
        assert_eq!((&ratio["fastest_peer"], &ratio["ratio"]), (&json!("jax-scan"), &json!(3.0)));
        assert_eq!(ratio["ci95"], json!([3.0, 3.0]));
        // Of eager and fused, the faster; compiled is not how people run it. Rounds: 4.8 2.4 4 4.36 3.69.
        assert_eq!(ratio["against_torch"], json!(4.0));
        let products = 32.0 * (6.0 * 480.0 - 2.0 * 240.0) / 1e5;
        assert_eq!(ratio["fraction_of_limit"].as_f64().unwrap(), products / 12.0);
        assert_eq!(record["environment"]["peers"]["jax"], json!("1.2"));
        let row = &record["rows"][0];
        assert_eq!((&row["us_per_step"], &row["us_min"], &row["us_max"]), (&json!(12.0), &json!(10.0), &json!(20.0)));
    }

    #[test]
    fn a_run_without_peers_or_probe_has_no_ratio() {
        let measured = Measured { timed: vec![timed(OURS, &[1.0; 5])], refused: Vec::new() };
        let mut record = new(json!({}), json!({}));
        let workload = workload("w7a", "widths = [3, 2]\nbatch = 1\nloss = \"none\"");
        add(&mut record, (&workload, 1), &measured, &Work::count(&workload.sizes, 8), None);
        let ratio = &parse(&record.to_string()).unwrap()["ratios"][0];
        for key in ["fastest_peer", "ratio", "ci95", "against_torch", "fraction_of_limit"] {
            assert!(ratio[key].is_null(), "{key}");
        }
    }

    #[test]
    fn a_bad_record_is_refused_with_its_place() {
        let refused = |change: &dyn Fn(&mut Value)| {
            let mut record = sample();
            change(&mut record);
            parse(&record.to_string()).unwrap_err()
        };
        assert!(parse("{").unwrap_err().contains("not JSON"));
        assert!(parse("{}").unwrap_err().contains("environment"));
        assert!(refused(&|r| r["rows"] = json!(3)).contains("`rows`"));
        assert!(refused(&|r| r["rows"][1]["us_per_step"] = json!("fast")).contains("rows[1]: `us_per_step`"));
        assert!(refused(&|r| r["rows"][1]["us_per_step"] = json!(0.5)).contains("us_min <="));
        assert!(refused(&|r| r["rows"][0]["backend"] = Value::Null).contains("rows[0]: `backend`"));
        assert!(refused(&|r| r["ratios"][0]["ci95"] = json!([1.0])).contains("ratios[0]"));
        assert!(refused(&|r| r["ratios"][0]["ratio"] = Value::Null).contains("belong together"));
        assert!(refused(&|r| r["ratios"][0]["threads"] = json!(7)).contains("no row"));
    }

    #[test]
    fn a_record_is_written_whole_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("record.json");
        write(&path, &sample()).unwrap();
        write(&path, &sample()).unwrap();
        assert_eq!(read(&path).unwrap(), sample());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        fs::write(&path, "[]").unwrap();
        assert!(read(&path).unwrap_err().message.starts_with("the record record.json: "));
    }
}
