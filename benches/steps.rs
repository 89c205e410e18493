//! Times whole training steps: `cargo run --release -p layerwise-benches --bin steps -- [NAME..] [--threads 1,2] [--f64]`.
//!
//! A workload is a file under `benches/workloads/`; a new one needs no code. Printed are microseconds per step: median, fastest and
//! slowest of the rounds.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use layerwise::nn::{AnyLoss, AnyModule, Loss, Module};
use layerwise::tensor::Scalar;
use layerwise::tensor::kernel::team;
use layerwise_benches::Workload;
use lexopt::ValueExt;

const ROUNDS: usize = 7;
/// Seconds of a round, which fix its number of steps.
const ROUND: f64 = 0.4;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("steps: {message}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), String> {
    let (mut names, mut threads, mut double) = (Vec::new(), vec![1, 2], false);
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next().map_err(|e| e.to_string())? {
        match arg {
            lexopt::Arg::Value(name) => names.push(name.string().map_err(|e| e.to_string())?),
            lexopt::Arg::Long("threads") => {
                let list = args.value().and_then(|v| v.string()).map_err(|e| e.to_string())?;
                let parse = |word: &str| word.parse().map_err(|_| format!("--threads takes numbers, not `{word}`"));
                threads = list.split(',').map(parse).collect::<Result<_, _>>()?;
            }
            lexopt::Arg::Long("f64") => double = true,
            other => return Err(other.unexpected().to_string()),
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("workloads");
    println!(
        "{:>10} {:>7} {:>12} {:>12} {:>12} {:>12}",
        "workload", "threads", "parameters", "median us", "fastest", "slowest"
    );
    for path in files(&folder, &names)? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let workload = Workload::read(&path)?;
        for &threads in &threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|e| e.to_string())?;
            let (parameters, mut times) =
                pool.install(|| team(|| if double { time::<f64>(&workload) } else { time::<f32>(&workload) }))?;
            times.sort_by(f64::total_cmp);
            let (median, last) = (times[times.len() / 2], times[times.len() - 1]);
            println!("{name:>10} {threads:>7} {parameters:>12} {median:>12.1} {:>12.1} {last:>12.1}", times[0]);
        }
    }
    Ok(())
}

/// Microseconds per step of each round, after a warm-up.
fn time<T: Scalar>(workload: &Workload) -> Result<(usize, Vec<f64>), String>
where
    Box<dyn AnyModule>: Module<T>,
    Box<dyn AnyLoss>: Loss<T>,
{
    let mut prepared = workload.prepare::<T>()?;
    let start = Instant::now();
    let mut steps = 0;
    while steps < 3 || start.elapsed().as_secs_f64() < ROUND {
        std::hint::black_box(prepared.step());
        steps += 1;
    }
    let times = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        for _ in 0..steps {
            std::hint::black_box(prepared.step());
        }
        start.elapsed().as_secs_f64() * 1e6 / steps as f64
    });
    let times = times.collect();
    Ok((prepared.parameters(), times))
}

fn files(folder: &Path, names: &[String]) -> Result<Vec<PathBuf>, String> {
    if !names.is_empty() {
        return Ok(names.iter().map(|n| folder.join(format!("{n}.toml"))).collect());
    }
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut paths: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "toml")).collect();
    paths.sort();
    Ok(paths)
}
