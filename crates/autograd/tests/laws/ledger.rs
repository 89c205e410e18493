//! What `cargo xtask test` and `prove` ask of the laws here, and what they get to add up.

use std::fs::OpenOptions;
use std::io::Write as _;

/// The gradient check held for `cases` cases of the operation `entry`, with this largest relative error; a line of JSON in the file that
/// `LAYERWISE_LEDGER` names, if it names one.
pub(crate) fn gradient_ran(entry: &str, cases: u32, error: f64) {
    let Some(path) = std::env::var_os("LAYERWISE_LEDGER") else { return };
    let line = format!(
        "{{\"law\": \"gradient\", \"shelf\": \"operation\", \"entry\": \"{entry}\", \"dtype\": \"f64\", \"cases\": {cases}, \"error\": {error:e}}}\n"
    );
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
    written.unwrap_or_else(|e| panic!("LAYERWISE_LEDGER {}: {e}", path.display()));
}

/// The number of random cases: `count`, times what `LAYERWISE_CASES` says (`cargo xtask prove` asks for more).
pub(crate) fn times(count: u32) -> u32 {
    count * std::env::var("LAYERWISE_CASES").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1)
}
