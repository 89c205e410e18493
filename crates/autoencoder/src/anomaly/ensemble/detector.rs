//! An ensemble before it has seen data.

use layerwise_datasets::Table;
use layerwise_nn_layers::ConfigError;
use layerwise_tensor::Stream;
use serde::{Deserialize, Serialize};

use super::combine::Combine;
use super::fitted::{FittedEnsemble, Member, rows_with_values};
use crate::anomaly::detector::{AutoencoderDetector, FEWEST_ROWS};
use crate::anomaly::rows::Rows;
use crate::error::AutoencoderError;

/// Several detectors of the same settings whose seeds differ, and their columns if wanted; their scores are standardised by mean and
/// standard deviation over the training rows and combined.
///
/// What is not set: 10 members that see all columns, combined by the mean. Member `m` has the seed of the detector plus `m`. The result
/// depends less on the seed than that of one detector, at the cost of as many fits.
///
/// ```
/// use layerwise_autoencoder::{AutoencoderDetector, Combine, EnsembleDetector, Threshold};
/// use layerwise_datasets::synthetic::radiotherapy;
/// use layerwise_tensor::Stream;
///
/// let plans = radiotherapy(100, 0, 2.5, &Stream::new(0)).table()?;
/// let member = AutoencoderDetector::builder().hidden(&[20]).code(8).epochs(3).seed(1);
/// let ensemble = EnsembleDetector::new(member).members(3).columns(0.5).combine(Combine::Median).fit(&plans)?;
/// assert_eq!(ensemble.members().len(), 3);
/// assert_eq!(ensemble.members()[0].columns().len(), plans.cols() / 2);
/// assert_eq!(ensemble.predict(&plans, &Threshold::mean_plus_std(3.0))?.len(), 100);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// J. Chen, S. Sathe, C. Aggarwal and D. Turaga, *Outlier detection with autoencoder ensembles* (2017), there with randomly thinned
/// connections and the median; random subsets of columns: A. Lazarevic and V. Kumar, *Feature bagging for outlier detection* (2005).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnsembleDetector {
    detector: AutoencoderDetector,
    #[serde(default = "ten")]
    members: usize,
    #[serde(default)]
    combine: Combine,
    #[serde(default = "all")]
    columns: f64,
}

fn ten() -> usize {
    10
}

fn all() -> f64 {
    1.0
}

impl EnsembleDetector {
    /// An ensemble of detectors of these settings.
    pub fn new(detector: AutoencoderDetector) -> Self {
        Self { detector, members: ten(), combine: Combine::Mean, columns: all() }
    }

    /// With this many members.
    pub fn members(self, members: usize) -> Self {
        Self { members, ..self }
    }

    /// With scores combined so.
    pub fn combine(self, combine: Combine) -> Self {
        Self { combine, ..self }
    }

    /// With members that see this share of the columns, rounded up, each a random choice of its own.
    pub fn columns(self, share: f64) -> Self {
        Self { columns: share, ..self }
    }

    /// Learns what normal rows look like, member after member.
    ///
    /// # Errors
    /// As [`AutoencoderDetector::fit`], and if there is no member or the share of columns is not above 0 and at most 1.
    pub fn fit<'a>(&self, rows: impl Into<Rows<'a>>) -> Result<FittedEnsemble, AutoencoderError> {
        self.check()?;
        let table = rows.into().to_fit(self.detector.gaps_allowed())?;
        let usable = usable(&table);
        let mut members = Vec::new();
        for m in 0..self.members {
            let seed = self.detector.seed_used().wrapping_add(m as u64);
            let part = table.select(&self.names(&table, &usable, m))?;
            let part = part.take(&rows_with_values(&part));
            members.push(Member::new(self.detector.clone().seed(seed).fit(&part)?));
        }
        FittedEnsemble::new(self.combine, table.schema().clone(), self.detector.gaps_allowed(), members, &table)
    }

    /// The columns of member `m`, in the order of the table: all, or a choice of those that can be learned from.
    fn names(&self, table: &Table, usable: &[usize], m: usize) -> Vec<String> {
        let names: Vec<&str> = table.schema().names().collect();
        let wanted = (self.columns * names.len() as f64).ceil() as usize;
        if wanted >= names.len() || usable.is_empty() {
            return names.into_iter().map(str::to_owned).collect();
        }
        let stream = Stream::new(self.detector.seed_used()).child("columns").at(m as u64);
        let order = stream.permutation(usable.len());
        let mut places: Vec<usize> = (0..wanted.min(usable.len())).map(|i| usable[order.get(i)]).collect();
        places.sort_unstable();
        places.into_iter().map(|place| names[place].to_owned()).collect()
    }

    fn check(&self) -> Result<(), ConfigError> {
        if !(1..=MOST_MEMBERS).contains(&self.members) {
            let remedy = "ten is a good beginning";
            let expected = format!("from 1 to {MOST_MEMBERS}");
            return Err(ConfigError::bad_value("", "`members`", expected, self.members, remedy));
        }
        if !(self.columns > 0.0 && self.columns <= 1.0) {
            let remedy = "1 is all columns";
            return Err(ConfigError::bad_value("", "`columns`", "above 0 and at most 1", self.columns, remedy));
        }
        Ok(())
    }
}

/// More members than anyone waits for.
const MOST_MEMBERS: usize = 10_000;

/// The columns from which a member could learn by themselves: not constant, and with enough values.
fn usable(table: &Table) -> Vec<usize> {
    let values = table.values();
    let usable = |column: &usize| {
        let mut known = values.column(*column).into_iter().filter(|v| !v.is_nan());
        let first = known.clone().next();
        known.clone().count() >= FEWEST_ROWS && known.any(|v| Some(v) != first)
    };
    (0..values.ncols()).filter(usable).collect()
}
