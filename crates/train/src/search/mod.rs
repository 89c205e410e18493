//! Random search: trials drawn from a space, judged on validation rows, with a ledger of what they cost, and a test split that can be
//! opened once.
//!
//! J. Bergstra, Y. Bengio, "Random search for hyper-parameter optimization" (2012): where few of many settings matter, random trials
//! find good ones with fewer runs than a grid.

mod ledger;
mod random;
mod space;
mod test_once;

pub use ledger::{Cost, Ledger, TestRecord, TrialRecord};
pub use random::{Goal, Outcome, RandomSearch, Trial, cross_validate};
pub use space::{Dimension, Point, Setting, Space};
pub use test_once::{Chosen, TestOnce};
