//! The program `layerwise-experiments` as the tests compile it: continuous integration need not compile everything once more for it.

fn main() -> std::process::ExitCode {
    layerwise_experiments::cli::main(std::env::args_os().skip(1))
}
