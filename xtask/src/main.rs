//! The project's commands: `cargo xtask run` runs the experiments, `cargo xtask test` passes the tests.
//!
//! This program depends on none of our crates, so it builds in seconds and can build and run the others with the right features.

mod bench;
mod blas;
mod builds;
mod check;
mod cmd;
mod counts;
mod experiments;
mod laws;
mod mutants;
mod parity;
mod proof;
mod prove;
mod publish;
mod setup;
mod tidy;
mod verify;

use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask COMMAND [OPTIONS]

  run [NAME...] [OPTIONS]   run experiments and write the report; without a name: the tour (at most 10 minutes)
  list [--json]             the experiments, one line each
  report [--out DIR]        build the report again from the records at hand
  publish [--out DIR]       records of runs into docs/results, with the page generated from them
  verify-report             a random sample of the published runs made again at their commit, compared bit by bit (--sample N, --seed S)
  data list|fetch|verify    the data sets: what there is, fetch one, check what is here
  setup [--yes]             how to install OpenBLAS here; with --yes, do it
  test                      all tests: units, laws, the rules of the repository, documentation examples
  docs                      the pages of docs/shelves from the tables of entries
  tidy                      the rules of the repository alone
  parity [--torch]          saved models read by Python's safetensors and numpy (and by PyTorch)
  prove [--quick]           the proof at full size (under an hour): tests, laws, errors, kills, mutants, into docs/results/proof.md
  laws                      laws x entries x element types of the last test or proof, and what was not run
  mutants [--sample N]      every backward formula made wrong in every way, one at a time: a test has to notice
  bench [NAME...]           steps of a workload (a name under benches/workloads, a file, or all) beside those of other libraries
  bench --install [PEER...] install the libraries it compares with (jax, tensorflow, torch, burn, candle, sklearn), or some of them
  bench --agree [NAME...]   whether those libraries compute the same: losses of five steps and the first update from one start
  bench --sweep             what a sample costs in our program against width, depth, batch and element type
  bench --page              docs/performance.md from the records under docs/results/performance
  counts [--write]          instructions of five steps of four workloads, against what is written down (needs valgrind)
  builds [--write]          crates that ours bring along and the time of a first build, for the record in docs/performance.md
  alone [CRATE...]          each library crate used from outside the workspace, with each of its features
  ci                        what continuous integration runs

options of run, list, report and data:
  --blas auto|openblas|rust which library multiplies matrices (auto: OpenBLAS where it is installed)
  all others are passed on: `cargo xtask run --help` shows them

options of bench:
  --peers jax,torch|none    which libraries (default: all that are installed)
  --threads 1,2             numbers of threads, each measured by itself (default 1,2)
  --rounds N                rounds in which every program has its turn, at least 5 (default 7)
  --seconds S               how long a program works in a round (default 0.3)
  --blas auto|openblas|rust whether our build with OpenBLAS is measured beside the default one (auto: where it is installed)
  --json FILE               where the record goes (default target/bench.json)";

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    if args.is_empty() {
        eprintln!("{HELP}");
        return ExitCode::from(2);
    }
    let command = args.remove(0);
    // The experiments tell their options themselves.
    let passed_on = ["run", "list", "report", "data"].contains(&command.as_str());
    if !passed_on && args.iter().any(|a| a == "--help" || a == "-h") {
        cmd::say(HELP);
        return ExitCode::SUCCESS;
    }
    let outcome = match command.as_str() {
        "run" | "list" | "report" | "data" => experiments::main(&command, args),
        "setup" => setup::main(args),
        "test" => check::test(args),
        "ci" => check::ci(args),
        "alone" => check::alone(args),
        "docs" => check::docs(args),
        "tidy" => tidy::main(args),
        "counts" => counts::main(args),
        "builds" => builds::main(args),
        "laws" => laws::main(args),
        "bench" => bench::main(args),
        "mutants" => mutants::main(args),
        "parity" => parity::main(args),
        "prove" => prove::main(args),
        "publish" => publish::main(args),
        "verify-report" => verify::main(args),
        "help" | "--help" | "-h" => {
            cmd::say(HELP);
            Ok(())
        }
        other => Err(cmd::Failure::usage(format!("there is no command `{other}`\n\n{HELP}"))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                eprintln!("xtask: {}", failure.message);
            }
            ExitCode::from(failure.status)
        }
    }
}
