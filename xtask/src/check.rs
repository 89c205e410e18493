//! `test`, `ci`, `alone`: everything that must hold, by one command each.

use std::fs;
use std::path::Path;

use crate::blas;
use crate::cmd::{EXAMPLES, Failure, Outcome, cargo, example, examples, heading, output, root, run, say};
use crate::counts;
use crate::laws::{self, Ledger};
use crate::mutants;
use crate::parity;

/// All tests: units, laws, the rules of the repository (which are tests of this program), documentation examples.
pub(crate) fn test(args: Vec<String>) -> Outcome {
    let data = data_folder();
    match &data {
        Some(folder) => say(format_args!("testing with the data in {folder}")),
        None => say("testing without data sets: tests that need them say `skipped`"),
    }
    heading("units, laws, rules of the repository");
    let ledger = laws::fresh()?;
    let mut tests = cargo(["test", "--workspace", "--all-targets", "--exclude", "layerwise-benches"]);
    tests.args(&args).env("LAYERWISE_LEDGER", &ledger);
    if args.is_empty() {
        // Tests and checks call these programs. Beside all tests they cost a link; by themselves most crates would be compiled again.
        let build = ["build", "--workspace", "--exclude", "layerwise-benches", "--example", "experiments"];
        run(cargo(build).args(["--example", "save_models"]))?;
        tests.env(EXAMPLES, examples());
    }
    run(with_data(&mut tests, &data))?;
    // A part of the tests, chosen on the command line, need not be all laws.
    if args.is_empty() {
        heading("laws x entries x element types");
        Ledger::read(&ledger)?.print()?;
    }
    heading("documentation examples");
    run(with_data(cargo(["test", "--workspace", "--doc"]).args(&args), &data))
}

/// Writes the pages of the shelves; a law compares them with the tables.
pub(crate) fn docs(args: Vec<String>) -> Outcome {
    if !args.is_empty() {
        return Err(Failure::usage("docs takes no options"));
    }
    run(&mut cargo(["run", "--quiet", "--package", "layerwise-tests", "--example", "write_shelves"]))
}

/// What continuous integration runs: the README's two commands in small, and the checks around them.
pub(crate) fn ci(args: Vec<String>) -> Outcome {
    if !args.is_empty() {
        return Err(Failure::usage("ci takes no options"));
    }
    heading("format");
    run(&mut cargo(["fmt", "--all", "--check"]))?;
    heading("lints");
    run(&mut cargo(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    test(Vec::new())?;
    heading("documentation without warnings");
    run(cargo(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "--deny warnings"))?;
    heading("every experiment in small");
    let out = root().join("target").join("ci-runs");
    // As the tests have compiled it; an optimised build takes longer than it saves.
    let mut smoke = example(Some(examples()), "experiments")
        .ok_or_else(|| Failure::new(format!("the tests left no program `experiments` in {}", examples().display())))?;
    smoke.args(["run", "--all", "--fresh", "--profile", "smoke", "--out"]);
    run(with_data(smoke.arg(out), &data_folder()))?;
    heading("a sample of mutants of the backward formulas");
    mutants::sample()?;
    heading("parity");
    parity::check(false, Some(examples()))?;
    if counts::possible() {
        heading("instructions of a few steps");
        counts::main(Vec::new())?;
    } else {
        say("skipped: instructions of a few steps (valgrind is not here)");
    }
    if blas::found() {
        heading("the tests of the kernels with OpenBLAS");
        run(cargo(["test", "--package", "layerwise-tensor", "--features", "openblas"]).arg("--quiet"))?;
    }
    heading("all is well");
    Ok(())
}

/// Each library crate by itself, with each of its features: tested, documented, and its README's example run by a consumer outside
/// the workspace.
pub(crate) fn alone(args: Vec<String>) -> Outcome {
    let has_blas = blas::found();
    for (name, path, features) in libraries()? {
        if !args.is_empty() && !args.contains(&name) {
            continue;
        }
        let mut sets = vec![String::new()];
        sets.extend(features.into_iter().filter(|f| f != "default" && (f != "openblas" || has_blas)));
        for set in sets {
            heading(&format!("{name} alone{}", if set.is_empty() { String::new() } else { format!(" with {set}") }));
            let features = if set.is_empty() { Vec::new() } else { vec!["--features", &set] };
            run(with_data(cargo(["test", "--quiet", "--package", &name]).args(&features), &data_folder()))?;
            run(cargo(["doc", "--quiet", "--no-deps", "--package", &name])
                .args(&features)
                .env("RUSTDOCFLAGS", "--deny warnings"))?;
            consume(&name, &path, &set)?;
        }
    }
    Ok(())
}

/// A package outside the workspace that depends on `name` and on what else the README's first example names; that is its program.
fn consume(name: &str, path: &Path, feature: &str) -> Outcome {
    let io = |e: std::io::Error| Failure::new(format!("cannot write the consumer of {name}: {e}"));
    let folder = tempfile::tempdir().map_err(io)?;
    let readme = fs::read_to_string(path.join("README.md")).map_err(io)?;
    let example =
        first_rust_block(&readme).ok_or_else(|| Failure::new(format!("{name}: README.md has no Rust example")))?;
    let features = if feature.is_empty() { String::new() } else { format!(", features = [\"{feature}\"]") };
    let mut manifest = format!(
        "[package]\nname = \"consumer\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{name} = {{ path = {path:?}{features} }}\n"
    );
    for (other, folder, _) in libraries()?.iter().filter(|(other, ..)| other != name) {
        if example.contains(&format!("{}::", other.replace('-', "_"))) {
            manifest.push_str(&format!("{other} = {{ path = {folder:?} }}\n"));
        }
    }
    for (krate, requirement) in [("ndarray", "0.17"), ("serde_json", "1"), ("rayon", "1")] {
        let named = example.match_indices(&format!("{krate}::")).any(|(at, _)| !example[..at].ends_with("::"));
        if named {
            manifest.push_str(&format!("{krate} = \"{requirement}\"\n"));
        }
    }
    fs::write(folder.path().join("Cargo.toml"), manifest).map_err(io)?;
    fs::create_dir(folder.path().join("src")).map_err(io)?;
    let program = if example.contains("fn main") {
        example
    } else {
        // Documentation examples end by naming the error type of their `?`; a `main` has its own.
        let body: Vec<&str> = example.lines().filter(|l| !l.starts_with("Ok::<")).collect();
        format!("fn main() -> Result<(), Box<dyn std::error::Error>> {{\n{}\nOk(())\n}}\n", body.join("\n"))
    };
    fs::write(folder.path().join("src/main.rs"), program).map_err(io)?;
    // The workspace's lock file keeps the consumer on the versions we test.
    fs::copy(root().join("Cargo.lock"), folder.path().join("Cargo.lock")).map_err(io)?;
    let target = root().join("target").join("alone");
    run(cargo(["run", "--quiet", "--release"]).current_dir(folder.path()).env("CARGO_TARGET_DIR", &target))
}

/// The first block of Rust, marked so or not marked at all, without the hidden-line marks of documentation examples.
fn first_rust_block(text: &str) -> Option<String> {
    let mut lines = text.lines();
    while let Some(fence) = lines.by_ref().find_map(|l| l.strip_prefix("```")) {
        let block: Vec<&str> = lines.by_ref().take_while(|l| !l.starts_with("```")).collect();
        if fence.is_empty() || fence.starts_with("rust") {
            let shown = block.iter().map(|l| l.strip_prefix("# ").unwrap_or(if *l == "#" { "" } else { l }));
            return Some(shown.collect::<Vec<_>>().join("\n"));
        }
    }
    None
}

/// The published crates: name, folder, features.
fn libraries() -> Outcome<Vec<(String, std::path::PathBuf, Vec<String>)>> {
    let text = output(&mut cargo(["metadata", "--no-deps", "--format-version", "1"]))
        .ok_or_else(|| Failure::new("`cargo metadata` failed"))?;
    let metadata: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| Failure::new(format!("cargo metadata is not JSON: {e}")))?;
    let mut found = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        if package["publish"].as_array().is_some_and(Vec::is_empty) {
            continue;
        }
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let features = package["features"].as_object().map(|f| f.keys().cloned().collect()).unwrap_or_default();
        found.push((
            package["name"].as_str().unwrap_or_default().to_owned(),
            manifest.parent().unwrap_or(manifest).to_path_buf(),
            features,
        ));
    }
    Ok(found)
}

/// The folder of data sets: the one named in the environment, or the one beside the checkout where the project is developed.
pub(crate) fn data_folder() -> Option<String> {
    if let Ok(named) = std::env::var("LAYERWISE_DATA") {
        return Some(named);
    }
    let beside = root().parent()?.join("shared").join("data");
    beside.is_dir().then(|| beside.to_string_lossy().into_owned())
}

pub(crate) fn with_data<'a>(
    command: &'a mut std::process::Command,
    data: &Option<String>,
) -> &'a mut std::process::Command {
    if let Some(folder) = data {
        command.env("LAYERWISE_DATA", folder);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_example_is_found() {
        let text = "# Title\n\n```text\nno\n```\n\n```rust\n# use x::y;\n#\n#[test]\nlet a = 1;\n```\n```rust\nlet b = 2;\n```\n";
        assert_eq!(first_rust_block(text).unwrap(), "use x::y;\n\n#[test]\nlet a = 1;");
        assert_eq!(first_rust_block("```\nlet a = 1;\n```").unwrap(), "let a = 1;");
        assert!(first_rust_block("nothing").is_none() && first_rust_block("```text\nno\n```\n").is_none());
    }
}
