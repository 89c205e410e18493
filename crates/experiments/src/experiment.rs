//! What an experiment is: a question, its variants as data, a function that runs one variant with one seed, and criteria fixed beforehand.

use crate::criterion::Criterion;
use crate::data::DataHome;
use crate::error::ExperimentError;
use crate::figure::{Figure, Image};
use crate::results::{Curve, Outcome, Results};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use crate::profile::{Profile, Tag};
pub use crate::results::{Metrics, metrics};

/// One experiment. A file under `exp/` holds one as a `static`, and `table.rs` names it.
pub struct Experiment {
    /// The name on the command line and of its folder.
    pub name: &'static str,
    /// What is asked, in one sentence.
    pub question: &'static str,
    /// What the lecture or the literature says.
    pub claim: &'static str,
    /// How it is tested: data, networks, training, what is compared, and where the number of parameters or the budget is held equal.
    pub protocol: &'static str,
    /// The published number or figure behind the claim.
    pub anchor: Anchor,
    /// The data sets it wants, with what it does without each.
    pub data: &'static [Need],
    /// Whether it belongs to the tour.
    pub tour: bool,
    /// Number of seeds under smoke, quick and full.
    pub seeds: [usize; 3],
    /// Seconds it takes on two cores under smoke, quick and full: measured, rounded up, shown before a run.
    pub seconds: [f64; 3],
    /// Whether several runs share the cores or each run gets them all.
    pub grain: Grain,
    /// What is compared.
    pub variants: fn(&Settings<'_>) -> Vec<Variant>,
    /// One variant with one seed.
    pub run: fn(&Variant, u64, &mut Run<'_>) -> Result<Metrics, ExperimentError>,
    /// What must be seen.
    pub criteria: &'static [Criterion],
    /// The pictures.
    pub figures: fn(&Results) -> Result<Vec<Figure>, ExperimentError>,
}

/// What the claim rests on.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Anchor {
    /// What was found or shown.
    pub text: &'static str,
    /// By whom and where.
    pub source: &'static str,
    /// How sure we are of it.
    pub tag: Tag,
}

/// A data set that an experiment wants.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Need {
    /// The folder's name in the data folder.
    pub set: &'static str,
    /// What happens without it.
    pub without: &'static str,
}

/// What the cores are given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// Small networks: as many runs at a time as there are threads, each on one.
    Runs,
    /// Large networks: one run at a time, its tiles on all threads.
    Tiles,
}

/// What the list of variants may depend on.
pub struct Settings<'a> {
    /// The profile.
    pub profile: Profile,
    /// The data at hand.
    pub data: &'a DataHome,
}

/// One thing that is compared: a name and a configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// The name, unique within the experiment.
    pub name: String,
    /// Every number that shapes the run; `--set` and `--grid` change it.
    pub config: Value,
    /// A number of seeds of its own: 1 for what no seed changes, more where single runs are cheap and scatter.
    pub seeds: Option<usize>,
}

impl Variant {
    /// A variant with any serialisable configuration.
    ///
    /// # Panics
    /// When the configuration cannot be written as JSON (a map with keys that are no strings): a mistake in the experiment.
    #[track_caller]
    pub fn new(name: impl Into<String>, config: impl Serialize) -> Self {
        let config = serde_json::to_value(config).expect("a configuration of plain fields");
        Self { name: name.into(), config, seeds: None }
    }

    /// The same, run with `n` seeds whatever the profile and the command line say.
    pub fn with_seeds(mut self, n: usize) -> Self {
        self.seeds = Some(n);
        self
    }

    /// The configuration as the experiment's own type.
    ///
    /// # Errors
    /// When `--set` gave a value that the type refuses.
    pub fn config<C: DeserializeOwned>(&self) -> Result<C, ExperimentError> {
        serde_json::from_value(self.config.clone())
            .map_err(|e| ExperimentError::Config { variant: self.name.clone(), message: e.to_string() })
    }

    /// The name as a folder: what a file system might refuse becomes `-`.
    pub fn folder(&self) -> String {
        self.name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.=".contains(c) { c } else { '-' }).collect()
    }
}

/// What a run may ask for and where it leaves what it saw.
pub struct Run<'a> {
    /// The profile.
    pub profile: Profile,
    /// The data at hand.
    pub data: &'a DataHome,
    pub(crate) outcome: Outcome,
    pub(crate) log: Vec<String>,
}

impl<'a> Run<'a> {
    /// A run that has seen nothing yet.
    pub fn new(profile: Profile, data: &'a DataHome, seed: u64) -> Self {
        Self { profile, data, outcome: Outcome::new(seed), log: Vec::new() }
    }

    /// A line of `metrics.jsonl`: what was measured at `step` (or epoch).
    pub fn log(&mut self, step: u64, values: &[(&str, f64)]) {
        let mut line = format!("{{\"step\":{step}");
        for (name, value) in values {
            let shown = if value.is_finite() { format!("{value}") } else { "null".into() };
            line.push_str(&format!(",{}:{shown}", Value::from(*name)));
        }
        line.push('}');
        self.log.push(line);
    }

    /// A curve for the figures; points that are not finite are left out.
    pub fn curve(&mut self, name: &str, x: impl IntoIterator<Item = f64>, y: impl IntoIterator<Item = f64>) {
        self.outcome.curves.insert(name.into(), Curve::new(x, y));
    }

    /// A picture for the figures.
    pub fn image(&mut self, name: &str, image: Image) {
        self.outcome.images.insert(name.into(), image);
    }

    /// A remark that the report shows, such as a fall-back on generated data.
    pub fn note(&mut self, text: impl Into<String>) {
        self.outcome.notes.push(text.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_is_json_even_with_a_name_in_quotes() {
        let home = DataHome::none();
        let mut run = Run::new(Profile::Smoke, &home, 0);
        run.log(3, &[("loss \"a\"", 0.5), ("nan", f64::NAN)]);
        let v: Value = serde_json::from_str(&run.log[0]).unwrap();
        assert_eq!(v["step"], 3);
        assert_eq!(v["nan"], Value::Null);
    }

    #[test]
    fn folders_hold_no_separator() {
        assert_eq!(Variant::new("a/b c", ()).folder(), "a-b-c");
    }
}
