//! What can go wrong with data from outside.

use std::path::{Path, PathBuf};

/// What can go wrong with data from outside: every message names the file, the place in it, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The bytes are not what the format says they are.
    #[error("{file}: {place}: {problem}; {remedy}")]
    Format {
        /// The file, or "the input" when read from a reader.
        file: String,
        /// Where in the file: a line and column, a byte, a member of an archive.
        place: String,
        /// What was expected and what was found.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// The data are larger than [`Limits`](crate::Limits) allows.
    #[error(
        "{file}: {place}: {need} {unit} wanted, the limit is {limit}; check that the file is what you think, or raise `Limits::{setting}`"
    )]
    Limit {
        /// The file, or "the input" when read from a reader.
        file: String,
        /// Where in the file.
        place: String,
        /// How many are declared or were met.
        need: u64,
        /// What is counted.
        unit: &'static str,
        /// How many are allowed.
        limit: u64,
        /// The field of [`Limits`](crate::Limits) to raise.
        setting: &'static str,
    },
    /// The operating system refused.
    #[error("{file}: {doing}: {source}; {remedy}")]
    Io {
        /// The file, or "the input" when read from a reader.
        file: String,
        /// What was being done.
        doing: String,
        /// Its reason.
        source: std::io::Error,
        /// What to do.
        remedy: String,
    },
    /// A catalogued file is not there.
    #[error("{file}: no such file; {remedy}", file = file.display())]
    Missing {
        /// Where it was looked for.
        file: PathBuf,
        /// What to do.
        remedy: String,
    },
    /// A file has other bytes than the catalogue says.
    #[error("{file}: expected SHA-256 {expected}, found {found}; {remedy}", file = file.display())]
    Checksum {
        /// The file.
        file: PathBuf,
        /// The catalogued checksum.
        expected: String,
        /// The checksum of the bytes at hand.
        found: String,
        /// What to do.
        remedy: String,
    },
    /// A table has no column of that name.
    #[error("no column `{name}`; the table has {known}")]
    UnknownColumn {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The catalogue has no data set of that name.
    #[error("no data set `{name}`; the catalogue has {known}")]
    UnknownDataset {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The values do not fit the use: a schema that differs, a missing value where none may be.
    #[error("{place}: {problem}; {remedy}")]
    Table {
        /// The column or the operation.
        place: String,
        /// What was expected and what was found.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// A download did not work.
    #[error("{url}: {problem}; {remedy}")]
    Download {
        /// The address.
        url: String,
        /// What happened.
        problem: String,
        /// What to do instead.
        remedy: String,
    },
}

const INPUT: &str = "the input";

impl DataError {
    /// The same error with the file named, for errors of a reader that does not know its file.
    #[must_use]
    pub fn in_file(mut self, path: &Path) -> Self {
        if let Self::Format { file, .. } | Self::Limit { file, .. } | Self::Io { file, .. } = &mut self
            && file == INPUT
        {
            *file = path.display().to_string();
        }
        self
    }

    pub(crate) fn format(place: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Format { file: INPUT.into(), place: place.into(), problem: problem.into(), remedy: remedy.into() }
    }

    pub(crate) fn limit(
        place: impl Into<String>,
        need: u64,
        unit: &'static str,
        limit: u64,
        setting: &'static str,
    ) -> Self {
        Self::Limit { file: INPUT.into(), place: place.into(), need, unit, limit, setting }
    }

    pub(crate) fn io(doing: impl Into<String>, source: std::io::Error, remedy: impl Into<String>) -> Self {
        Self::Io { file: INPUT.into(), doing: doing.into(), source, remedy: remedy.into() }
    }

    pub(crate) fn table(place: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Table { place: place.into(), problem: problem.into(), remedy: remedy.into() }
    }

    /// A member of an archive is a place around the place inside it.
    pub(crate) fn in_member(mut self, member: &str) -> Self {
        if let Self::Format { place, .. } | Self::Limit { place, .. } = &mut self {
            *place = format!("member `{member}`, {place}");
        }
        self
    }
}

/// Names in backquotes; a long list is cut.
pub(crate) fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 40;
    let (count, mut text) = (names.len(), String::new());
    for (i, name) in names.take(SHOWN).enumerate() {
        text.push_str(if i > 0 { ", `" } else { "`" });
        text.push_str(name);
        text.push('`');
    }
    if count > SHOWN {
        text.push_str(&format!(" and {} more", count - SHOWN));
    }
    if count == 0 { "none".to_owned() } else { text }
}
