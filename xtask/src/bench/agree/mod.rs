//! `bench --agree`: whether the programs do the same work. Each begins with the same parameters and takes steps on the same batch;
//! `benches/workloads/README.md` describes the files. Dropout is off, since every library draws its own numbers.
//!
//! In `f32` rounding alone parts the ways of deep networks within a few steps, so that only the first loss is compared; the update and the
//! losses after it are compared in `f64`, which all libraries know.

mod judge;

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use toml::Table;

use crate::cmd::{Failure, Outcome, run, say};

use super::args::Plan;
use super::measure::label;
use super::peers::Program;
use super::workload::{self, Sizes};

/// Compares all programs with ours, which is the first, on the workloads of the plan.
pub(crate) fn agree(programs: &[Program], plan: &Plan) -> Outcome {
    let folder = tempfile::tempdir().map_err(|e| Failure::new(format!("cannot make a temporary folder: {e}")))?;
    let path = |name: &str| folder.path().join(name);
    let (file, start, after) = (path("workload.toml"), path("start"), path("after"));
    let mut failures = Vec::new();
    for workload in workload::find(&plan.names)? {
        for text in variants(&workload.path)? {
            let sizes = Sizes::parse(&text).map_err(Failure::new)?;
            std::fs::write(&file, text).map_err(|e| Failure::new(format!("cannot write {}: {e}", file.display())))?;
            run(Command::new(&programs[0].words[0]).arg("--start").args([&file, &start]))?;
            let begun = read(&start, sizes.element)?;
            for threads in &plan.threads {
                let label = format!("{} in f{}", label(&workload, *threads), 8 * sizes.element);
                let files = [file.as_os_str(), start.as_os_str(), after.as_os_str()];
                steps(&programs[0], files, *threads).map_err(|e| Failure::new(format!("{label}: ours: {e:?}")))?;
                let ours = read(&after, sizes.element)?;
                for program in &programs[1..] {
                    let name = &program.implementation;
                    let (good, text) = match steps(program, files, *threads) {
                        Ok(()) => judge::verdict(&sizes, name, &begun, &ours, &read(&after, sizes.element)?),
                        Err(Ended::Refused(why)) => (true, format!("takes no part: {why}")),
                        Err(Ended::Failed(why)) => (false, format!("fails: {why}")),
                    };
                    say(format_args!("{label}: {name}: {text}"));
                    if !good {
                        failures.push(format!("{name} on {label}"));
                    }
                }
            }
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(Failure::new(format!("without agreement: {}", failures.join(", ")))) }
}

/// Why a program has written nothing.
#[derive(Debug, PartialEq)]
enum Ended {
    /// It cannot do this workload.
    Refused(String),
    Failed(String),
}

/// Runs a program from the file `start` to the file `after`.
fn steps(program: &Program, [file, start, after]: [&OsStr; 3], threads: usize) -> Result<(), Ended> {
    drop(std::fs::remove_file(after));
    let mut words = program.words.iter();
    let mut command = Command::new(words.next().map(|w| w.as_os_str()).unwrap_or_default());
    command.args(words).arg(file).arg(threads.to_string()).arg(&program.variant).args([start, after]);
    let output = command.output().map_err(|e| Ended::Failed(format!("it cannot be started: {e}")))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let first: Option<Value> = said.lines().next().and_then(|line| serde_json::from_str(line).ok());
    match first.unwrap_or_default()["why"].as_str() {
        Some(why) => Err(Ended::Refused(why.to_owned())),
        None if output.status.success() && Path::new(after).is_file() => Ok(()),
        None => {
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            let last = errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
            Err(Ended::Failed(format!("{}: {}", output.status, last.trim())))
        }
    }
}

/// The texts of a workload's file without dropout: in `f64`, and in its own type where that is another.
fn variants(path: &Path) -> Outcome<Vec<String>> {
    let bad = |e: String| Failure::new(format!("{}: {e}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|e| bad(e.to_string()))?;
    let mut own: Table = text.parse().map_err(|e: toml::de::Error| bad(e.to_string()))?;
    own.remove("dropout");
    let mut wide = own.clone();
    wide.insert("dtype".to_owned(), "f64".into());
    let mut both = vec![wide, own];
    both.dedup();
    both.iter().map(|table| toml::to_string(table).map_err(|e| bad(e.to_string()))).collect()
}

/// The numbers of a file, `element` bytes each.
fn read(path: &Path, element: u64) -> Outcome<Vec<f64>> {
    let bytes = std::fs::read(path).map_err(|e| Failure::new(format!("cannot read {}: {e}", path.display())))?;
    Ok(match element {
        8 => bytes.chunks_exact(8).filter_map(|c| Some(f64::from_le_bytes(c.try_into().ok()?))).collect(),
        _ => bytes.chunks_exact(4).filter_map(|c| Some(f32::from_le_bytes(c.try_into().ok()?).into())).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropout_is_left_out_and_the_wide_type_comes_first() {
        let find = |name: &str| workload::find(&[name.to_owned()]).unwrap().remove(0).path;
        let [wide, own] = <[String; 2]>::try_from(variants(&find("w3")).unwrap()).unwrap();
        assert!(!wide.contains("dropout =") && !own.contains("dropout ="));
        assert_eq!([wide, own].map(|text| Sizes::parse(&text).unwrap().element), [8, 4]);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.toml");
        std::fs::write(&file, "widths = [3, 2]\nbatch = 1\nloss = \"none\"\ndtype = \"f64\"").unwrap();
        assert_eq!(variants(&file).unwrap().len(), 1);
    }

    #[test]
    fn numbers_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("numbers");
        std::fs::write(&file, [0.5f64.to_le_bytes(), (-3.0f64).to_le_bytes()].concat()).unwrap();
        assert_eq!(read(&file, 8).unwrap(), [0.5, -3.0]);
        std::fs::write(&file, [0.5f32.to_le_bytes(), (-3.0f32).to_le_bytes()].concat()).unwrap();
        assert_eq!(read(&file, 4).unwrap(), [0.5, -3.0]);
        assert!(read(&folder.path().join("nothing"), 4).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_program_writes_refuses_or_fails() {
        let folder = tempfile::tempdir().unwrap();
        let after = folder.path().join("after");
        let ended = |script: &str| {
            let words = ["sh", "-c", script].map(Into::into).to_vec();
            let program = Program { implementation: "x".to_owned(), words, variant: "default".to_owned() };
            steps(&program, ["file".as_ref(), "start".as_ref(), after.as_os_str()], 2)
        };
        // `$0` to `$4` are workload, threads, variant, start and after.
        assert_eq!(ended("echo $0 $1 $2 $3 > $4"), Ok(()));
        assert_eq!(std::fs::read_to_string(&after).unwrap(), "file 2 default start\n");
        assert_eq!(ended(r#"echo '{"ready": false, "why": "no norms"}'"#), Err(Ended::Refused("no norms".to_owned())));
        let Err(Ended::Failed(why)) = ended("echo gone >&2; exit 3") else { panic!("it has not failed") };
        assert!(why.contains('3') && why.ends_with("gone"), "{why}");
        // What an earlier program wrote is not taken for its own.
        assert!(matches!(ended("true"), Err(Ended::Failed(_))));
    }
}
