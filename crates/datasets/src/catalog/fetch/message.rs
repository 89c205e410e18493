//! What to say when fetching fails: always with what to do instead.

use crate::catalog::convert::Convert;
use crate::catalog::entry::Source;
use crate::error::DataError;
use std::path::Path;

pub(super) fn disk(doing: &str, path: &Path, error: std::io::Error) -> DataError {
    DataError::io(doing, error, "check the disk and the permissions of the data folder").in_file(path)
}

pub(super) fn failed(source: &Source, target: &Path, problem: String) -> DataError {
    DataError::Download { url: source.url.clone(), problem, remedy: by_hand(source, target) }
}

pub(super) fn other_bytes(source: &Source, target: &Path, expected: &str, found: String) -> DataError {
    let problem = format!("SHA-256 {expected} expected ({}), {found} found", source.sha256_note);
    let remedy = format!("the address serves another version; {}", by_hand(source, target));
    DataError::Download { url: source.url.clone(), problem, remedy }
}

fn by_hand(source: &Source, target: &Path) -> String {
    let tried = if source.url_tried { "" } else { " (an address that was never tried)" };
    let convert = match source.convert {
        Convert::Keep => String::new(),
        convert => format!(", converted: {}", convert.describe()),
    };
    format!(
        "check the network and the proxy and fetch again (what came is kept), or copy the file{tried} by hand to {}{convert}",
        target.display()
    )
}
