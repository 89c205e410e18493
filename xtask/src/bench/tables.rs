//! The tables of the page: limits, our programs, every program.

use std::fmt::Write as _;

use serde_json::Value;

use super::cells::{is_ours, line, number, percent, row, short, text, us};
use super::record::{OURS, OURS_OPENBLAS};

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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
