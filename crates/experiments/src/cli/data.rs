//! `data list`, `data fetch`, `data verify`.

use super::Failure;
use super::args::DataAction;
use std::path::PathBuf;

/// Does what is asked; whether all went well.
pub(super) fn data(action: DataAction, home: Option<PathBuf>) -> Result<bool, Failure> {
    let _ = (action, home);
    Err(Failure::Broken("the catalogue of data sets is not built yet".into()))
}
