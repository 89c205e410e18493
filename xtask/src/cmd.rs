//! Running other programs, with their output on the terminal and their failures as values.

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Instant;

/// Why a command ended without success, and the status the process ends with.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) status: u8,
}

impl Failure {
    /// Something did not work.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), status: 1 }
    }

    /// The command line was wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), status: 2 }
    }
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Self {
        Self::usage(error.to_string())
    }
}

pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// `cargo` with these arguments, at the root.
pub(crate) fn cargo<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    command
}

/// Names the folder of examples compiled with the whole workspace. Cargo would compile most crates again for one package alone, whose
/// dependencies have fewer features.
pub(crate) const EXAMPLES: &str = "LAYERWISE_EXAMPLES";

/// Where the workspace is built.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The folder that a build of the workspace puts examples into.
pub(crate) fn examples() -> PathBuf {
    target().join("debug").join("examples")
}

/// An example in `folder` when it is there.
pub(crate) fn example(folder: Option<PathBuf>, name: &str) -> Option<Command> {
    let path = folder?.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let mut command = Command::new(&path);
    command.current_dir(root());
    path.exists().then_some(command)
}

/// Runs `command` to its end; its status is ours.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let shown = show(command);
    let status = command.status().map_err(|e| Failure::new(format!("cannot start `{shown}`: {e}")))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(Failure {
            message: format!("`{shown}` ended with status {code}"),
            status: u8::try_from(code).unwrap_or(1),
        }),
        None => Err(Failure { message: format!("`{shown}` was stopped by a signal"), status: 130 }),
    }
}

/// What `command` prints, or `None` if it cannot be run or fails.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let out = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).into_owned())
}

/// A line on the standard output; a reader that has gone away (`| head`) is no reason to panic.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A heading in the output of a long command, with the seconds since the first.
pub(crate) fn heading(text: &str) {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    let seconds = FIRST.get_or_init(Instant::now).elapsed().as_secs();
    say(format_args!("\n== {text} ({seconds} s)"));
}

fn show(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|a| a.to_string_lossy().into_owned()));
    if let Some(program) = Path::new(&words[0]).file_name() {
        words[0] = program.to_string_lossy().into_owned();
    }
    words.join(" ")
}
