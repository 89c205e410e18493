//! What the Rust peers have in common: they begin alike, and answer the lines that `benches/workloads/README.md` describes.

use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use serde_json::{Value, json};

use crate::agreement;
use crate::workload::{BATCHES, Batch, Workload};

/// A library, as its program's first line names it.
pub(crate) struct Library {
    pub(crate) name: &'static str,
    /// The only variant; `default` is not said.
    pub(crate) variant: &'static str,
    pub(crate) backend: &'static str,
    /// The `Cargo.lock` of the program, which knows the library's version.
    pub(crate) lock: &'static str,
}

/// A workload ready to run in a library.
pub(crate) trait Peer: Sized {
    /// What a step computes: its loss, or the outputs where there is none.
    type Output;

    /// Network, optimizer and data; or why the library cannot do this workload.
    fn prepare(workload: Workload, batches: Vec<Batch>) -> Result<Self, String>;

    /// Number of trainable values, counted in the network.
    fn parameters(&self) -> usize;

    /// One step on batch `i` of those that take turns.
    fn step(&mut self, i: usize) -> Self::Output;

    /// Waits for all results.
    fn wait(&mut self) {}

    /// The numbers of what a step computed.
    fn numbers(&self, output: Self::Output) -> Vec<f64>;

    /// All trainable values in the order of the check of agreement.
    fn read(&self) -> Vec<f64>;

    /// Takes such values over.
    fn load(&mut self, values: &[f64]);
}

/// The program.
pub(crate) fn main<P: Peer>(library: &Library) -> ExitCode {
    match run::<P>(library) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{}: {message}", library.name);
            ExitCode::from(2)
        }
    }
}

fn run<P: Peer>(library: &Library) -> Result<(), String> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, threads, variant, check @ ..] = args.as_slice() else {
        return Err("usage: peer WORKLOAD.toml THREADS VARIANT [START AFTER]".into());
    };
    if variant != library.variant {
        return Err(format!("there is no variant `{variant}`; choose {}", library.variant));
    }
    let count = threads.parse().ok().filter(|n| *n > 0);
    let count: usize = count.ok_or_else(|| format!("THREADS is a number above 0, not `{threads}`"))?;
    if std::env::var(THREADS).as_ref() != Ok(threads) {
        return again(threads);
    }
    // This thread is one of the pool's: nothing is handed over between it and the others that it can do itself.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(count).use_current_thread();
    pool.build_global().map_err(|e| e.to_string())?;
    let workload = Workload::read(Path::new(file))?;
    let (expected, kind) = (workload.parameters(), (workload.loss, workload.dtype));
    let (start, batches) = match check {
        [start, _] => {
            let (start, batch) = agreement::read(Path::new(start), &workload)?;
            (start, vec![batch])
        }
        _ => (Vec::new(), workload.data()),
    };
    let mut peer = match P::prepare(workload, batches) {
        Ok(peer) => peer,
        Err(why) => return say(&json!({"ready": false, "why": why})),
    };
    let parameters = peer.parameters();
    if parameters != expected {
        return Err(format!("{parameters} parameters where the workload has {expected}"));
    }
    if let [_, after] = check {
        return agreement::write(&mut peer, &start, kind, Path::new(after));
    }
    let mut peer = Steps { peer, next: 0 };
    let implementation = match library.variant {
        "default" => library.name.to_owned(),
        variant => format!("{}-{variant}", library.name),
    };
    let first = peer.run(1);
    say(&json!({
        "ready": true,
        "implementation": implementation,
        "version": version(library),
        "backend": library.backend,
        "parameters": parameters,
        "first_step_us": first,
    }))?;
    serve(&mut peer)
}

/// The variable that libraries read for their number of threads.
const THREADS: &str = "RAYON_NUM_THREADS";

/// Runs this program once more, with the variables set before any library can have read them. The allocator keeps the memory it has:
/// given back after each step, it would cost a fault a page in the next.
fn again(threads: &str) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).env(THREADS, threads).env("MIMALLOC_PURGE_DELAY", "-1");
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        Err(command.exec().to_string())
    }
    #[cfg(not(unix))]
    {
        let status = command.status().map_err(|e| e.to_string())?;
        std::process::exit(status.code().unwrap_or(2))
    }
}

fn serve<P: Peer>(peer: &mut Steps<P>) -> Result<(), String> {
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|e| e.to_string())?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let (count, us) = match words.as_slice() {
            ["warm", seconds] => peer.warm(seconds.parse().map_err(|_| format!("`{line}` names no time"))?),
            ["round", count] => {
                let count = count.parse().map_err(|_| format!("`{line}` names no number"))?;
                (count, peer.run(count))
            }
            ["end"] => break,
            _ => return Err(format!("`{line}` is neither `warm SECONDS` nor `round N` nor `end`")),
        };
        say(&json!({"steps": count, "us_per_step": us}))?;
    }
    say(&json!({"peak_rss_mb": peak_rss_mb()}))
}

/// A peer and the number of its next step.
struct Steps<P> {
    peer: P,
    next: usize,
}

impl<P: Peer> Steps<P> {
    fn one(&mut self) {
        std::hint::black_box(self.peer.step(self.next % BATCHES));
        self.next += 1;
    }

    /// Microseconds per step of `count` steps.
    fn run(&mut self, count: usize) -> f64 {
        let start = Instant::now();
        (0..count).for_each(|_| self.one());
        self.peer.wait();
        start.elapsed().as_secs_f64() * 1e6 / count.max(1) as f64
    }

    /// Steps for some seconds, at least three: how many, and the microseconds of each.
    fn warm(&mut self, seconds: f64) -> (usize, f64) {
        let (start, mut count) = (Instant::now(), 0);
        while count < 3 || start.elapsed().as_secs_f64() < seconds {
            self.one();
            self.peer.wait();
            count += 1;
        }
        (count, start.elapsed().as_secs_f64() * 1e6 / count as f64)
    }
}

/// The version of the library that its program was built with.
fn version(library: &Library) -> &'static str {
    // Candle's own crate is called candle-core.
    let entries = library.lock.split("[[package]]");
    let of = |entry: &'static str, key: &str| {
        entry.lines().find_map(|line| Some(line.strip_prefix(key)?.strip_prefix(" = \"")?.trim_end_matches('"')))
    };
    let names = [library.name.to_owned(), format!("{}-core", library.name)];
    let mut ours = entries.filter(|entry| of(entry, "name").is_some_and(|name| names.iter().any(|n| n == name)));
    ours.next().and_then(|entry| of(entry, "version")).unwrap_or("unknown")
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
