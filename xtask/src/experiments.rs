//! `run`, `list`, `report`, `data`: builds the experiments with the right features and hands the command line on.

use std::path::Path;

use crate::blas::{self, Blas};
use crate::cmd::{Failure, Outcome, cargo, root, run, say};

pub(crate) fn main(command: &str, args: Vec<String>) -> Outcome {
    let (wish, rest) = take_blas(args)?;
    let asks_help = rest.iter().any(|a| a == "--help" || a == "-h");
    // The same features for every command, though only products care: other features would build everything anew.
    let backend = blas::resolve(&wish)?;
    let mut features = Vec::new();
    if backend == Blas::OpenBlas {
        features.push("openblas");
    }
    if command == "data" && rest.first().is_some_and(|a| a == "fetch") {
        features.push("download");
    }
    if command == "run" && !asks_help {
        announce(&rest, backend);
    }
    build(&features)?;
    let mut program = cargo(["run", "--release", "--quiet", "--package", "layerwise-experiments"]);
    if !features.is_empty() {
        program.args(["--features", &features.join(",")]);
    }
    program.arg("--").arg(command).args(&rest);
    run(&mut program).map_err(|mut failure| {
        // The program has said what is wrong in its own words.
        failure.message.clear();
        failure
    })
}

/// Builds with cargo's progress visible; the run itself is quiet.
fn build(features: &[&str]) -> Outcome {
    let mut build = cargo(["build", "--release", "--package", "layerwise-experiments"]);
    if !features.is_empty() {
        build.args(["--features", &features.join(",")]);
    }
    run(&mut build)
}

fn take_blas(args: Vec<String>) -> Outcome<(String, Vec<String>)> {
    let mut wish = "auto".to_owned();
    let mut rest = Vec::with_capacity(args.len());
    let mut args = args.into_iter();
    let mut portable = false;
    while let Some(arg) = args.next() {
        if arg == "--blas" {
            wish = args.next().ok_or_else(|| Failure::usage("--blas needs a value: auto, openblas or rust"))?;
        } else if let Some(value) = arg.strip_prefix("--blas=") {
            wish = value.to_owned();
        } else {
            if arg == "--portable" {
                portable = true;
            }
            rest.push(arg);
        }
    }
    match (portable, wish.as_str()) {
        (true, "openblas") => Err(Failure::usage("--portable is without OpenBLAS: leave out `--blas openblas`")),
        (true, _) => Ok(("rust".to_owned(), rest)),
        (false, _) => Ok((wish, rest)),
    }
}

/// The first line of a run: what will happen and how long it takes.
fn announce(args: &[String], backend: Blas) {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    let built = Path::new(&target).join("release").join("layerwise-experiments").exists();
    let compile = if built { "compiling what changed" } else { "compiling once (about 5 minutes on two cores)" };
    let what =
        if names_experiments(args) { "running the experiments named" } else { "running the tour (at most 10 minutes)" };
    let library = match backend {
        Blas::OpenBlas => format!("products by OpenBLAS {}", blas::version().unwrap_or_default()),
        Blas::Rust => "products in pure Rust".to_owned(),
    };
    say(format_args!(
        "{compile}, then {what}, {library}; the report's place is the last line. Ctrl-C is safe: the same command goes on."
    ));
}

/// Whether the line names experiments, or `--all`: a word that is neither an option nor an option's value.
fn names_experiments(args: &[String]) -> bool {
    const FLAGS: [&str; 4] = ["--all", "--fresh", "--portable", "--json"];
    let mut words = args.iter();
    while let Some(word) = words.next() {
        if word == "--all" || !word.starts_with('-') {
            return true;
        }
        if !word.contains('=') && !FLAGS.contains(&word.as_str()) {
            words.next();
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_options_are_no_names() {
        let named = |line: &str| names_experiments(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert!(!named("") && !named("--out runs --profile quick") && !named("--fresh --seeds=2"));
        assert!(named("mnist-mlp") && named("--out runs mnist-mlp") && named("--all --fresh"));
    }

    #[test]
    fn the_backend_is_taken_out_of_the_line() {
        let args = ["mnist-mlp", "--blas", "rust", "--seeds", "2"].map(str::to_owned).to_vec();
        let (wish, rest) = take_blas(args).unwrap();
        assert_eq!(wish, "rust");
        assert_eq!(rest, ["mnist-mlp", "--seeds", "2"]);
        assert_eq!(take_blas(vec!["--blas=openblas".to_owned()]).unwrap().0, "openblas");
        assert_eq!(take_blas(vec!["--blas".to_owned()]).unwrap_err().status, 2);
        assert_eq!(take_blas(vec!["--portable".to_owned()]).unwrap().0, "rust");
        let both = ["--portable", "--blas", "openblas"].map(str::to_owned).to_vec();
        assert_eq!(take_blas(both).unwrap_err().status, 2);
    }
}
