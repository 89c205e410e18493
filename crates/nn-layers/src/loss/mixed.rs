//! A likelihood of its own for each column of a table.

use std::sync::Arc;

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::Scalar;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::columns::{self, Cell};
use super::entry::{AnyLoss, Loss, NamedLoss};
use super::target::{Target, TargetKind};
use super::weights::Terms;
use crate::error::ConfigError;
use crate::options;

const OWNER: &str = "loss `mixed`";

/// How the values of one column of a table are distributed, given what a model puts out for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Likelihood {
    /// Normal with variance 1: one output, the mean `y`; term `(t - y)^2 / 2`.
    Gaussian,
    /// Normal with a variance of its own: two outputs, mean and log-variance; term as [`super::GaussianNll`].
    GaussianNll,
    /// 0 or 1: one output, the logit; term as [`super::BceWithLogits`].
    Bernoulli,
    /// One of several levels, one-hot in the target: one logit for each level; term `-ln softmax(z)` of the level that stands there.
    Categorical {
        /// How many levels.
        levels: usize,
    },
    /// A count: one output, the logarithm of the rate; term as [`super::PoissonNll`].
    Poisson,
    /// A count that varies more: two outputs, logarithms of mean and dispersion; term as [`super::NegativeBinomial`].
    NegativeBinomial,
}

impl Likelihood {
    /// How many outputs of a model it takes.
    pub fn outputs(self) -> usize {
        match self {
            Self::Gaussian | Self::Bernoulli | Self::Poisson => 1,
            Self::GaussianNll | Self::NegativeBinomial => 2,
            Self::Categorical { levels } => levels,
        }
    }

    /// How many columns of the target it takes.
    pub fn targets(self) -> usize {
        match self {
            Self::Categorical { levels } => levels,
            _ => 1,
        }
    }

    fn cell(self, output: usize, target: usize) -> Cell {
        match self {
            Self::Gaussian => Cell::gaussian(output, target),
            Self::GaussianNll => Cell::gaussian_nll([output, output + 1], target),
            Self::Bernoulli => Cell::bernoulli(output, target),
            Self::Categorical { levels } => Cell::categorical(output, target, levels),
            Self::Poisson => Cell::poisson(output, target),
            Self::NegativeBinomial => Cell::negative_binomial([output, output + 1], target),
        }
    }
}

/// A likelihood of its own for each column of a table: the mean over rows and *columns* of `-ln p(t | output)`, up to constants, where a
/// category is one column however many levels it has.
///
/// Outputs and targets of the columns lie side by side in order, two parameters of one column next to each other. A weight of a
/// category ([`Loss::weighted`]) is that of its first level.
///
/// ```
/// use layerwise_nn_layers::{Likelihood, Loss, Mixed};
///
/// // An age (standardised), a sex, one of three stages, a number of visits.
/// let columns = [Likelihood::Gaussian, Likelihood::Bernoulli, Likelihood::Categorical { levels: 3 }, Likelihood::NegativeBinomial];
/// let loss = Mixed::new(&columns)?;
/// assert_eq!((loss.targets(), Loss::<f32>::outputs(&loss, 6)), (6, 7));
/// # Ok::<(), layerwise_nn_layers::ConfigError>(())
/// ```
///
/// # Shapes
/// The output is `(batch, sum of outputs)`, the target `(batch, sum of targets)`; see [`Likelihood`].
///
/// A. Nazabal, P. Olmos, Z. Ghahramani and I. Valera, "Handling incomplete heterogeneous data using VAEs", 2020, which learn from the
/// observed values alone as we do; their normalisation layers are left to the caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixed {
    columns: Arc<[Likelihood]>,
    cells: Arc<[Cell]>,
    outputs: usize,
    targets: usize,
}

/// More outputs than any network has; beyond it a configuration is a mistake or an attack.
const MOST_OUTPUTS: usize = 1 << 36;

impl Mixed {
    /// For these columns, in order.
    ///
    /// # Errors
    /// If there is none, or a category has no level.
    pub fn new(columns: &[Likelihood]) -> Result<Self, ConfigError> {
        let what = format!("`columns` of {OWNER}");
        if columns.is_empty() {
            return Err(ConfigError::bad_value("", what, "at least one", "none", "name the likelihood of each column"));
        }
        if columns.iter().any(|c| c.targets() == 0) {
            let remedy = "leave a column without levels out";
            return Err(ConfigError::bad_value("", what, "categories of at least one level", 0, remedy));
        }
        let (mut outputs, mut targets) = (0, 0);
        let mut cells = Vec::with_capacity(columns.len());
        for column in columns {
            cells.push(column.cell(outputs, targets));
            let wider = |sum: usize, width: usize| sum.checked_add(width).filter(|sum| *sum <= MOST_OUTPUTS);
            let (Some(more_outputs), Some(more_targets)) =
                (wider(outputs, column.outputs()), wider(targets, column.targets()))
            else {
                let expected = format!("at most {MOST_OUTPUTS} outputs in all");
                return Err(ConfigError::bad_value("", what, expected, "more", "correct the number of levels"));
            };
            (outputs, targets) = (more_outputs, more_targets);
        }
        Ok(Self { columns: columns.into(), cells: cells.into(), outputs, targets })
    }

    /// The likelihood of each column.
    pub fn columns(&self) -> &[Likelihood] {
        &self.columns
    }

    /// Width of the target.
    pub fn targets(&self) -> usize {
        self.targets
    }
}

impl<T: Scalar> Loss<T> for Mixed {
    fn target(&self) -> TargetKind {
        Self::TARGET
    }

    fn outputs(&self, _: usize) -> usize {
        self.outputs
    }

    fn width(&self) -> Option<usize> {
        Some(self.targets)
    }

    fn term_column(&self, term: usize) -> usize {
        self.cells[term].target
    }

    fn terms(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Terms {
        let target = target.values(Self::NAME, g);
        let fits = g.shape(output).1 == self.outputs && g.shape(target) == (g.shape(output).0, self.targets);
        g.require(fits, Self::NAME, &[output, target], "output and target have not the widths of the columns");
        columns::terms(g, Self::NAME, output, target, self.cells.len(), |j| self.cells[j])
    }
}

/// As a configuration has them, unchecked.
#[derive(Deserialize)]
struct Options {
    columns: Vec<Likelihood>,
}

impl NamedLoss for Mixed {
    const NAME: &'static str = "mixed";
    const DOC: &'static str = "mean over rows and columns of -ln p(t), with a likelihood for each column of a table";
    const SAMPLES: &'static [&'static str] = &[
        r#"{"columns": ["gaussian"]}"#,
        r#"{"columns": ["gaussian", "gaussian_nll", {"categorical": {"levels": 3}}, "bernoulli", "poisson", "negative_binomial"]}"#,
    ];
    const TARGET: TargetKind = TargetKind::Values;

    fn from_options(options: &Map<String, Value>) -> Result<Box<dyn AnyLoss>, ConfigError> {
        let Options { columns } = options::from_map("", OWNER, options)?;
        Ok(Box::new(Self::new(&columns)?))
    }
}
