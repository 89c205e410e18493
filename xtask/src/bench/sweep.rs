//! `bench --sweep`: what a sample costs in our own program against width, depth, batch and threads, and `f64` beside `f32`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cmd::{Failure, Outcome, say};

use super::args::Plan;
use super::cells::{line, short, size, text};
use super::environment;
use super::limit::Work;
use super::measure;
use super::peers::Program;
use super::record::OURS;
use super::stats::median;
use super::store;
use super::workload::{self, Workload};

/// One thing that is varied, the others held.
struct Axis {
    name: &'static str,
    points: &'static [u64],
    /// The workload at a point: width of all layers, hidden layers, batch.
    at: fn(u64) -> [u64; 3],
}

const AXES: [Axis; 3] = [
    Axis { name: "width", points: &[16, 32, 64, 128, 256, 512, 1024, 2048], at: |w| [w, 3, 128] },
    Axis { name: "depth", points: &[1, 2, 4, 8, 16, 32, 64], at: |d| [256, d, 128] },
    Axis { name: "batch", points: &[1, 4, 16, 64, 256, 1024, 4096], at: |b| [512, 3, b] },
];

/// Workloads that are also measured in `f64`.
const BOTH_TYPES: [&str; 2] = ["w3", "w5"];

/// The most `f64` may take of the time of `f32`.
const TYPES_TARGET: f64 = 2.3;

/// Measures all points and writes the record.
pub(crate) fn sweep(programs: &[Program], plan: &Plan) -> Outcome {
    let ours = &programs[..1];
    let folder = tempfile::tempdir().map_err(|e| Failure::new(format!("no place for the workloads: {e}")))?;
    let mut cells: Vec<(String, u64, Workload)> = Vec::new();
    for axis in &AXES {
        for point in axis.points {
            let path = folder.path().join(format!("{}-{point}.toml", axis.name));
            cells.push((axis.name.to_owned(), *point, written(&path, &toml((axis.at)(*point)))?));
        }
    }
    for name in BOTH_TYPES {
        let workload = workload::find(&[name.to_owned()])?.remove(0);
        let source = fs::read_to_string(&workload.path).map_err(|e| Failure::new(format!("{name}: {e}")))?;
        let doubled = written(&folder.path().join(format!("{name}-f64.toml")), &format!("dtype = \"f64\"\n{source}"))?;
        cells.push((name.to_owned(), 32, workload));
        cells.push((name.to_owned(), 64, doubled));
    }
    let can_pin = environment::can_pin();
    let mut rows = Vec::new();
    for (axis, point, workload) in &cells {
        for threads in &plan.threads {
            let measured = measure::measure(ours, workload, *threads, can_pin && *threads == 1, plan);
            let measured = measured.map_err(|why| Failure::new(format!("{}: {why}", workload.name)))?;
            let timed = &measured.timed[0];
            let us = median(&timed.rounds);
            let work = Work::count(&workload.sizes, timed.ready.parameters);
            say(format_args!("{}: {us:.1} us", measure::label(workload, *threads)));
            rows.push(json!({
                "axis": axis, "point": point, "threads": threads, "us_per_step": us, "us_of_runs": timed.rounds,
                "batch": workload.sizes.batch, "parameters": timed.ready.parameters, "flops": work.flops, "held": work.held,
            }));
        }
    }
    let record = json!({
        "environment": environment::environment(&[], can_pin), "caches": caches(),
        "options": {"rounds": plan.rounds, "seconds": plan.seconds, "implementation": OURS}, "rows": rows,
    });
    let path = plan.json.clone().unwrap_or_else(|| crate::cmd::target().join("sweep.json"));
    store::write(&path, &record)?;
    say(format_args!("the record: {}", path.display()));
    Ok(())
}

fn toml([width, depth, batch]: [u64; 3]) -> String {
    let widths: Vec<String> = (0..=depth).map(|_| width.to_string()).chain([10.to_string()]).collect();
    format!(
        "about = \"a point of a sweep\"\nwidths = [{}]\nloss = \"cross_entropy\"\nbatch = {batch}\n[optimizer]\nrule = \"adam\"\nrate = 0.001\n",
        widths.join(", ")
    )
}

fn written(path: &Path, text: &str) -> Outcome<Workload> {
    fs::write(path, text).map_err(|e| Failure::new(format!("cannot write a workload: {e}")))?;
    Ok(workload::find(&[path.to_string_lossy().into_owned()])?.remove(0))
}

/// Sizes of the first core's caches, such as `L2 1024K`.
fn caches() -> Vec<String> {
    let at = |i: usize, key: &str| {
        let text = fs::read_to_string(format!("/sys/devices/system/cpu/cpu0/cache/index{i}/{key}")).ok()?;
        Some(text.trim().to_owned())
    };
    let kept = |i| Some((at(i, "type")?, at(i, "level")?, at(i, "size")?)).filter(|(kind, ..)| kind != "Instruction");
    (0..6).filter_map(kept).map(|(_, level, size)| format!("L{level} {size}")).collect()
}

/// The committed sweeps, by the names of their files.
pub(crate) fn section(root: &Path) -> Result<String, String> {
    let folder = root.join("docs").join("results").join("performance").join("sweeps");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    paths.sort();
    let mut page = String::new();
    for path in paths {
        let record: Value = fs::read_to_string(&path)
            .map_err(|e| e.to_string())
            .and_then(|text| serde_json::from_str(&text).map_err(|e| e.to_string()))
            .map_err(|e| format!("{}: {e}", path.display()))?;
        show(&mut page, &record, &path.file_name().unwrap_or_default().to_string_lossy());
    }
    Ok(page)
}

fn show(page: &mut String, record: &Value, file: &str) {
    let env = &record["environment"];
    let caches: Vec<String> = record["caches"].as_array().into_iter().flatten().map(text).collect();
    page.push_str(&format!(
        "\n## Cost of a sample: {}\n\nOur program alone: ReLU networks with ten outputs, Adam, cross-entropy, `f32`; one thing varied at a time \
         (width at 3 hidden layers and batch 128; depth at width 256 and batch 128; batch at width 512 and 3 hidden layers). Held: parameters, \
         gradients and Adam's moments. Caches of a core: {}. Commit {}, {}. [Record](results/performance/sweeps/{file})\n",
        text(&env["cpu"]),
        caches.join(", "),
        text(&env["commit"]).chars().take(12).collect::<String>(),
        text(&env["date"]),
    ));
    let rows: Vec<&Value> = record["rows"].as_array().into_iter().flatten().collect();
    let find = |axis: &str, point: &Value, threads: u64| {
        rows.iter().find(|r| r["axis"] == axis && r["point"] == *point && r["threads"] == threads)
    };
    let us = |axis: &str, point: &Value, threads: u64| find(axis, point, threads)?["us_per_step"].as_f64();
    for axis in &AXES {
        page.push_str(&format!(
            "\n| {} | held | us per sample, 1 thread | 2 threads | GFLOP/s, 1 thread | 2 threads | 2 threads over 1 |\n|---|---|---|---|---|---|---|\n",
            axis.name
        ));
        for row in rows.iter().filter(|r| r["axis"] == axis.name && r["threads"] == 1) {
            let (one, two) = (us(axis.name, &row["point"], 1), us(axis.name, &row["point"], 2));
            let batch = row["batch"].as_f64().unwrap_or(f64::NAN);
            let flops = row["flops"].as_f64().unwrap_or(f64::NAN);
            let shown = |x: Option<f64>| x.map_or_else(|| "-".to_owned(), short);
            line(
                page,
                &[
                    text(&row["point"]),
                    size(row["held"].as_f64()),
                    shown(one.map(|us| us / batch)),
                    shown(two.map(|us| us / batch)),
                    shown(one.map(|us| flops / (1e3 * us))),
                    shown(two.map(|us| flops / (1e3 * us))),
                    shown(two.zip(one).map(|(two, one)| two / one)),
                ],
            );
        }
    }
    page.push_str(&format!(
        "\n| workload | threads | `f32`, us | `f64`, us | `f64` over `f32` | at most {TYPES_TARGET} |\n|---|---|---|---|---|---|\n"
    ));
    for name in BOTH_TYPES {
        for threads in [1, 2] {
            let pair = us(name, &32.into(), threads).zip(us(name, &64.into(), threads));
            let Some((single, double)) = pair else { continue };
            let verdict = if double / single <= TYPES_TARGET { "reached" } else { "missed" };
            let cells = [name.into(), threads.to_string(), short(single), short(double), short(double / single)];
            line(page, &[cells.as_slice(), &[verdict.to_owned()]].concat());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_workloads() {
        for axis in &AXES {
            for point in axis.points {
                let sizes = workload::Sizes::parse(&toml((axis.at)(*point))).unwrap();
                let [width, depth, batch] = (axis.at)(*point);
                assert_eq!((sizes.widths[0], sizes.widths.len() as u64, sizes.batch), (width, depth + 2, batch));
            }
        }
    }

    #[test]
    fn a_record_is_shown() {
        let row = |axis: &str, point: u64, threads: u64, us: f64| json!({"axis": axis, "point": point, "threads": threads, "us_per_step": us, "batch": 128, "flops": 1e6, "held": 4096.0});
        let rows =
            [row("width", 16, 1, 128.0), row("width", 16, 2, 64.0), row("w3", 32, 1, 10.0), row("w3", 64, 1, 24.0)];
        let mut page = String::new();
        show(&mut page, &json!({"environment": {"cpu": "a chip"}, "caches": ["L2 1024K"], "rows": rows}), "a.json");
        assert!(page.contains("| 16 | 4 KiB | 1 | 0.5 | 7.81 | 15.6 | 0.5 |"), "{page}");
        assert!(page.contains("| w3 | 1 | 10 | 24 | 2.4 | missed |"), "{page}");
        assert!(page.contains("Caches of a core: L2 1024K."), "{page}");
    }

    #[test]
    fn the_committed_sweeps_are_readable() {
        section(&crate::cmd::root()).unwrap();
    }
}
