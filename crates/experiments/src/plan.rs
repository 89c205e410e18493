//! What the command line says about a run, and what follows from it for an experiment.

use crate::data::DataHome;
use crate::environment::cores;
use crate::experiment::{Experiment, Grain, Profile, Settings, Variant};
use crate::settings::Change;
use crate::table::unknown;
use std::path::PathBuf;

/// Everything that the command line says about a run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How thorough.
    pub profile: Profile,
    /// Number of seeds; the experiment's own when not given.
    pub seeds: Option<usize>,
    /// The first seed.
    pub first_seed: u64,
    /// Threads in all; the cores when not given.
    pub threads: Option<usize>,
    /// Runs at a time; by the experiment's grain when not given.
    pub jobs: Option<usize>,
    /// `--set` and `--grid`.
    pub changes: Vec<Change>,
    /// The data.
    pub data: DataHome,
    /// The folder of the records.
    pub out: PathBuf,
    /// A folder of committed records, whose finished runs are taken over too.
    pub records: Option<PathBuf>,
    /// Take over finished runs with the same key.
    pub resume: bool,
    /// Only the runs whose place in the list of all leaves this remainder: `(i, n)`.
    pub shard: Option<(usize, usize)>,
    /// Only this variant.
    pub only: Option<String>,
}

impl Plan {
    /// The seeds of `e`.
    pub fn seeds(&self, e: &Experiment) -> Vec<u64> {
        self.first(self.seeds.unwrap_or(self.profile.pick(e.seeds)))
    }

    /// The seeds of one of its variants.
    pub fn seeds_of(&self, e: &Experiment, variant: &Variant) -> Vec<u64> {
        // One variant asked for by name takes the seeds that were asked for.
        let asked = self.seeds.filter(|_| self.only.is_some());
        asked.or(variant.seeds).map_or_else(|| self.seeds(e), |n| self.first(n))
    }

    fn first(&self, n: usize) -> Vec<u64> {
        (0..n as u64).map(|i| self.first_seed + i).collect()
    }

    /// Threads in all.
    pub fn threads(&self) -> usize {
        self.threads.unwrap_or_else(cores).max(1)
    }

    /// Runs of `e` at a time.
    pub fn jobs(&self, e: &Experiment) -> usize {
        let by_grain = if e.grain == Grain::Runs { self.threads() } else { 1 };
        self.jobs.unwrap_or(by_grain).max(1)
    }

    /// The variants of `e` after `--set` and `--grid`.
    ///
    /// # Errors
    /// When a value is of the wrong kind.
    pub fn variants(&self, e: &Experiment, all: &[&str]) -> Result<Vec<Variant>, String> {
        let mut variants = (e.variants)(&Settings { profile: self.profile, data: &self.data });
        for change in self.changes.iter().filter_map(|c| c.within(e.name, all)) {
            variants = change.apply(variants)?;
        }
        if let Some(only) = &self.only {
            let names: Vec<String> = variants.iter().map(|v| v.name.clone()).collect();
            variants.retain(|v| v.name == *only);
            if variants.is_empty() {
                return Err(unknown("variant", only, &names.iter().map(String::as_str).collect::<Vec<_>>()));
            }
        }
        Ok(variants)
    }
}
