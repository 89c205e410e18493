//! From a table to what a network takes in and what it should put out.

use std::ops::Range;

use layerwise_datasets::{ColumnKind, Encoding, Missing, Scaler, ScalerKind, Schema, Table};
use layerwise_nn_layers::{AnyLoss, ConfigError, Likelihood, Mixed, Mse};
use ndarray::{Array2, ArrayView2, Axis, Zip, concatenate, s};
use serde::{Deserialize, Serialize};

use super::gaps::Gaps;
use crate::error::AutoencoderError;

/// What the error of a category is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Categories {
    /// As that of numbers: the squared difference of each level's column, 0 or 1 and standardised. A category with many levels counts for
    /// many columns.
    #[default]
    Squared,
    /// `-2 ln p` of the level that stands there, `p` by a softmax over the outputs of its levels, beside the squared difference of
    /// numbers, which is `-2 ln p` too, of a normal distribution of variance 1 and up to a constant. The score is a mean over the columns
    /// of the table, and a category counts for one.
    Likelihood,
}

/// How tables become numbers, fitted on the training rows.
#[derive(Clone, Debug)]
pub(super) struct Preparation {
    pub(super) schema: Schema,
    pub(super) encoding: Encoding,
    pub(super) scaler: Scaler,
    pub(super) gaps: Gaps,
    pub(super) categories: Categories,
}

/// Rows as numbers.
pub(super) struct Prepared {
    /// What the network sees.
    pub(super) inputs: Array2<f64>,
    /// What it should put out, `(rows, features)`; 0 where it is not known.
    pub(super) targets: Array2<f64>,
    /// 1 where the target is known, else 0; nothing where values may not be missing.
    pub(super) known: Option<Array2<f64>>,
}

impl Preparation {
    pub(super) fn fit(table: &Table, gaps: Gaps, categories: Categories) -> Result<Self, AutoencoderError> {
        check_levels(table.schema())?;
        let encoding = Encoding::fit(table, Self::missing(gaps))?;
        let x = numbers(table, &encoding)?;
        let scaler = Scaler::fit(ScalerKind::Standard, x.view());
        Ok(Self { schema: table.schema().clone(), encoding, scaler, gaps, categories })
    }

    /// The same as it was saved.
    pub(super) fn restore(
        schema: Schema,
        scaler: Scaler,
        gaps: Gaps,
        categories: Categories,
    ) -> Result<Self, AutoencoderError> {
        check_levels(&schema)?;
        // An encoding that does not fill in is a matter of the columns alone.
        let columns = schema.len();
        let empty = Table::new(schema, Array2::zeros((0, columns)))?;
        let encoding = Encoding::fit(&empty, Self::missing(gaps))?;
        Ok(Self { schema: empty.schema().clone(), encoding, scaler, gaps, categories })
    }

    pub(super) fn apply(&self, table: &Table) -> Result<Prepared, AutoencoderError> {
        let x = numbers(table, &self.encoding)?;
        let mut z = self.scaler.transform(x.view());
        let mut known = None;
        if self.gaps != Gaps::Refuse {
            known = Some(x.mapv(|v| if v.is_nan() { 0.0 } else { 1.0 }));
            // Zero is the mean of the training rows.
            z.mapv_inplace(|v| if v.is_nan() { 0.0 } else { v });
        }
        let mut targets = z.clone();
        if self.categories == Categories::Likelihood {
            for group in self.categorical() {
                let levels = x.slice(s![.., group.clone()]).mapv(|v| if v.is_nan() { 0.0 } else { v });
                targets.slice_mut(s![.., group]).assign(&levels);
            }
        }
        let inputs = match &known {
            Some(known) if self.gaps == Gaps::MeanAndMask => concatenate![Axis(1), z, *known],
            _ => z,
        };
        Ok(Prepared { inputs, targets, known })
    }

    /// The loss that goes with the targets.
    pub(super) fn loss(&self) -> Result<Box<dyn AnyLoss>, ConfigError> {
        if self.categories == Categories::Squared {
            return Ok(Box::new(Mse));
        }
        let columns: Vec<Likelihood> = self.schema.columns.iter().map(|column| likelihood(&column.kind)).collect();
        Ok(Box::new(Mixed::new(&columns)?))
    }

    /// How many features each column of the table has.
    pub(super) fn widths(&self) -> Vec<usize> {
        self.schema.columns.iter().map(|column| likelihood(&column.kind).targets()).collect()
    }

    /// The features of each column of the table.
    pub(super) fn groups(&self) -> impl Iterator<Item = Range<usize>> {
        self.widths().into_iter().scan(0, |first, width| {
            let group = *first..*first + width;
            *first = group.end;
            Some(group)
        })
    }

    /// The features of each category.
    fn categorical(&self) -> impl Iterator<Item = Range<usize>> {
        let category = |kind: &ColumnKind| matches!(kind, ColumnKind::Category { .. });
        self.groups()
            .zip(&self.schema.columns)
            .filter(move |(_, column)| category(&column.kind))
            .map(|(group, _)| group)
    }

    /// The error of each feature, 0 where the target is not known, and the number of known terms in each row.
    pub(super) fn errors(&self, rows: &Prepared, outputs: ArrayView2<'_, f64>) -> (Array2<f64>, Vec<f64>) {
        let mut errors = &rows.targets - &outputs;
        errors.mapv_inplace(|d| d * d);
        if self.categories == Categories::Likelihood {
            for group in self.categorical() {
                let log_p = log_softmax(outputs.slice(s![.., group.clone()]));
                let targets = rows.targets.slice(s![.., group.clone()]);
                // A level that does not stand there is no error, however impossible it is.
                Zip::from(errors.slice_mut(s![.., group])).and(&log_p).and(targets).for_each(|error, log_p, t| {
                    *error = if *t == 0.0 { 0.0 } else { -2.0 * log_p };
                });
            }
        }
        if let Some(known) = &rows.known {
            Zip::from(&mut errors)
                .and(known)
                .for_each(|error, known| *error = if *known == 0.0 { 0.0 } else { *error });
        }
        let all = self.terms();
        let count = |row: usize| match &rows.known {
            None => all,
            Some(known) if self.categories == Categories::Squared => known.row(row).sum(),
            Some(known) => self.groups().map(|group| known[[row, group.start]]).sum(),
        };
        let counts = (0..errors.nrows()).map(count).collect();
        (errors, counts)
    }

    /// How many terms a row without gaps has.
    pub(super) fn terms(&self) -> f64 {
        match self.categories {
            Categories::Squared => self.encoding.width() as f64,
            Categories::Likelihood => self.schema.len() as f64,
        }
    }

    /// The outputs in the units of the table: of categories one number for each level, probabilities where that is what they are.
    pub(super) fn in_units(&self, outputs: ArrayView2<'_, f64>) -> Array2<f64> {
        let mut x = self.scaler.inverse(outputs);
        if self.categories == Categories::Likelihood {
            for group in self.categorical() {
                let p = log_softmax(outputs.slice(s![.., group.clone()])).mapv(f64::exp);
                x.slice_mut(s![.., group]).assign(&p);
            }
        }
        x
    }

    /// `table` with its gaps filled by what stands in `x`, as [`Preparation::in_units`] gives it.
    pub(super) fn filled(&self, table: &Table, x: ArrayView2<'_, f64>) -> Result<Table, AutoencoderError> {
        let mut values = table.values().to_owned();
        for ((group, column), mut values) in self.groups().zip(&self.schema.columns).zip(values.columns_mut()) {
            for (value, x) in values.iter_mut().zip(x.slice(s![.., group]).rows()).filter(|(v, _)| v.is_nan()) {
                *value = match column.kind {
                    // The first of equals.
                    ColumnKind::Category { .. } => {
                        (0..x.len()).rev().max_by(|a, b| x[*a].total_cmp(&x[*b])).unwrap_or(0) as f64
                    }
                    ColumnKind::Integer => x[0].round(),
                    _ => x[0],
                };
            }
        }
        Ok(Table::new(table.schema().clone(), values)?)
    }

    fn missing(gaps: Gaps) -> Missing {
        if gaps == Gaps::Refuse { Missing::Refuse } else { Missing::Keep }
    }
}

/// The numbers of a table, NaN where a value is missing, in all levels of a category too.
fn numbers(table: &Table, encoding: &Encoding) -> Result<Array2<f64>, AutoencoderError> {
    let mut x = table.to_matrix(encoding)?;
    let known = table.known(encoding)?;
    Zip::from(&mut x).and(&known).for_each(|x, known| {
        if !known {
            *x = f64::NAN;
        }
    });
    Ok(x)
}

fn likelihood(kind: &ColumnKind) -> Likelihood {
    match kind {
        ColumnKind::Category { levels } => Likelihood::Categorical { levels: levels.len() },
        _ => Likelihood::Gaussian,
    }
}

fn log_softmax(z: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut y = z.to_owned();
    for mut row in y.rows_mut() {
        let most = row.fold(f64::NEG_INFINITY, |m, v| m.max(*v));
        let sum = row.fold(0.0, |sum, v| sum + (v - most).exp());
        row -= most + sum.ln();
    }
    y
}

/// Refuses a category that no value can have: a schema may come from a file.
fn check_levels(schema: &Schema) -> Result<(), AutoencoderError> {
    let empty = |kind: &ColumnKind| matches!(kind, ColumnKind::Category { levels } if levels.is_empty());
    match schema.columns.iter().find(|column| empty(&column.kind)) {
        Some(column) => Err(AutoencoderError::Columns(format!(
            "column `{}` is a category without levels: leave it out, or read it under a schema that names its levels",
            column.name
        ))),
        None => Ok(()),
    }
}
