//! `parity`: what we save is read by Python's safetensors and numpy, and by PyTorch under its own names.

use std::path::PathBuf;
use std::process::Command;

use crate::cmd::{Failure, Outcome, cargo, example, heading, output, root, run, say};

pub(crate) fn main(args: Vec<String>) -> Outcome {
    let torch = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => false,
        ["--torch"] => true,
        other => return Err(Failure::usage(format!("parity takes --torch or nothing, not `{}`", other.join(" ")))),
    };
    check(torch, None)
}

/// The same with examples that are compiled already.
pub(crate) fn check(torch: bool, examples: Option<PathBuf>) -> Outcome {
    heading("a saved model");
    let folder = tempfile::tempdir().map_err(|e| Failure::new(format!("cannot make a temporary folder: {e}")))?;
    let save = ["run", "--quiet", "--package", "layerwise-tests", "--example", "save_models", "--"];
    run(example(examples, "save_models").unwrap_or_else(|| cargo(save)).arg(folder.path()))?;

    heading("read by safetensors and numpy");
    let python = python(&["numpy", "safetensors"], &["numpy", "safetensors"])?;
    run(Command::new(&python).arg(root().join("tests/parity/read_model.py")).arg(folder.path()))?;
    if torch {
        heading("read by PyTorch");
        let python = self::python(&["torch", "safetensors"], &["numpy", "safetensors", "torch"])?;
        run(Command::new(&python).arg(root().join("tests/parity/torch_model.py")).arg(folder.path()))?;
    }
    Ok(())
}

/// A Python that has `modules`: the one named by `LAYERWISE_PYTHON`, the system's, or one of our own under `target/`.
fn python(modules: &[&str], packages: &[&str]) -> Outcome<PathBuf> {
    let has = |program: &PathBuf| {
        let import = modules.iter().map(|m| format!("import {m}")).collect::<Vec<_>>().join("; ");
        output(Command::new(program).args(["-c", &import])).is_some()
    };
    let named = std::env::var_os("LAYERWISE_PYTHON").map(PathBuf::from);
    let folder = root().join("target").join("parity-python");
    let own = folder.join("bin").join("python");
    for candidate in named.into_iter().chain([PathBuf::from("python3"), own.clone()]) {
        if has(&candidate) {
            return Ok(candidate);
        }
    }
    say(format_args!("installing {} into {}", packages.join(", "), folder.display()));
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(&own).args(["-m", "pip", "install", "--quiet"]).args(packages))?;
    if has(&own) {
        Ok(own)
    } else {
        Err(Failure::new(format!(
            "Python cannot import {}: install {} and name that Python in LAYERWISE_PYTHON",
            modules.join(", "),
            packages.join(", ")
        )))
    }
}
