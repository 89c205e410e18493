//! The peers: what they are called, which variants they have, where their programs lie and how they are installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cmd::{Failure, Outcome, cargo, heading, root, run, target};

/// A folder that holds ready virtual environments `NAME/bin/python`.
const PLACE: &str = "LAYERWISE_PEERS";

/// A library we compare ourselves with.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) variants: &'static [&'static str],
    language: Language,
}

#[derive(Clone, Copy, PartialEq)]
enum Language {
    Python,
    Rust,
}

const PEERS: &[Peer] = &[
    Peer { name: "jax", variants: &["jit", "scan"], language: Language::Python },
    Peer { name: "tensorflow", variants: &["graph", "xla"], language: Language::Python },
    Peer { name: "torch", variants: &["eager", "fused", "compile"], language: Language::Python },
    Peer { name: "burn", variants: &["flex"], language: Language::Rust },
    Peer { name: "candle", variants: &["default"], language: Language::Rust },
    Peer { name: "sklearn", variants: &["default"], language: Language::Python },
];

/// PyTorch as people run it: what the second target of a workload is against.
pub(crate) const TORCH: [&str; 2] = ["torch-eager", "torch-fused"];

/// The names of all peers.
pub(crate) fn names() -> Vec<String> {
    PEERS.iter().map(|p| p.name.to_owned()).collect()
}

/// The peers with these names, in the order of the table.
pub(crate) fn named(names: &[String]) -> Vec<&'static Peer> {
    PEERS.iter().filter(|p| names.iter().any(|n| n == p.name)).collect()
}

/// A program of the comparison: what its rows are called and how it is started, less workload and number of threads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Program {
    pub(crate) implementation: String,
    pub(crate) words: Vec<PathBuf>,
    pub(crate) variant: String,
}

impl Peer {
    /// One program for each variant, or none if the peer is not installed.
    pub(crate) fn programs(&self) -> Option<Vec<Program>> {
        let words = match self.language {
            Language::Python => vec![self.python()?, self.source()],
            Language::Rust => vec![
                target()
                    .join("peers")
                    .join(self.name)
                    .join("release")
                    .join(format!("peer{}", std::env::consts::EXE_SUFFIX)),
            ],
        };
        words.iter().all(|word| word.is_file()).then(|| {
            let program = |variant: &&str| Program {
                implementation: match *variant {
                    "default" => self.name.to_owned(),
                    variant => format!("{}-{variant}", self.name),
                },
                words: words.clone(),
                variant: (*variant).to_owned(),
            };
            self.variants.iter().map(program).collect()
        })
    }

    /// What to do about it where it is not installed.
    pub(crate) fn how(&self) -> String {
        format!("`cargo xtask bench --install {}` installs it", self.name)
    }

    /// What its program is made from.
    fn source(&self) -> PathBuf {
        match self.language {
            Language::Python => script(self.name),
            Language::Rust => root().join("benches").join("peers").join(self.name).join("Cargo.toml"),
        }
    }

    fn python(&self) -> Option<PathBuf> {
        let ready = std::env::var_os(PLACE).map(|folder| PathBuf::from(folder).join(self.name));
        let places = ready.into_iter().chain([environment(self.name)]);
        places.map(|place| python_of(&place)).find(|python| python.is_file())
    }

    fn install(&self) -> Outcome {
        match self.language {
            Language::Python => {
                let folder = root().join("benches").join("peers").join("python");
                let requirements = folder.join(format!("requirements-{}.txt", self.name));
                if !requirements.is_file() {
                    return Err(Failure::new(format!("{} is missing", requirements.display())));
                }
                let place = environment(self.name);
                run(Command::new("python3").args(["-m", "venv"]).arg(&place))?;
                let mut pip = Command::new(python_of(&place));
                run(pip.args(["-m", "pip", "install", "--disable-pip-version-check", "-r"]).arg(requirements))
            }
            Language::Rust => {
                let mut build = cargo(["build", "--release", "--locked", "--manifest-path"]);
                build.arg(self.source()).arg("--target-dir").arg(target().join("peers").join(self.name));
                run(&mut build)
            }
        }
    }
}

/// Installs the peers with these names, each by itself: one that fails does not keep the others from being installed.
pub(crate) fn install(names: &[String]) -> Outcome {
    let mut failures = Vec::new();
    for peer in named(names) {
        heading(&format!("installing {}", peer.name));
        failures.extend(peer.install().err().map(|failure| format!("{}: {}", peer.name, failure.message)));
    }
    if failures.is_empty() { Ok(()) } else { Err(Failure::new(format!("not installed: {}", failures.join("; ")))) }
}

fn environment(name: &str) -> PathBuf {
    target().join("peers").join(name)
}

fn python_of(environment: &Path) -> PathBuf {
    if cfg!(windows) { environment.join("Scripts").join("python.exe") } else { environment.join("bin").join("python") }
}

fn script(name: &str) -> PathBuf {
    root().join("benches").join("peers").join("python").join(format!("peer_{name}.py"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pytorch_as_people_run_it_is_measured() {
        let torch = named(&["torch".to_owned()]);
        for name in TORCH {
            assert!(torch[0].variants.iter().any(|v| format!("torch-{v}") == name), "{name}");
        }
    }

    #[test]
    fn a_missing_peer_says_how_it_is_installed() {
        let nowhere = Peer { name: "no-such-peer", variants: &["default"], language: Language::Rust };
        assert!(nowhere.programs().is_none());
        let jax = &PEERS[0];
        assert_eq!(jax.how(), "`cargo xtask bench --install jax` installs it");
        for peer in PEERS {
            let needed = match peer.language {
                Language::Python => format!("requirements-{}.txt", peer.name),
                Language::Rust => "Cargo.lock".to_owned(),
            };
            assert!(peer.source().is_file() && peer.source().with_file_name(needed).is_file(), "{}", peer.name);
        }
    }
}
