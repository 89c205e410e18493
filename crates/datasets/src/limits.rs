//! How much a reader may take in.

/// How much a reader may take in: hostile or mistaken files are refused instead of filling the memory.
///
/// A size that a header declares is checked against these limits before anything is reserved, and memory is then
/// reserved as bytes are really decoded, so a small file cannot ask for much. While a buffer grows, the old and the new
/// one stand side by side: the peak of one read is below twice `bytes`, plus a megabyte.
///
/// ```
/// use layerwise_datasets::Limits;
/// let small = Limits { bytes: 1 << 20, ..Limits::default() };
/// assert!(small.columns == Limits::default().columns);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that one read may hold: the decoded bytes, and eight for each number of a table. 1 GiB.
    pub bytes: u64,
    /// Columns of a table. 65 536.
    pub columns: usize,
    /// Bytes of one field of a text (about: up to twice as many may pass). 1 MiB.
    pub field: usize,
    /// Distinct texts in one column of categories. 65 536.
    pub levels: usize,
    /// Members of an archive. 4096.
    pub members: usize,
    /// Bytes of the text header of an NPY file. 64 KiB.
    pub header: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 30, columns: 1 << 16, field: 1 << 20, levels: 1 << 16, members: 4096, header: 1 << 16 }
    }
}
