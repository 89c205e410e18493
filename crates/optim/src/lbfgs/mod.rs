//! L-BFGS: a quasi-Newton method for the whole data at once, with the strong Wolfe line search.
//!
//! It stands beside the shelf of rules, not on it: a rule sees each number and its gradient once a step, this method asks for the loss
//! several times, measures it along a line, and looks at all numbers together. [`samples`] stands in for a table: the laws run on each.

mod config;
mod history;
mod line_search;
mod report;
mod run;
mod state;
mod vectors;

pub use config::{LbfgsConfig, LineSearch, samples};
pub use report::{LbfgsReport, Stop};
pub use run::Lbfgs;
pub use state::LbfgsMeta;
