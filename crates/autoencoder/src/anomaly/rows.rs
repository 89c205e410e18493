//! Rows from a table or an array, and whether they fit what a detector was fitted on.

use std::borrow::Cow;

use layerwise_datasets::{Schema, Table};
use ndarray::{Array2, ArrayView2};

use super::gaps::Gaps;
use crate::error::AutoencoderError;

/// Rows to fit on or to score: a [`Table`], whose columns are known by name, or an array `(rows, features)`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Rows<'a> {
    /// A table.
    Table(&'a Table),
    /// An array; its columns are called `x0`, `x1`, ... when a detector is fitted on it.
    Array(ArrayView2<'a, f64>),
}

impl<'a> From<&'a Table> for Rows<'a> {
    fn from(table: &'a Table) -> Self {
        Rows::Table(table)
    }
}

impl<'a> From<ArrayView2<'a, f64>> for Rows<'a> {
    fn from(array: ArrayView2<'a, f64>) -> Self {
        Rows::Array(array)
    }
}

impl<'a> From<&'a Array2<f64>> for Rows<'a> {
    fn from(array: &'a Array2<f64>) -> Self {
        Rows::Array(array.view())
    }
}

impl<'a> Rows<'a> {
    /// The rows as a table to fit on, complete unless there may be gaps.
    pub(super) fn to_fit(self, gaps: Gaps) -> Result<Cow<'a, Table>, AutoencoderError> {
        let table = match self {
            Rows::Table(table) => Cow::Borrowed(table),
            Rows::Array(array) => Cow::Owned(Table::from_array(array.to_owned())?),
        };
        require_values(&table, gaps)?;
        Ok(table)
    }

    /// The rows as a table of this schema, to score, complete unless there may be gaps. An array must have the columns in their order.
    pub(super) fn to_score(self, schema: &Schema, gaps: Gaps) -> Result<Cow<'a, Table>, AutoencoderError> {
        let table = match self {
            Rows::Table(table) => {
                require_columns(schema, table.schema())?;
                Cow::Borrowed(table)
            }
            Rows::Array(array) => Cow::Owned(Table::new(schema.clone(), array.to_owned())?),
        };
        require_values(&table, gaps)?;
        Ok(table)
    }
}

/// Refuses gaps where there may be none, and rows that are nothing else.
fn require_values(table: &Table, gaps: Gaps) -> Result<(), AutoencoderError> {
    if gaps != Gaps::Refuse {
        let nothing = |row: ndarray::ArrayView1<'_, f64>| row.iter().all(|v| v.is_nan());
        return match table.values().outer_iter().position(nothing) {
            Some(row) => Err(AutoencoderError::EmptyRow { row }),
            None => Ok(()),
        };
    }
    for (column, values) in table.schema().columns.iter().zip(table.values().columns()) {
        if let Some(row) = values.iter().position(|v| v.is_nan()) {
            return Err(AutoencoderError::Missing { column: column.name.clone(), row });
        }
    }
    Ok(())
}

/// Refuses a table by the name of the first column that is missing, superfluous or out of place.
fn require_columns(fitted: &Schema, found: &Schema) -> Result<(), AutoencoderError> {
    if fitted.names().eq(found.names()) {
        return Ok(());
    }
    let remedy = "take the columns in order by `table.select(&detector.columns())`";
    let refuse = |message: String| Err(AutoencoderError::Columns(message));
    for name in fitted.names() {
        if found.position(name).is_none() {
            return refuse(format!("column `{name}` is missing; the detector was fitted with it"));
        }
    }
    for name in found.names() {
        if fitted.position(name).is_none() {
            return refuse(format!("column `{name}` was not there when the detector was fitted; {remedy}"));
        }
    }
    for (place, (wanted, name)) in fitted.names().zip(found.names()).enumerate() {
        if wanted != name {
            return refuse(format!(
                "column {place} (counted from 0) is `{name}`, but was `{wanted}` when the detector was fitted; {remedy}"
            ));
        }
    }
    Ok(())
}
