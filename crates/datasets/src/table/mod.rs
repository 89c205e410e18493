//! Tables: a schema and one number per field; missing values are NaN, categories are codes.

mod encoding;
mod scaler;
mod schema;

pub use encoding::{Encoding, Missing};
pub use scaler::{Scaler, ScalerKind};
pub use schema::{Column, ColumnKind, Schema};

use crate::error::DataError;
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

/// Rows of numbers under a [`Schema`]: NaN where a value is missing, the place of its level where a value is a category.
///
/// ```
/// use layerwise_datasets::{format::csv, Encoding, Limits, Missing};
/// let table = csv::read("age,sex\n41,F\n,M\n".as_bytes(), &Limits::default())?;
/// assert_eq!((table.rows(), table.cols()), (2, 2));
/// assert!(table.column("age")?[1].is_nan());
/// let encoding = Encoding::fit(&table, Missing::Mean)?;
/// assert_eq!(encoding.names(), ["age", "sex=F", "sex=M"]);
/// assert_eq!(table.to_matrix(&encoding)?[[1, 0]], 41.0);
/// # Ok::<(), layerwise_datasets::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    schema: Schema,
    values: Array2<f64>,
}

impl Table {
    /// A table of these columns and values `(rows, columns)`. The count of missing values in the schema is set right.
    ///
    /// # Errors
    /// When the numbers of columns differ, two columns have one name, a category's value is no place in its levels, a
    /// whole number is none, or a value is infinite.
    pub fn new(mut schema: Schema, values: Array2<f64>) -> Result<Self, DataError> {
        if schema.len() != values.ncols() {
            return Err(DataError::table(
                "table",
                format!("{} columns in the schema, {} in the values", schema.len(), values.ncols()),
                "give one name per column",
            ));
        }
        let mut names: Vec<&str> = schema.names().collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|w| w[0] == w[1]) {
            return Err(DataError::table(format!("column `{}`", twice[0]), "stands there twice", "rename one of them"));
        }
        for (column, values) in schema.columns.iter_mut().zip(values.columns()) {
            check(column, values)?;
            column.missing = values.iter().filter(|v| v.is_nan()).count();
        }
        Ok(Self { schema, values })
    }

    /// Real columns of these names.
    ///
    /// # Errors
    /// As [`Table::new`].
    pub fn from_columns<S: AsRef<str>>(names: &[S], values: Array2<f64>) -> Result<Self, DataError> {
        Self::new(Schema::real(names), values)
    }

    /// Real columns named `x0`, `x1`, ...
    ///
    /// # Errors
    /// When a value is infinite.
    pub fn from_array(values: Array2<f64>) -> Result<Self, DataError> {
        let names: Vec<String> = (0..values.ncols()).map(|j| format!("x{j}")).collect();
        Self::from_columns(&names, values)
    }

    /// The columns.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// All values `(rows, columns)`; NaN where missing, codes where categories.
    pub fn values(&self) -> ArrayView2<'_, f64> {
        self.values.view()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.nrows()
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.values.ncols()
    }

    /// The values of the column `name`.
    ///
    /// # Errors
    /// When there is none.
    pub fn column(&self, name: &str) -> Result<ArrayView1<'_, f64>, DataError> {
        Ok(self.values.column(self.position(name)?))
    }

    /// The table of these columns, in this order.
    ///
    /// # Errors
    /// When one is not there, or asked for twice.
    pub fn select<S: AsRef<str>>(&self, names: &[S]) -> Result<Self, DataError> {
        let places = names.iter().map(|n| self.position(n.as_ref())).collect::<Result<Vec<_>, _>>()?;
        self.at(&places)
    }

    /// The table without these columns.
    ///
    /// # Errors
    /// When one is not there.
    pub fn without<S: AsRef<str>>(&self, names: &[S]) -> Result<Self, DataError> {
        let left_out = names.iter().map(|n| self.position(n.as_ref())).collect::<Result<Vec<_>, _>>()?;
        let kept: Vec<usize> = (0..self.cols()).filter(|j| !left_out.contains(j)).collect();
        self.at(&kept)
    }

    /// The columns at `places`, in that order.
    fn at(&self, places: &[usize]) -> Result<Self, DataError> {
        let columns = places.iter().map(|&j| self.schema.columns[j].clone()).collect();
        Self::new(Schema { columns }, self.values.select(Axis(1), places))
    }

    /// The rows at `indices`, in that order.
    ///
    /// # Panics
    /// When an index is not below the number of rows.
    #[track_caller]
    pub fn take(&self, indices: &[usize]) -> Self {
        let values = self.values.select(Axis(0), indices);
        let mut schema = self.schema.clone();
        for (column, values) in schema.columns.iter_mut().zip(values.columns()) {
            column.missing = values.iter().filter(|v| v.is_nan()).count();
        }
        Self { schema, values }
    }

    /// The column `name` as classes: the class of each row, and the name of each class (the levels of a category, the
    /// distinct numbers of a column of whole numbers, in order).
    ///
    /// # Errors
    /// When there is no such column, it holds real numbers, or a value is missing.
    pub fn labels(&self, name: &str) -> Result<(Vec<u32>, Vec<String>), DataError> {
        let place = self.position(name)?;
        let values = self.values.column(place);
        if let Some(row) = values.iter().position(|v| v.is_nan()) {
            return Err(DataError::table(
                format!("column `{name}`, row {}", row + 1),
                "a class is missing",
                "take the rows that have one first",
            ));
        }
        match &self.schema.columns[place].kind {
            ColumnKind::Category { levels } => Ok((values.iter().map(|&v| v as u32).collect(), levels.clone())),
            ColumnKind::Integer => {
                let mut distinct: Vec<f64> = values.to_vec();
                distinct.sort_by(f64::total_cmp);
                distinct.dedup();
                let class = |v: &f64| distinct.partition_point(|d| d < v) as u32;
                Ok((values.iter().map(class).collect(), distinct.iter().map(f64::to_string).collect()))
            }
            ColumnKind::Real => Err(DataError::table(
                format!("column `{name}`"),
                "classes wanted, real numbers found",
                "name a column of categories or whole numbers",
            )),
        }
    }

    /// Plain numbers `(rows, encoding.width())`: categories one-hot, missing values filled as the encoding says.
    ///
    /// # Errors
    /// When the table's columns are not those the encoding was fitted to, a value is missing where none may be, or one-hot
    /// categories make the matrix more than 16 times as large as the table and larger than 1 GiB: a column of names is no category.
    pub fn to_matrix(&self, encoding: &Encoding) -> Result<Array2<f64>, DataError> {
        encoding.apply(self)
    }

    /// Whether each value of [`Table::to_matrix`] was there, `(rows, encoding.width())`; all levels of a missing category were not.
    ///
    /// # Errors
    /// When the table's columns are not those the encoding was fitted to, or the matrix would be too large.
    pub fn known(&self, encoding: &Encoding) -> Result<Array2<bool>, DataError> {
        encoding.known(self)
    }

    fn position(&self, name: &str) -> Result<usize, DataError> {
        self.schema.position(name).ok_or_else(|| DataError::UnknownColumn {
            name: name.to_owned(),
            known: crate::error::listed(self.schema.names()),
        })
    }
}

fn check(column: &Column, values: ArrayView1<'_, f64>) -> Result<(), DataError> {
    for (row, &v) in values.iter().enumerate().filter(|(_, v)| !v.is_nan()) {
        let (fits, wanted) = match &column.kind {
            ColumnKind::Real => (v.is_finite(), "a finite number".to_owned()),
            ColumnKind::Integer => (v.is_finite() && v.fract() == 0.0, "a whole number".to_owned()),
            ColumnKind::Category { levels } => (
                v.fract() == 0.0 && v >= 0.0 && v < levels.len() as f64,
                format!("the place of one of {} levels", levels.len()),
            ),
        };
        if !fits {
            return Err(DataError::table(
                format!("column `{}`, row {}", column.name, row + 1),
                format!("{wanted} wanted, {v} found"),
                "correct the value, or make it NaN when it is missing",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn table() -> Table {
        let levels = vec!["f".to_owned(), "m".to_owned()];
        let columns = vec![
            Column { name: "age".into(), kind: ColumnKind::Integer, missing: 0 },
            Column { name: "sex".into(), kind: ColumnKind::Category { levels }, missing: 0 },
            Column { name: "dose".into(), kind: ColumnKind::Real, missing: 0 },
        ];
        Table::new(Schema { columns }, array![[41.0, 0.0, 1.5], [23.0, 1.0, f64::NAN], [41.0, 1.0, 2.5]]).unwrap()
    }

    #[test]
    fn columns_are_found_selected_and_left_out() {
        let table = table();
        assert_eq!(table.column("sex").unwrap().to_vec(), [0.0, 1.0, 1.0]);
        assert_eq!(table.select(&["dose", "age"]).unwrap().schema().names().collect::<Vec<_>>(), ["dose", "age"]);
        assert_eq!(table.without(&["sex"]).unwrap().cols(), 2);
        assert_eq!(table.schema().columns[2].missing, 1);
        assert_eq!(table.take(&[0, 2]).schema().columns[2].missing, 0);
        let error = table.column("height").unwrap_err().to_string();
        assert_eq!(error, "no column `height`; the table has `age`, `sex`, `dose`");
    }

    #[test]
    fn labels_come_from_categories_and_whole_numbers() {
        let table = table();
        assert_eq!(table.labels("sex").unwrap(), (vec![0, 1, 1], vec!["f".into(), "m".into()]));
        assert_eq!(table.labels("age").unwrap(), (vec![1, 0, 1], vec!["23".into(), "41".into()]));
        assert!(table.labels("dose").is_err());
    }

    #[test]
    fn values_must_fit_the_schema() {
        let bad = |kind, v: f64| {
            let columns = vec![Column { name: "a".into(), kind, missing: 0 }];
            Table::new(Schema { columns }, array![[v]]).unwrap_err().to_string()
        };
        assert_eq!(
            bad(ColumnKind::Integer, 0.5),
            "column `a`, row 1: a whole number wanted, 0.5 found; correct the value, or make it NaN when it is missing"
        );
        assert!(bad(ColumnKind::Real, f64::INFINITY).contains("a finite number wanted, inf found"));
        assert!(bad(ColumnKind::Category { levels: vec!["x".into()] }, 1.0).contains("one of 1 levels"));
        assert!(Table::from_columns(&["a", "a"], array![[1.0, 2.0]]).unwrap_err().to_string().contains("twice"));
        assert!(Table::from_columns(&["a"], array![[1.0, 2.0]]).is_err());
    }

    #[test]
    fn the_schema_shows_itself() {
        assert_eq!(table().schema().to_string(), "age   integer\nsex   category of 2 (f, m)\ndose  real, 1 missing\n");
    }
}
