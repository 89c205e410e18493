//! The columns of a table.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The columns of a table; shown with [`Display`](fmt::Display).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// The columns, in order.
    pub columns: Vec<Column>,
}

/// One column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name, unique in the table.
    pub name: String,
    /// What stands in it.
    pub kind: ColumnKind,
    /// How many values are missing.
    #[serde(default)]
    pub missing: usize,
}

/// What stands in a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ColumnKind {
    /// Real numbers.
    Real,
    /// Whole numbers.
    Integer,
    /// Texts; the value of a row is the place of its text in `levels`, which are sorted.
    Category {
        /// The distinct texts.
        levels: Vec<String>,
    },
}

impl Schema {
    /// Real columns of these names.
    pub fn real<S: AsRef<str>>(names: &[S]) -> Self {
        let column = |name: &S| Column { name: name.as_ref().to_owned(), kind: ColumnKind::Real, missing: 0 };
        Self { columns: names.iter().map(column).collect() }
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is no column.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The names, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.columns.iter().map(|c| c.name.as_str())
    }

    /// Where the column `name` stands.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.names().map(|n| n.chars().count()).max().unwrap_or(0);
        for column in &self.columns {
            write!(f, "{:width$}  {}", column.name, column.kind)?;
            if column.missing > 0 {
                write!(f, ", {} missing", column.missing)?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for ColumnKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 6;
        match self {
            Self::Real => f.write_str("real"),
            Self::Integer => f.write_str("integer"),
            Self::Category { levels } => {
                let more = if levels.len() > SHOWN { ", .." } else { "" };
                write!(f, "category of {} ({}{more})", levels.len(), levels[..levels.len().min(SHOWN)].join(", "))
            }
        }
    }
}
