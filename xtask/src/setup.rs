//! `setup`: how to install OpenBLAS with this system's package manager.

use std::process::Command;

use crate::blas;
use crate::cmd::{Failure, Outcome, run, say};

/// A package manager: the program that shows it is here, and the command that installs OpenBLAS.
struct Manager {
    program: &'static str,
    install: &'static [&'static str],
}

const MANAGERS: &[Manager] = &[
    Manager { program: "apt-get", install: &["apt-get", "install", "-y", "libopenblas-dev", "pkg-config"] },
    Manager { program: "dnf", install: &["dnf", "install", "-y", "openblas-devel", "pkgconf-pkg-config"] },
    Manager { program: "pacman", install: &["pacman", "-S", "--noconfirm", "openblas", "pkgconf"] },
    Manager { program: "zypper", install: &["zypper", "install", "-y", "openblas-devel", "pkg-config"] },
    Manager { program: "apk", install: &["apk", "add", "openblas-dev", "pkgconf"] },
    Manager { program: "brew", install: &["brew", "install", "openblas", "pkg-config"] },
];

pub(crate) fn main(args: Vec<String>) -> Outcome {
    let yes = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => false,
        ["--yes"] => true,
        other => return Err(Failure::usage(format!("setup takes --yes or nothing, not `{}`", other.join(" ")))),
    };
    if blas::found() {
        say(format_args!("OpenBLAS {} is installed and links: nothing to do.", blas::version().unwrap_or_default()));
        return Ok(());
    }
    let Some(manager) = MANAGERS.iter().find(|m| on_path(m.program)) else {
        say(
            "No known package manager is here. Install OpenBLAS with its headers and pkg-config by hand; without it all works, in pure Rust.",
        );
        return Ok(());
    };
    let line = command_line(manager);
    if !yes {
        say(format_args!(
            "OpenBLAS is optional. To install it:\n\n    {line}\n\n`cargo xtask setup --yes` runs this command."
        ));
        return Ok(());
    }
    say(format_args!("running: {line}"));
    let mut words = line.split_whitespace();
    let program = words.next().unwrap_or_default();
    run(Command::new(program).args(words))?;
    if blas::found() {
        say(format_args!(
            "OpenBLAS {} is installed; `cargo xtask run` uses it from now on.",
            blas::version().unwrap_or_default()
        ));
        Ok(())
    } else {
        Err(Failure::new(
            "the package is installed, yet linking against OpenBLAS fails: is `pkg-config --libs openblas` right?",
        ))
    }
}

/// The install command, with `sudo` where it is needed and at hand.
fn command_line(manager: &Manager) -> String {
    let plain = manager.install.join(" ");
    let is_root = crate::cmd::output(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    if manager.program == "brew" || is_root || !on_path("sudo") { plain } else { format!("sudo {plain}") }
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_manager_installs_openblas() {
        for manager in MANAGERS {
            assert!(manager.install.iter().any(|w| w.contains("openblas")), "{}", manager.program);
            assert!(command_line(manager).contains(manager.program));
        }
    }

    #[test]
    fn an_unknown_word_is_refused() {
        assert_eq!(main(vec!["--maybe".to_owned()]).unwrap_err().status, 2);
    }
}
