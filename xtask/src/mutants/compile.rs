//! Compiling the copy: mutants that the compiler refuses are taken out until it accepts the rest.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::rewrite::blamed;
use super::tree::{self, CRATES, Tree};
use crate::cmd::{Failure, Outcome, cargo, say, target};

/// Compiles as often as needed; gives the tree and its test binaries.
pub(crate) fn compile() -> Outcome<(Tree, Vec<PathBuf>)> {
    let memory = tree::home().join("refused.json");
    let mut refused: BTreeSet<String> =
        fs::read(&memory).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    for _ in 0..20 {
        let tree = tree::write(&refused)?;
        say(format_args!("compiling {} mutants at once ({} refused so far)", tree.mutants.len(), tree.refused));
        let (binaries, errors) = attempt(&tree)?;
        if errors.is_empty() {
            return Ok((tree, binaries));
        }
        let before = refused.len();
        let mut orphans = Vec::new();
        for (file, at, message) in errors {
            let place = tree.places.get(&file).and_then(|places| blamed(places, at));
            match place {
                Some(ids) => {
                    refused.extend(ids.iter().filter_map(|id| tree.mutants.get(*id as usize)).map(|m| m.key()))
                }
                None => orphans.push(format!("{file} at byte {at}: {message}")),
            }
        }
        if refused.len() == before {
            return Err(Failure::new(format!("the mutated crates do not compile:\n{}", orphans.join("\n"))));
        }
        let text = serde_json::to_string_pretty(&refused).unwrap_or_default();
        fs::write(&memory, text).map_err(|e| Failure::new(format!("cannot write {}: {e}", memory.display())))?;
    }
    Err(Failure::new("the mutated crates do not compile even without what the compiler refused in 20 attempts"))
}

type Complaint = (String, usize, String);

/// One build: the test binaries, or what the compiler complains about (file, byte, message).
fn attempt(tree: &Tree) -> Outcome<(Vec<PathBuf>, Vec<Complaint>)> {
    let mut build: Command = cargo(["test", "--no-run", "--quiet", "--message-format=json"]);
    for tested in &CRATES {
        build.args(["--package", tested.package, "--test", tested.test]);
    }
    let out = build
        .current_dir(&tree.folder)
        // Beside the crates themselves: what both depend on is compiled once.
        .env("CARGO_TARGET_DIR", target())
        .stderr(Stdio::piped())
        .output()
        .map_err(|e| Failure::new(format!("cannot start cargo: {e}")))?;
    let (mut binaries, mut errors) = (Vec::new(), Vec::new());
    for line in String::from_utf8_lossy(&out.stdout).lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
        match message["reason"].as_str() {
            Some("compiler-artifact") => binaries.extend(message["executable"].as_str().map(PathBuf::from)),
            Some("compiler-message") if message["message"]["level"] == "error" => {
                let said = &message["message"];
                let spans = said["spans"].as_array().into_iter().flatten();
                for span in spans.filter(|s| s["is_primary"] == true) {
                    let file = span["file_name"].as_str().unwrap_or_default();
                    let at = span["byte_start"].as_u64().unwrap_or(0) as usize;
                    errors.push((file.to_owned(), at, said["message"].as_str().unwrap_or_default().to_owned()));
                }
            }
            _ => {}
        }
    }
    if errors.is_empty() && !out.status.success() {
        return Err(Failure::new(format!(
            "the mutated crates do not build:\n{}",
            String::from_utf8_lossy(&out.stderr)
        )));
    }
    Ok((binaries, errors))
}
