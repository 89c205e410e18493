//! Finding OpenBLAS: asked of pkg-config, then proven by linking a program against it.

use std::process::{Command, Stdio};

use crate::cmd::{Failure, Outcome, output};

/// Which library multiplies matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blas {
    /// The system's OpenBLAS.
    OpenBlas,
    /// Products of our own.
    Rust,
}

/// Turns `--blas auto|openblas|rust` into a choice.
pub(crate) fn resolve(wish: &str) -> Outcome<Blas> {
    match wish {
        "rust" => Ok(Blas::Rust),
        "auto" => Ok(if found() { Blas::OpenBlas } else { Blas::Rust }),
        "openblas" if found() => Ok(Blas::OpenBlas),
        "openblas" => Err(Failure::new(
            "OpenBLAS is not installed (pkg-config does not know it, or linking fails); `cargo xtask setup` shows how to install it, `--blas rust` does without",
        )),
        other => Err(Failure::usage(format!("--blas takes auto, openblas or rust, not `{other}`"))),
    }
}

/// Whether a program can be linked against OpenBLAS here.
pub(crate) fn found() -> bool {
    flags().is_some_and(|flags| links(&flags))
}

/// The version pkg-config reports.
pub(crate) fn version() -> Option<String> {
    output(Command::new("pkg-config").args(["--modversion", "openblas"])).map(|v| v.trim().to_owned())
}

fn flags() -> Option<Vec<String>> {
    let text = output(Command::new("pkg-config").args(["--libs", "openblas"]))?;
    Some(text.split_whitespace().map(str::to_owned).collect())
}

fn links(flags: &[String]) -> bool {
    use std::io::Write as _;
    let Ok(folder) = tempfile::tempdir() else { return false };
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let child = Command::new(compiler)
        .args(["-x", "c", "-", "-o"])
        .arg(folder.path().join("probe"))
        .args(flags)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return false };
    let source = b"void openblas_set_num_threads(int); int main(void) { openblas_set_num_threads(1); return 0; }\n";
    let written = child.stdin.take().is_some_and(|mut pipe| pipe.write_all(source).is_ok());
    child.wait().is_ok_and(|status| written && status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_checked() {
        assert_eq!(resolve("rust").unwrap(), Blas::Rust);
        let error = resolve("mkl").unwrap_err();
        assert_eq!(error.status, 2);
        assert!(error.message.contains("auto, openblas or rust"));
    }

    #[test]
    fn linking_against_nothing_that_exists_fails() {
        assert!(!links(&["-lno_such_library_anywhere".to_owned()]));
    }
}
