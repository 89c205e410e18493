//! Runs experiments and writes the report; see `layerwise-experiments --help`.

fn main() -> std::process::ExitCode {
    layerwise_experiments::cli::main(std::env::args_os().skip(1))
}
