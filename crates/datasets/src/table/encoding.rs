//! From a table to a matrix.

use super::{ColumnKind, Table};
use crate::error::DataError;
use ndarray::{Array2, ArrayView1, s};
use serde::{Deserialize, Serialize};

/// What stands in the matrix where a number is missing. A missing category is a row of zeros in every case but `Refuse`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Missing {
    /// A missing value is an error.
    #[default]
    Refuse,
    /// NaN.
    Keep,
    /// The mean of the values there are in the table the encoding was fitted to.
    Mean,
    /// Their median.
    Median,
}

/// How a table becomes a matrix, fitted on one table (the training rows) and applied to others: numbers as they are,
/// categories one-hot, missing values filled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Encoding {
    missing: Missing,
    columns: Vec<Coded>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Coded {
    name: String,
    code: Code,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Code {
    /// What a missing value becomes; none where it stays or is refused (JSON knows no NaN).
    Number {
        fill: Option<f64>,
    },
    OneHot {
        levels: Vec<String>,
    },
}

impl Encoding {
    /// The encoding of `table`'s columns.
    ///
    /// # Errors
    /// When a mean or median is wanted of a column without any value.
    pub fn fit(table: &Table, missing: Missing) -> Result<Self, DataError> {
        let mut columns = Vec::with_capacity(table.cols());
        for (column, values) in table.schema().columns.iter().zip(table.values().columns()) {
            let code = match &column.kind {
                ColumnKind::Category { levels } => Code::OneHot { levels: levels.clone() },
                ColumnKind::Real | ColumnKind::Integer => Code::Number { fill: fill(&column.name, values, missing)? },
            };
            columns.push(Coded { name: column.name.clone(), code });
        }
        Ok(Self { missing, columns })
    }

    /// Columns of the matrix.
    pub fn width(&self) -> usize {
        self.columns.iter().map(Coded::width).sum()
    }

    /// Names of the matrix' columns: the column's own, or `column=level`.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::with_capacity(self.width());
        for column in &self.columns {
            match &column.code {
                Code::Number { .. } => names.push(column.name.clone()),
                Code::OneHot { levels } => names.extend(levels.iter().map(|l| format!("{}={l}", column.name))),
            }
        }
        names
    }

    /// The matrix of `table`: see [`Table::to_matrix`].
    pub(super) fn apply(&self, table: &Table) -> Result<Array2<f64>, DataError> {
        self.check(table)?;
        self.check_size(table)?;
        let mut matrix = Array2::zeros((table.rows(), self.width()));
        let mut first = 0;
        for (column, values) in self.columns.iter().zip(table.values().columns()) {
            for (row, &v) in values.iter().enumerate() {
                if v.is_nan() && self.missing == Missing::Refuse {
                    return Err(DataError::table(
                        format!("column `{}`, row {}", column.name, row + 1),
                        "a value is missing",
                        "fit the encoding with `Missing::Mean`, or take the rows that have all values",
                    ));
                }
                match &column.code {
                    Code::Number { fill } => matrix[[row, first]] = if v.is_nan() { fill.unwrap_or(v) } else { v },
                    Code::OneHot { .. } if v.is_nan() => {}
                    Code::OneHot { .. } => matrix[[row, first + v as usize]] = 1.0,
                }
            }
            first += column.width();
        }
        Ok(matrix)
    }

    /// Whether each value of the matrix of `table` was there: see [`Table::known`].
    pub(super) fn known(&self, table: &Table) -> Result<Array2<bool>, DataError> {
        self.check(table)?;
        self.check_size(table)?;
        let mut known = Array2::from_elem((table.rows(), self.width()), true);
        let mut first = 0;
        for (column, values) in self.columns.iter().zip(table.values().columns()) {
            let end = first + column.width();
            for (row, _) in values.iter().enumerate().filter(|(_, v)| v.is_nan()) {
                known.slice_mut(s![row, first..end]).fill(false);
            }
            first = end;
        }
        Ok(known)
    }

    /// Refuses a matrix that a few columns of names, one-hot, would blow up beyond any memory.
    fn check_size(&self, table: &Table) -> Result<(), DataError> {
        const ALWAYS: u64 = 1 << 30;
        const GROWTH: u64 = 16;
        let bytes = |cols: usize| (table.rows() as u64).saturating_mul(cols as u64).saturating_mul(8);
        let (need, limit) = (bytes(self.width()), bytes(table.cols()).saturating_mul(GROWTH).max(ALWAYS));
        let Some(widest) = self.columns.iter().max_by_key(|c| c.width()).filter(|_| need > limit) else {
            return Ok(());
        };
        Err(DataError::table(
            format!("column `{}`", widest.name),
            format!("its {} levels, one-hot, help to make a matrix of {need} bytes out of the table", widest.width()),
            "leave it out (`Table::without`): a column of names tells the rows apart, it does not describe them",
        ))
    }

    fn check(&self, table: &Table) -> Result<(), DataError> {
        let remedy = "read the table with the schema of the table the encoding was fitted to (`csv::read_as`)";
        if table.cols() != self.columns.len() {
            let problem = format!("{} columns wanted, {} found", self.columns.len(), table.cols());
            return Err(DataError::table("encoding", problem, remedy));
        }
        for (known, column) in self.columns.iter().zip(&table.schema().columns) {
            let same = match (&known.code, &column.kind) {
                (Code::OneHot { levels }, ColumnKind::Category { levels: found }) => levels == found,
                (Code::Number { .. }, ColumnKind::Real | ColumnKind::Integer) => true,
                _ => false,
            };
            if known.name != column.name || !same {
                let problem =
                    format!("`{}` wanted as it was fitted, `{}` found as {}", known.name, column.name, column.kind);
                return Err(DataError::table("encoding", problem, remedy));
            }
        }
        Ok(())
    }
}

impl Coded {
    fn width(&self) -> usize {
        match &self.code {
            Code::Number { .. } => 1,
            Code::OneHot { levels } => levels.len(),
        }
    }
}

fn fill(name: &str, values: ArrayView1<'_, f64>, missing: Missing) -> Result<Option<f64>, DataError> {
    if matches!(missing, Missing::Refuse | Missing::Keep) {
        return Ok(None);
    }
    let mut known: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    if known.is_empty() {
        return Err(DataError::table(
            format!("column `{name}`"),
            "no value at all",
            "leave the column out (`Table::without`)",
        ));
    }
    if missing == Missing::Mean {
        return Ok(Some(known.iter().sum::<f64>() / known.len() as f64));
    }
    known.sort_by(f64::total_cmp);
    Ok(Some(super::scaler::quantile(&known, 0.5)))
}

#[cfg(test)]
mod tests {
    use crate::format::csv;
    use crate::{Encoding, Limits, Missing};

    const TEXT: &str = "a,b\n1,x\n,y\n5,\n";

    #[test]
    fn missing_values_are_filled_kept_or_refused() {
        let table = csv::read(TEXT.as_bytes(), &Limits::default()).unwrap();
        let column = |missing| {
            let encoding = Encoding::fit(&table, missing).unwrap();
            table.to_matrix(&encoding).map(|m| m.column(0).to_vec())
        };
        assert_eq!(column(Missing::Mean).unwrap(), [1.0, 3.0, 5.0]);
        assert_eq!(column(Missing::Median).unwrap(), [1.0, 3.0, 5.0]);
        assert!(column(Missing::Keep).unwrap()[1].is_nan());
        assert!(column(Missing::Refuse).unwrap_err().to_string().starts_with("column `a`, row 2: a value is missing;"));
    }

    #[test]
    fn categories_are_one_hot_and_missing_ones_zero() {
        let table = csv::read(TEXT.as_bytes(), &Limits::default()).unwrap();
        let encoding = Encoding::fit(&table, Missing::Mean).unwrap();
        assert_eq!(encoding.names(), ["a", "b=x", "b=y"]);
        let matrix = table.to_matrix(&encoding).unwrap();
        assert_eq!(matrix.row(0).to_vec(), [1.0, 1.0, 0.0]);
        assert_eq!(matrix.row(2).to_vec(), [5.0, 0.0, 0.0]);
        let known = table.known(&encoding).unwrap();
        assert_eq!(known, ndarray::array![[true, true, true], [false, true, true], [true, false, false]]);
    }

    #[test]
    fn a_column_of_names_is_refused_before_it_fills_the_memory() {
        let rows: String = (0..40_000).map(|i| format!("patient {i},{i}\n")).collect();
        let table = csv::read(format!("name,age\n{rows}").as_bytes(), &Limits::default()).unwrap();
        let encoding = Encoding::fit(&table, Missing::Refuse).unwrap();
        let error = table.to_matrix(&encoding).unwrap_err().to_string();
        assert!(error.starts_with("column `name`: its 40000 levels") && error.contains("Table::without"), "{error}");
        let rest = table.without(&["name"]).unwrap();
        assert!(rest.to_matrix(&Encoding::fit(&rest, Missing::Refuse).unwrap()).is_ok());
    }

    #[test]
    fn another_table_must_have_the_same_columns() {
        let fitted = csv::read(TEXT.as_bytes(), &Limits::default()).unwrap();
        let encoding = Encoding::fit(&fitted, Missing::Mean).unwrap();
        let other = csv::read("a,b\n1,z\n".as_bytes(), &Limits::default()).unwrap();
        assert!(other.to_matrix(&encoding).unwrap_err().to_string().contains("`b` wanted as it was fitted"));
        let same = csv::read_as("a,b\n2,y\n".as_bytes(), fitted.schema(), &Limits::default()).unwrap();
        assert_eq!(same.to_matrix(&encoding).unwrap().row(0).to_vec(), [2.0, 0.0, 1.0]);
    }

    #[test]
    fn an_encoding_is_the_same_after_a_trip_through_json() {
        let table = csv::read(TEXT.as_bytes(), &Limits::default()).unwrap();
        for missing in [Missing::Refuse, Missing::Keep, Missing::Mean, Missing::Median] {
            let encoding = Encoding::fit(&table, missing).unwrap();
            let text = serde_json::to_string(&encoding).unwrap();
            assert_eq!(serde_json::from_str::<Encoding>(&text).unwrap(), encoding);
        }
    }
}
