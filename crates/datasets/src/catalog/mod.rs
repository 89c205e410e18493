//! The catalogue of data sets: what each is, where it comes from, how to check it and how to load it.
//!
//! Files lie in a folder laid out as `mnist/`, `fashion-mnist/`, `adbench/`, `tabular/` ([`DataDir`]). Nothing here looks for that folder:
//! the caller names it.

mod convert;
mod dir;
mod entry;
#[cfg(feature = "download")]
mod fetch;
mod load;
mod table;
mod verify;

pub use convert::Convert;
pub use dir::DataDir;
pub use entry::{DatasetEntry, Family, Fetch, FileEntry, Source};
#[cfg(feature = "download")]
pub use fetch::{Fetcher, Progress, fetch};
pub use load::{Loaded, Tabular, adbench, fashion_mnist, load, mnist, tabular, wdbc};
pub use table::{find, table};
pub use verify::{sha256, verify, verify_all};
