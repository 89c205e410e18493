//! What the laws did, entry by entry, for a program to add up: `cargo xtask test` prints the table and fails where a law is missing.
//!
//! Each line is a JSON object, appended to the file that `LAYERWISE_LEDGER` names; without that variable nothing is written.

use std::fs::OpenOptions;
use std::io::Write as _;

use serde_json::{Value, json};

/// A law as it applies to the entries of one shelf.
///
/// Five laws are asked of every shelf: `gradient`, `types` (`f32` agrees with `f64`), `threads` (the same bits at any number of them),
/// `file` (written and read back, it is the same) and `parity` (PyTorch's numbers). Others are counted where they run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Law {
    pub(crate) name: &'static str,
    pub(crate) shelf: &'static str,
}

/// The law `name` on `shelf`.
pub(crate) const fn law(name: &'static str, shelf: &'static str) -> Law {
    Law { name, shelf }
}

/// The element types a law ran in.
pub(crate) const BOTH: &[&str] = &["f32", "f64"];
/// One element type.
pub(crate) const DOUBLE: &[&str] = &["f64"];

impl Law {
    /// It held for `cases` cases of `entry`.
    pub(crate) fn ran(self, entry: &str, types: &[&str], cases: usize) {
        self.ran_within(entry, types, cases, None);
    }

    /// It held with this largest relative error.
    pub(crate) fn ran_to(self, entry: &str, types: &[&str], cases: usize, error: f64) {
        self.ran_within(entry, types, cases, Some(error));
    }

    /// It does not hold for `entry`, or cannot be asked.
    pub(crate) fn not_run(self, entry: &str, reason: &str) {
        write(&json!({"law": self.name, "shelf": self.shelf, "entry": entry, "not_run": reason}));
    }

    fn ran_within(self, entry: &str, types: &[&str], cases: usize, error: Option<f64>) {
        for dtype in types {
            let mut line =
                json!({"law": self.name, "shelf": self.shelf, "entry": entry, "dtype": dtype, "cases": cases});
            if let Some(error) = error {
                line["error"] = json!(error);
            }
            write(&line);
        }
    }
}

/// Says which entries a shelf has: each of them needs its laws.
pub(crate) fn entries<'a>(shelf: &str, names: impl IntoIterator<Item = &'a str>) {
    for name in names {
        write(&json!({"shelf": shelf, "entry": name}));
    }
}

fn write(line: &Value) {
    let Some(path) = std::env::var_os("LAYERWISE_LEDGER") else { return };
    let file = OpenOptions::new().create(true).append(true).open(&path);
    // One write for each line: laws run side by side.
    let written = file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    written.unwrap_or_else(|e| panic!("LAYERWISE_LEDGER {}: {e}", path.display()));
}
