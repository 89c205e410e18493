//! The search.

use layerwise_datasets::SplitIndices;
use layerwise_tensor::Stream;
use serde::{Deserialize, Serialize};

use super::ledger::{Cost, Ledger, TrialRecord};
use super::space::{Point, Space};
use super::test_once::Chosen;
use crate::error::TrainError;

/// Which scores are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Smaller ones, as of losses.
    Smallest,
    /// Larger ones, as of accuracies.
    Largest,
}

/// A trial that is to be run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Trial {
    /// Its number, counted from 0.
    pub index: u64,
    /// What to try.
    pub point: Point,
    /// A seed of its own, for first values and for the trainer.
    pub seed: u64,
}

/// What a trial gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The score on validation rows.
    pub score: f64,
    /// What it cost.
    pub cost: Cost,
}

/// Draws trials from a space and keeps the one with the best score on validation rows.
///
/// ```
/// use layerwise_train::search::{Cost, Goal, Outcome, RandomSearch, Space, TestOnce};
/// # fn train_and_validate(rate: f64) -> f64 { (rate.log10() + 2.0).powi(2) }
/// let test = TestOnce::new("the test rows");
/// let search = RandomSearch::new(Space::new().log_uniform("rate", 1e-4, 1.0), Goal::Smallest).trials(20).seed(7);
/// let chosen = search.run(|trial| {
///     let score = train_and_validate(trial.point.number("rate")?);
///     Ok(Outcome { score, cost: Cost { steps: 100, ..Cost::default() } })
/// })?;
/// assert!(chosen.ledger().best().score.unwrap() < 0.1);
/// assert_eq!(chosen.ledger().cost().steps, 2000);
///
/// // Nothing more can be chosen from here on, and the test rows are read once: both are consumed.
/// let (ledger, _) = chosen.judge(test, |point, rows| {
///     assert_eq!(rows, "the test rows");
///     Ok((train_and_validate(point.number("rate")?), ()))
/// })?;
/// assert_eq!(ledger.test.as_ref().unwrap().score, ledger.best().score.unwrap());
/// # Ok::<(), layerwise_train::TrainError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RandomSearch {
    space: Space,
    goal: Goal,
    trials: u64,
    seed: u64,
}

impl RandomSearch {
    /// A search of 20 trials under seed 0.
    pub fn new(space: Space, goal: Goal) -> Self {
        Self { space, goal, trials: 20, seed: 0 }
    }

    /// With this many trials.
    pub fn trials(self, trials: u64) -> Self {
        Self { trials, ..self }
    }

    /// With this seed. More trials of one seed begin with the same ones.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Runs all trials by `run`, which trains and scores on validation rows, and chooses the best; of equals the first.
    ///
    /// A trial that diverges, or whose score is no number, is recorded as failed, with no cost but what is known, and the search goes on.
    ///
    /// # Errors
    /// If the space is empty somewhere, `run` fails in another way, or no trial has a score.
    pub fn run(&self, mut run: impl FnMut(&Trial) -> Result<Outcome, TrainError>) -> Result<Chosen, TrainError> {
        let stream = Stream::new(self.seed).child("search");
        let mut trials = Vec::new();
        let mut best: Option<(u64, f64)> = None;
        for index in 0..self.trials {
            let point = self.space.draw(&stream.at(index))?;
            let trial = Trial { index, point, seed: self.seed.wrapping_add(index) };
            let (score, cost, failure) = match run(&trial) {
                Ok(outcome) if outcome.score.is_nan() => (None, outcome.cost, Some("the score is NaN".to_owned())),
                Ok(outcome) => (Some(outcome.score), outcome.cost, None),
                Err(error @ TrainError::Diverged { .. }) => (None, Cost::default(), Some(error.to_string())),
                Err(error) => return Err(error),
            };
            if let Some(score) = score
                && best.is_none_or(|(_, best)| self.goal.improves(score, best))
            {
                best = Some((index, score));
            }
            trials.push(TrialRecord { index, point: trial.point, score, cost, failure });
        }
        let Some((best, _)) = best else {
            let failures: Vec<&str> = trials.iter().filter_map(|t| t.failure.as_deref()).take(3).collect();
            let problem = format!("none of {} trials has a score: {}", trials.len(), failures.join("; "));
            return Err(TrainError::Setting { name: "search", problem });
        };
        Ok(Chosen::new(Ledger { space: self.space.clone(), seed: self.seed, trials, best, test: None }))
    }
}

impl Goal {
    fn improves(self, score: f64, best: f64) -> bool {
        match self {
            Self::Smallest => score < best,
            Self::Largest => score > best,
        }
    }
}

/// The outcome of a trial by cross-validation: the mean score of `fold` over the splits, and the sum of the costs.
///
/// ```
/// use layerwise_datasets::split::k_fold;
/// use layerwise_tensor::Stream;
/// use layerwise_train::search::{Cost, Outcome, cross_validate};
/// let folds = k_fold(10, 5, &Stream::new(0))?;
/// let outcome = cross_validate(&folds, |_, rows| {
///     Ok(Outcome { score: rows.test.len() as f64, cost: Cost { rows: rows.train.len() as u64, ..Cost::default() } })
/// })?;
/// assert_eq!((outcome.score, outcome.cost.rows), (2.0, 40));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If there is no split, or `fold` fails.
pub fn cross_validate(
    splits: &[SplitIndices],
    mut fold: impl FnMut(usize, &SplitIndices) -> Result<Outcome, TrainError>,
) -> Result<Outcome, TrainError> {
    let mut outcomes = splits.iter().enumerate().map(|(i, split)| fold(i, split));
    let Some(first) = outcomes.next() else {
        let problem = "there is no fold to train; make some by `split::k_fold`".to_owned();
        return Err(TrainError::Setting { name: "cross-validation", problem });
    };
    let sum = outcomes.try_fold(first?, |sum, next| {
        let next = next?;
        Ok::<_, TrainError>(Outcome { score: sum.score + next.score, cost: sum.cost.and(next.cost) })
    })?;
    Ok(Outcome { score: sum.score / splits.len() as f64, ..sum })
}
