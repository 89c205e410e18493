//! Records as files: written whole, read with their mistakes named.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::cmd::{Failure, Outcome};

use super::record::OURS;

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
mod tests {
    use super::*;
    use crate::bench::record::tests::sample;
    use serde_json::json;

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
