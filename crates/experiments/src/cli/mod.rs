//! The command line: `run`, `list`, `report`, `data`.

mod args;
mod data;
mod list;
mod run;
mod say;

use args::{Command, parse};
use say::say;
use std::ffi::OsString;
use std::process::ExitCode;

pub use list::list_json;

/// What stands under `--help`.
pub const HELP: &str = "\
layerwise-experiments: runs experiments and writes the report

usage:
  run [NAME...]      runs the named experiments, or the tour when none is named
  list [--json]      lists the experiments
  report             writes the pages again from the records; with --records DIR also from committed ones
  data list          lists the data sets and says which are at hand
  data fetch NAME... fetches data sets (needs the feature `download`)
  data verify        checks the files at hand against their checksums

options of run:
  --all              all experiments
  --profile P        smoke (seconds), quick (minutes; the default) or full (hours)
  --seeds N          number of seeds; default 1, 3, 5 by profile unless the experiment says more
  --seed S           the first seed; default 0
  --threads N        threads in all; default: the cores. The bits do not depend on it
  --jobs N           runs at a time, sharing the threads
  --set path=value   changes a number in the configurations, such as `epochs=5` or `mnist-mlp.epochs=5`
  --grid path=a,b    runs every variant with each of the values
  --portable         products of our own and vectors of 256 bits, whatever the machine has beyond: the same instructions, so the
                     same bits, on every processor with AVX2 (the default build gives those bits at any width, but faster)
  --budget B         what is equal where depths are compared: equal-parameters (the default), equal-flops or equal-time
  --fresh            makes all runs anew; otherwise what is done (same configuration, seed and data) is taken over
  --shard i/n        only every n-th run of the list, from the i-th (counted from 0), and no record: for job arrays;
                     the same command without it gathers
  --only VARIANT     only this variant
  --records DIR      takes over from committed records such as docs/results: whole experiments where they hold the same runs, and
                     single runs of experiments that are not done

options of all:
  --data DIR         the data folder; default: $LAYERWISE_DATA, then the cache folder
  --out DIR          the folder of the records; default: runs

exit status: 0 all ran, whatever the verdicts; 1 something crashed; 2 wrong command line
";

/// Why a command ended early.
#[derive(Debug)]
pub enum Failure {
    /// The command line is wrong: status 2.
    Usage(String),
    /// Something broke: status 1.
    Broken(String),
}

/// Does what the arguments say; the exit status is 0, 1 (something crashed) or 2 (wrong command line).
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match parse(arguments).and_then(obey) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(Failure::Usage(message)) => {
            eprintln!("error: {message}\nhelp: `--help` shows what there is");
            ExitCode::from(2)
        }
        Err(Failure::Broken(message)) => {
            eprintln!("error: {message}");
            ExitCode::from(1)
        }
    }
}

/// Whether all went well.
fn obey(command: Command) -> Result<bool, Failure> {
    match command {
        Command::Help => say(HELP.trim_end()),
        Command::Version => say(format!("layerwise-experiments {}", env!("CARGO_PKG_VERSION"))),
        Command::List { json } => list::list(json)?,
        Command::Report { out, records } => {
            let index = crate::report::write(&out, records.as_deref()).map_err(|e| Failure::Broken(e.to_string()))?;
            say(format!("report: {}", index.display()));
        }
        Command::Run(options) => return run::run(*options),
        Command::Data { action, home } => return data::data(action, home),
    }
    Ok(true)
}
