//! The test split, behind a door that opens once, and only for a choice that is made.

use std::fmt;

use super::ledger::{Ledger, TestRecord};
use super::space::Point;
use crate::error::TrainError;

/// Test rows that nothing can read before [`Chosen::judge`], which consumes them: that they are touched exactly once, after the choice, is
/// checked by the compiler.
///
/// There is no way to look inside, to copy or to print what it holds:
/// ```compile_fail,E0599
/// # use layerwise_train::search::TestOnce;
/// let test = TestOnce::new(vec![1, 2, 3]);
/// let peek = test.clone();
/// ```
/// and no way to judge twice:
/// ```compile_fail,E0382
/// # use layerwise_train::search::{Chosen, TestOnce};
/// # fn twice(chosen: Chosen, other: Chosen, test: TestOnce<Vec<u32>>) {
/// let first = chosen.judge(test, |_, rows| Ok((rows.len() as f64, ())));
/// let second = other.judge(test, |_, rows| Ok((rows.len() as f64, ())));
/// # }
/// ```
///
/// What it cannot see is a copy that was kept before; put the rows in as soon as they are cut off.
pub struct TestOnce<D> {
    rows: D,
}

impl<D> TestOnce<D> {
    /// Puts the test rows behind the door.
    pub fn new(rows: D) -> Self {
        Self { rows }
    }
}

impl<D> fmt::Debug for TestOnce<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestOnce(..)")
    }
}

/// The end of a search: its ledger, and the right to open the test split.
///
/// Only [`RandomSearch::run`](super::RandomSearch::run) makes one, so no test row is read before the choice.
#[derive(Debug)]
pub struct Chosen {
    ledger: Ledger,
}

impl Chosen {
    pub(super) fn new(ledger: Ledger) -> Self {
        Self { ledger }
    }

    /// What was tried.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What was chosen.
    pub fn point(&self) -> &Point {
        &self.ledger.best().point
    }

    /// Hands the chosen settings and the test rows to `judge`, which trains by them (or takes the model it kept) and scores; returns the ledger with
    /// that score, and whatever else `judge` gives back. Consumes the choice and the rows.
    ///
    /// # Errors
    /// If `judge` fails; the rows are read then all the same.
    pub fn judge<D, R>(
        mut self,
        test: TestOnce<D>,
        judge: impl FnOnce(&Point, D) -> Result<(f64, R), TrainError>,
    ) -> Result<(Ledger, R), TrainError> {
        let (score, rest) = judge(self.point(), test.rows)?;
        self.ledger.test = Some(TestRecord { trial: self.ledger.best, score });
        Ok((self.ledger, rest))
    }
}
