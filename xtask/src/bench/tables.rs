//! The tables of the page.

use std::fmt::Write as _;

use serde_json::Value;

use super::record::{OURS, OURS_OPENBLAS};
use super::targets::{Targets, at};

/// The entries of a list of all records.
pub(crate) fn merged<'a>(records: &'a [(String, Value)], key: &str) -> Vec<&'a Value> {
    records.iter().flat_map(|(_, record)| record[key].as_array().into_iter().flatten()).collect()
}

/// Ratios beside their targets.
pub(crate) fn against_targets(page: &mut String, ratios: &[&Value], rows: &[&Value], targets: &Targets) {
    page.push_str(
        "\n## Against the peers\n\nTime of the peer over ours; above 1 ours is faster.\n\n\
         | workload | threads | fastest peer | ratio | 95 % interval | target | | PyTorch | target | | of the limit |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for ratio in ratios {
        let (workload, threads) = (text(&ratio["workload"]), ratio["threads"].as_u64().unwrap_or(0));
        let target = targets.of(&workload);
        let fastest = target.and_then(|t| at(t.fastest, threads));
        let torch = target.and_then(|t| t.torch).and_then(|pair| at(pair, threads));
        let interval = format!("{} to {}", number(&ratio["ci95"][0]), number(&ratio["ci95"][1]));
        let cells = [
            workload.clone(),
            threads.to_string(),
            text(&ratio["fastest_peer"]),
            number(&ratio["ratio"]),
            if ratio["ci95"].is_array() { interval } else { "-".to_owned() },
            fastest.map_or_else(|| "-".to_owned(), short),
            verdict(ratio["ratio"].as_f64(), fastest).to_owned(),
            number(&ratio["against_torch"]),
            torch.map_or_else(|| "-".to_owned(), short),
            verdict(ratio["against_torch"].as_f64(), torch).to_owned(),
            percent(ratio["fraction_of_limit"].as_f64()),
        ];
        line(page, &cells);
    }
    for target in targets.workloads.iter().filter(|t| t.against_one_thread) {
        let peer = fastest_peer(rows, &target.workload, 1);
        let two = us(rows, &target.workload, 2, OURS);
        if let (Some((name, peer)), Some(two)) = (peer, two) {
            let _ = write!(
                page,
                "\nOn {}, {name} with one thread takes {} times the time of ours with two (medians; target {}: {}).\n",
                target.workload,
                short(peer / two),
                short(target.fastest[1]),
                verdict(Some(peer / two), Some(target.fastest[1])),
            );
        }
    }
    unseen(page, ratios, targets);
}

/// The geometric mean over the workloads nobody tunes for, where all of them are in the records.
fn unseen(page: &mut String, ratios: &[&Value], targets: &Targets) {
    let Some((names, target)) = &targets.unseen else { return };
    for threads in [1, 2] {
        let of = |name: &String| {
            let found = ratios.iter().find(|r| r["workload"] == **name && r["threads"] == threads)?;
            found["ratio"].as_f64()
        };
        let found: Vec<f64> = names.iter().filter_map(of).collect();
        if found.len() == names.len() {
            let mean = (found.iter().map(|x| x.ln()).sum::<f64>() / found.len() as f64).exp();
            let _ = write!(
                page,
                "\nGeometric mean over {} with {threads} thread(s): {} (target {}: {}).\n",
                names.join(", "),
                short(mean),
                short(*target),
                verdict(Some(mean), Some(*target)),
            );
        }
    }
}

/// What bounds each workload.
pub(crate) fn limits(page: &mut String, ratios: &[&Value], rows: &[&Value]) {
    page.push_str(
        "\n## Limits\n\nMicroseconds a step needs at least, and what of our time they explain.\n\n\
         | workload | threads | parameters | products | update | bound by | ours | products in ours | update in ours |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for ratio in ratios {
        let (workload, threads) = (text(&ratio["workload"]), ratio["threads"].as_u64().unwrap_or(0));
        let ours = us(rows, &workload, threads, OURS);
        let part = |key: &str| ratio["limit"][key].as_f64();
        let (products, update) = (part("products_us"), part("update_us"));
        let bound = match (products, update, ours) {
            // Less than half explained: it is neither products nor traffic.
            (Some(p), Some(u), Some(ours)) if p + u < 0.5 * ours => "the rest of the step",
            (Some(p), Some(u), _) if p >= u => "products",
            (Some(_), Some(_), _) => "memory traffic",
            _ => "-",
        };
        let share = |part: Option<f64>| percent(part.zip(ours).map(|(part, ours)| part / ours));
        let cells = [
            workload,
            threads.to_string(),
            text(&ratio["parameters"]),
            number(&ratio["limit"]["products_us"]),
            number(&ratio["limit"]["update_us"]),
            bound.to_owned(),
            ours.map_or_else(|| "-".to_owned(), short),
            share(products),
            share(update),
        ];
        line(page, &cells);
    }
}

/// Our own programs: the first step, memory, threads, OpenBLAS.
pub(crate) fn ours(page: &mut String, ratios: &[&Value], rows: &[&Value]) {
    page.push_str(
        "\n## Our programs\n\nThe first step is to take at most two steady steps and 1 ms. With OpenBLAS: time of the default build over that of the\n\
         build with OpenBLAS.\n\n\
         | workload | threads | us per step | first step, us | | peak memory, MB | of its time with one thread | over OpenBLAS |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for ratio in ratios {
        let (workload, threads) = (text(&ratio["workload"]), ratio["threads"].as_u64().unwrap_or(0));
        let Some(row) = row(rows, &workload, threads, OURS) else { continue };
        let (steady, first) = (row["us_per_step"].as_f64(), row["first_step_us"].as_f64());
        let over =
            |other: Option<f64>| steady.zip(other).map_or_else(|| "-".to_owned(), |(ours, other)| short(ours / other));
        let single = us(rows, &workload, 1, OURS).filter(|_| threads > 1);
        let quick = steady.zip(first).is_some_and(|(steady, first)| first <= 2.0 * steady + 1000.0);
        let cells = [
            workload.clone(),
            threads.to_string(),
            number(&row["us_per_step"]),
            number(&row["first_step_us"]),
            if quick { "reached" } else { "missed" }.to_owned(),
            number(&row["peak_rss_mb"]),
            over(single),
            over(us(rows, &workload, threads, OURS_OPENBLAS)),
        ];
        line(page, &cells);
    }
}

/// Every program of every workload, ours first, then the peers from fast to slow.
pub(crate) fn all_rows(page: &mut String, ratios: &[&Value], rows: &[&Value]) {
    page.push_str("\n## Every program\n");
    let mut workload_before = String::new();
    for ratio in ratios {
        let (workload, threads) = (text(&ratio["workload"]), ratio["threads"].as_u64().unwrap_or(0));
        if workload != workload_before {
            let _ = write!(page, "\n### {workload}: {}\n", text(&ratio["about"]));
            workload_before.clone_from(&workload);
        }
        let mut here: Vec<&&Value> =
            rows.iter().filter(|r| r["workload"] == *workload && r["threads"] == threads).collect();
        here.sort_by(|a, b| {
            let key = |row: &Value| (!is_ours(row), row["us_per_step"].as_f64().unwrap_or(f64::INFINITY));
            let ((a_theirs, a_us), (b_theirs, b_us)) = (key(a), key(b));
            a_theirs.cmp(&b_theirs).then(a_us.total_cmp(&b_us))
        });
        let _ = write!(
            page,
            "\nWith {threads} thread{}:\n\n| program | backend | us per step | fastest to slowest round | over ours | peak memory, MB | first step, ms |\n\
             |---|---|---|---|---|---|---|\n",
            if threads == 1 { "" } else { "s" },
        );
        let ours = us(rows, &workload, threads, OURS);
        for row in here {
            let over = row["us_per_step"].as_f64().zip(ours).map(|(theirs, ours)| theirs / ours);
            let cells = [
                text(&row["implementation"]),
                text(&row["backend"]),
                number(&row["us_per_step"]),
                format!("{} to {}", number(&row["us_min"]), number(&row["us_max"])),
                over.map_or_else(|| "-".to_owned(), short),
                number(&row["peak_rss_mb"]),
                row["first_step_us"].as_f64().map_or_else(|| "-".to_owned(), |us| short(us / 1e3)),
            ];
            line(page, &cells);
        }
    }
}

fn line(page: &mut String, cells: &[String]) {
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

fn verdict(found: Option<f64>, target: Option<f64>) -> &'static str {
    match (found, target) {
        (Some(found), Some(target)) if found >= target => "reached",
        (Some(_), Some(_)) => "missed",
        _ => "-",
    }
}

fn row<'a>(rows: &[&'a Value], workload: &str, threads: u64, implementation: &str) -> Option<&'a Value> {
    let here =
        |r: &&&Value| r["workload"] == *workload && r["threads"] == threads && r["implementation"] == *implementation;
    rows.iter().find(here).copied()
}

fn us(rows: &[&Value], workload: &str, threads: u64, implementation: &str) -> Option<f64> {
    row(rows, workload, threads, implementation)?["us_per_step"].as_f64()
}

fn is_ours(row: &Value) -> bool {
    row["implementation"] == OURS || row["implementation"] == OURS_OPENBLAS
}

fn fastest_peer(rows: &[&Value], workload: &str, threads: u64) -> Option<(String, f64)> {
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

fn short(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return x.to_string();
    }
    let digits = 2 - x.abs().log10().floor() as i32;
    let shown = format!("{x:.*}", usize::try_from(digits).unwrap_or(0));
    if shown.contains('.') { shown.trim_end_matches('0').trim_end_matches('.').to_owned() } else { shown }
}

fn percent(share: Option<f64>) -> String {
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

    #[test]
    fn the_mean_over_unseen_shapes_needs_all_of_them() {
        let targets = Targets { unseen: Some((vec!["u1".into(), "u2".into()], 1.3)), ..Targets::default() };
        let (a, b) = (
            json!({"workload": "u1", "threads": 1, "ratio": 1.0}),
            json!({"workload": "u2", "threads": 1, "ratio": 4.0}),
        );
        let mut page = String::new();
        unseen(&mut page, &[&a], &targets);
        assert_eq!(page, "");
        unseen(&mut page, &[&a, &b], &targets);
        assert_eq!(page, "\nGeometric mean over u1, u2 with 1 thread(s): 2 (target 1.3: reached).\n");
    }

    #[test]
    fn what_neither_products_nor_traffic_explain_is_said() {
        let row = json!({"workload": "w", "threads": 1, "implementation": OURS, "us_per_step": 100.0});
        for (products, update, bound) in
            [(60.0, 5.0, "products"), (5.0, 60.0, "memory traffic"), (10.0, 10.0, "the rest of the step")]
        {
            let ratio = json!({"workload": "w", "threads": 1, "limit": {"products_us": products, "update_us": update}});
            let mut page = String::new();
            limits(&mut page, &[&ratio], &[&row]);
            assert!(page.contains(&format!("| {bound} | 100 |")), "{page}");
        }
    }
}
