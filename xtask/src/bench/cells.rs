//! What the tables of the page share: entries of records, and how a figure is shown.

use std::fmt::Write as _;

use serde_json::Value;

use super::record::{OURS, OURS_OPENBLAS};

/// The entries of a list of all records.
pub(crate) fn merged<'a>(records: &'a [(String, Value)], key: &str) -> Vec<&'a Value> {
    records.iter().flat_map(|(_, record)| record[key].as_array().into_iter().flatten()).collect()
}

/// A line of a table.
pub(crate) fn line(page: &mut String, cells: &[String]) {
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

/// Whether a target is reached.
pub(crate) fn verdict(found: Option<f64>, target: Option<f64>) -> &'static str {
    match (found, target) {
        (Some(found), Some(target)) if found >= target => "reached",
        (Some(_), Some(_)) => "missed",
        _ => "-",
    }
}

/// The row of an implementation.
pub(crate) fn row<'a>(rows: &[&'a Value], workload: &str, threads: u64, implementation: &str) -> Option<&'a Value> {
    let here =
        |r: &&&Value| r["workload"] == *workload && r["threads"] == threads && r["implementation"] == *implementation;
    rows.iter().find(here).copied()
}

/// Its microseconds per step.
pub(crate) fn us(rows: &[&Value], workload: &str, threads: u64, implementation: &str) -> Option<f64> {
    row(rows, workload, threads, implementation)?["us_per_step"].as_f64()
}

/// Whether a row is of one of our builds.
pub(crate) fn is_ours(row: &Value) -> bool {
    row["implementation"] == OURS || row["implementation"] == OURS_OPENBLAS
}

/// The fastest peer and its time.
pub(crate) fn fastest_peer(rows: &[&Value], workload: &str, threads: u64) -> Option<(String, f64)> {
    let here = rows.iter().filter(|r| r["workload"] == *workload && r["threads"] == threads && !is_ours(r));
    let named = here.filter_map(|r| Some((text(&r["implementation"]), r["us_per_step"].as_f64()?)));
    named.min_by(|a, b| a.1.total_cmp(&b.1))
}

/// A value as a word; a dash for none. A bar would end the cell of a table.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(s) => s.replace('|', "/"),
        other => other.to_string(),
    }
}

/// A number with three significant digits, or a dash.
pub(crate) fn number(value: &Value) -> String {
    value.as_f64().map_or_else(|| "-".to_owned(), short)
}

/// A number with three significant digits.
pub(crate) fn short(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return x.to_string();
    }
    let digits = 2 - x.abs().log10().floor() as i32;
    let shown = format!("{x:.*}", usize::try_from(digits).unwrap_or(0));
    if shown.contains('.') { shown.trim_end_matches('0').trim_end_matches('.').to_owned() } else { shown }
}

/// A share in percent, or a dash.
pub(crate) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |x| format!("{:.0} %", 100.0 * x))
}

/// Bytes in KiB or MiB.
pub(crate) fn size(bytes: Option<f64>) -> String {
    match bytes {
        None => "-".to_owned(),
        Some(bytes) if bytes < 1024.0 * 1024.0 => format!("{} KiB", short(bytes / 1024.0)),
        Some(bytes) => format!("{} MiB", short(bytes / (1024.0 * 1024.0))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_have_three_digits_and_sizes_a_unit() {
        let shown: Vec<String> = [0.0123456, 1.234, 12.0, 123.4, 12345.6].map(short).into();
        assert_eq!(shown, ["0.0123", "1.23", "12", "123", "12346"]);
        assert_eq!([size(Some(16384.0)), size(Some(3e6)), size(None)], ["16 KiB", "2.86 MiB", "-"]);
        assert_eq!([text(&json!("a|b")), text(&Value::Null), number(&json!("x"))], ["a/b", "-", "-"]);
    }

    #[test]
    fn a_missing_figure_is_neither_reached_nor_missed() {
        assert_eq!(verdict(Some(1.1), Some(1.1)), "reached");
        assert_eq!(verdict(Some(1.09), Some(1.1)), "missed");
        assert_eq!([verdict(None, Some(1.0)), verdict(Some(2.0), None)], ["-", "-"]);
    }
}
