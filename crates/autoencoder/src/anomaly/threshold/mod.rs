//! Where normal ends: one file each, one line in the table.
//!
//! A threshold looks at the scores of normal rows (or nearly all of them) and names the score above which a row is called anomalous. It
//! is chosen after fitting, best from rows that were kept out: `threshold.cut(&scores)`. The training rows, which `predict` takes, were seen
//! by the detector, so their scores are somewhat smaller than those of new normal rows: expect more false alarms than a rule promises, the
//! more so the larger the model.

mod conformal;
mod mean;
mod mean_plus_std;
mod pareto_tail;
mod quantile;
mod rule;
mod table;

pub use conformal::Conformal;
pub use mean::Mean;
pub use mean_plus_std::MeanPlusStd;
pub use pareto_tail::ParetoTail;
pub use quantile::Quantile;
pub use rule::{Threshold, ThresholdEntry, ThresholdRule};
pub use table::{parse, table};
