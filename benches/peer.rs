//! Our side of the comparison with other libraries: a program that does a workload's steps when it is told to.
//!
//! `peer WORKLOAD.toml THREADS [VARIANT [START AFTER]]`; what it reads and writes is described in `workloads/README.md`. `peer --probe
//! THREADS` says what the machine can do, `peer --start WORKLOAD.toml START` writes what the check of agreement begins with.

use std::io::{BufRead, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use layerwise::nn::{AnyLoss, AnyModule, Loss, Module};
use layerwise::tensor::kernel::{self, team};
use layerwise::tensor::{DType, Scalar};
use layerwise_benches::{Prepared, Workload, probe};
use serde_json::{Value, json};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("peer: {message}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), String> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [workload, threads, more @ ..] = args.as_slice() else {
        return Err(
            "usage: peer WORKLOAD.toml THREADS [VARIANT [START AFTER]], peer --start WORKLOAD.toml START, or peer \
                    --probe THREADS"
                .into(),
        );
    };
    if let ("--start", [file]) = (workload.as_str(), more) {
        let workload = Workload::read(Path::new(threads))?;
        let bytes = match workload.dtype {
            DType::F32 => workload.prepare::<f32>()?.start(),
            DType::F64 => workload.prepare::<f64>()?.start(),
        };
        return std::fs::write(file, bytes).map_err(|e| format!("{file}: {e}"));
    }
    let threads = threads.parse().ok().filter(|n| *n > 0);
    let threads = threads.ok_or_else(|| format!("THREADS is a number above 0, not `{}`", args[1]))?;
    if workload == "--probe" {
        let limits = probe(threads)?;
        let bandwidth = limits.bandwidth.iter().map(|(bytes, gb_s)| json!({"bytes": bytes, "gb_s": gb_s}));
        return say(&json!({"gflops": limits.gflops, "bandwidth_gb_s": bandwidth.collect::<Vec<_>>()}));
    }
    let workload = Workload::read(Path::new(workload))?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|e| e.to_string())?;
    match (workload.dtype, more) {
        (DType::F32, [_, start, after]) => agree(&pool, &mut workload.prepare::<f32>()?, start, after),
        (DType::F64, [_, start, after]) => agree(&pool, &mut workload.prepare::<f64>()?, start, after),
        (DType::F32, _) => serve(&pool, &mut workload.prepare::<f32>()?),
        (DType::F64, _) => serve(&pool, &mut workload.prepare::<f64>()?),
    }
}

/// Steps from the file `start` into the file `after`.
fn agree<T: Scalar>(
    pool: &rayon::ThreadPool,
    prepared: &mut Prepared<T>,
    start: &str,
    after: &str,
) -> Result<(), String>
where
    Box<dyn AnyModule>: Module<T>,
    Box<dyn AnyLoss>: Loss<T>,
{
    let bytes = std::fs::read(start).map_err(|e| format!("{start}: {e}"))?;
    let result = pool.install(|| team(|| prepared.agree(&bytes)))?;
    std::fs::write(after, result).map_err(|e| format!("{after}: {e}"))
}

/// Answers line by line until the input ends.
fn serve<T: Scalar>(pool: &rayon::ThreadPool, prepared: &mut Prepared<T>) -> Result<(), String>
where
    Box<dyn AnyModule>: Module<T>,
    Box<dyn AnyLoss>: Loss<T>,
{
    say(&json!({
        "ready": true,
        "implementation": "layerwise",
        "version": env!("CARGO_PKG_VERSION"),
        "backend": format!("{} {}", kernel::backend(), kernel::cpu_level()),
        "parameters": prepared.parameters(),
        "first_step_us": pool.install(|| team(|| steps(prepared, 1))),
    }))?;
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|e| e.to_string())?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let (count, us) = match words.as_slice() {
            ["warm", seconds] => {
                let seconds: f64 = seconds.parse().map_err(|_| format!("`{line}` names no time"))?;
                pool.install(|| team(|| warm(prepared, seconds)))
            }
            ["round", count] => {
                let count: usize = count.parse().map_err(|_| format!("`{line}` names no number"))?;
                (count, pool.install(|| team(|| steps(prepared, count))))
            }
            ["end"] => break,
            _ => return Err(format!("`{line}` is neither `warm SECONDS` nor `round N` nor `end`")),
        };
        say(&json!({"steps": count, "us_per_step": us}))?;
    }
    say(&json!({"peak_rss_mb": peak_rss_mb()}))
}

/// Microseconds per step of `count` steps.
fn steps<T: Scalar>(prepared: &mut Prepared<T>, count: usize) -> f64
where
    Box<dyn AnyModule>: Module<T>,
    Box<dyn AnyLoss>: Loss<T>,
{
    let start = Instant::now();
    for _ in 0..count {
        std::hint::black_box(prepared.step());
    }
    start.elapsed().as_secs_f64() * 1e6 / count.max(1) as f64
}

/// Steps for some seconds, at least three: how many, and the microseconds of each.
fn warm<T: Scalar>(prepared: &mut Prepared<T>, seconds: f64) -> (usize, f64)
where
    Box<dyn AnyModule>: Module<T>,
    Box<dyn AnyLoss>: Loss<T>,
{
    let (start, mut count) = (Instant::now(), 0);
    while count < 3 || start.elapsed().as_secs_f64() < seconds {
        std::hint::black_box(prepared.step());
        count += 1;
    }
    (count, start.elapsed().as_secs_f64() * 1e6 / count as f64)
}

/// The most memory this process ever held, where the system says it.
fn peak_rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}

fn say(answer: &Value) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{answer}").and_then(|()| out.flush()).map_err(|e| e.to_string())
}
