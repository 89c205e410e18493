//! Lines for whoever reads the output.

use std::io::Write as _;

/// Writes a line; a reader who has gone (`| head`) is no error.
pub(super) fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
