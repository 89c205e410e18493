//! (not an entry) What the catalogue knows of a data set.

use super::convert::Convert;

/// One data set of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatasetEntry {
    /// Its name: `mnist`, `adbench/6_cardio`, `wdbc`.
    pub name: String,
    /// What it is, in one line.
    pub title: &'static str,
    /// How it is loaded.
    pub family: Family,
    /// Number of rows.
    pub rows: usize,
    /// Number of features, the label not counted.
    pub cols: usize,
    /// Under which licence it may be used.
    pub licence: &'static str,
    /// Whom to cite.
    pub citation: &'static str,
    /// The files it consists of.
    pub files: Vec<FileEntry>,
    /// How to come by them.
    pub fetch: Fetch,
}

/// How a data set is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Family {
    /// Four IDX files: images and labels, to train and to test.
    Images,
    /// An NPZ file with `X` and `y` (1: anomalous).
    Anomalies {
        /// Number of anomalous rows.
        anomalies: usize,
    },
    /// A CSV file with a column of classes.
    Table {
        /// The column of classes.
        target: &'static str,
        /// Columns that are no features (numbers of patients).
        ignore: &'static [&'static str],
    },
}

/// One file of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Where it lies in the data folder.
    pub path: String,
    /// SHA-256 of the file as it lies there (after the converter, where there is one), in hexadecimal digits.
    pub sha256: &'static str,
}

/// How to come by the files of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fetch {
    /// From public addresses, one for each file.
    Files(Vec<Source>),
    /// By hand: no public file is known that a converter of ours turns into ours.
    Manual {
        /// What to get and what to do with it.
        what: &'static str,
    },
}

/// Where one file comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The address of the public file.
    pub url: String,
    /// SHA-256 of the public file, where it is known.
    pub sha256: Option<&'static str>,
    /// Where the checksum comes from, and how sure it is.
    pub sha256_note: &'static str,
    /// What turns the public file into ours.
    pub convert: Convert,
    /// Whether the address was tried and gave the right bytes. (The catalogue was written without a network.)
    pub url_tried: bool,
    /// The file of the data set that it becomes.
    pub path: String,
}
