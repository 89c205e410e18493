//! The state of L-BFGS as it goes into a checkpoint.

use layerwise_tensor::Scalar;
use serde::{Deserialize, Serialize};

use super::config::LbfgsConfig;
use super::history::History;
use super::run::Lbfgs;
use crate::error::{OptimError, require_not_negative};
use crate::state::StateTensor;

/// All of the state of [`Lbfgs`] but its tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LbfgsMeta {
    /// What the optimizer was made from.
    pub config: LbfgsConfig,
    /// The rate, which may have been changed since.
    pub rate: f64,
    /// Steps taken.
    pub steps: u64,
    /// Iterations of all steps.
    pub iterations: u64,
    /// Evaluations of all steps.
    pub evaluations: u64,
    /// Pairs in the history.
    pub pairs: usize,
    /// Whether there was an iteration since the history began.
    pub started: bool,
    /// Names of the parameters that the history is about.
    pub trained: Vec<String>,
}

impl<T: Scalar> Lbfgs<T> {
    /// Everything a checkpoint needs besides [`Lbfgs::state_tensors`].
    pub fn state_meta(&self) -> LbfgsMeta {
        let specs = self.layout.specs().iter().zip(&self.trained);
        LbfgsMeta {
            config: self.config,
            rate: self.rate,
            steps: self.steps,
            iterations: self.iterations,
            evaluations: self.evaluations,
            pairs: self.history.len(),
            started: self.started,
            trained: specs.filter(|(_, trained)| **trained).map(|(spec, _)| spec.name.clone()).collect(),
        }
    }

    /// The buffers of the state, for each parameter: the last move `step`, the gradient before it `prev_grad`, and the pairs of the history,
    /// the oldest first, `steps.0`, `changes.0`, `steps.1` ...
    pub fn state_tensors(&self) -> impl Iterator<Item = StateTensor<'_, T>> {
        let whole = [("step".to_owned(), self.d.as_slice()), ("prev_grad".to_owned(), self.g[0].as_slice())];
        let pairs = self.history.iter().enumerate();
        let pairs = pairs.flat_map(|(k, (s, y))| [(format!("steps.{k}"), s), (format!("changes.{k}"), y)]);
        whole.into_iter().chain(pairs).flat_map(move |(slot, values)| {
            self.layout.specs().iter().filter(|spec| !spec.is_buffer()).map(move |spec| StateTensor {
                name: format!("{}.{slot}", spec.name),
                rows: spec.rows,
                cols: spec.cols,
                values: &values[spec.range()],
            })
        })
    }

    /// Takes over the state of a checkpoint; `tensor` finds a buffer by its name. Afterwards the optimizer goes on as the one that was
    /// saved would have, bit for bit.
    ///
    /// # Errors
    /// If configuration, names or sizes differ; the state stays as it was then.
    pub fn load_state<'a>(
        &mut self,
        meta: &LbfgsMeta,
        tensor: impl Fn(&str) -> Option<&'a [T]>,
    ) -> Result<(), OptimError> {
        let differ =
            |what: &str, expected: String, found: String| OptimError::State { what: what.to_owned(), expected, found };
        if meta.config != self.config {
            let (expected, found) = (format!("{:?}", self.config), format!("{:?}", meta.config));
            return Err(differ("the configuration differs", expected, found));
        }
        require_not_negative("rate", meta.rate)?;
        if meta.pairs > self.config.history {
            return Err(differ("too many pairs", format!("at most {}", self.config.history), meta.pairs.to_string()));
        }
        let read = |slot: &str, into: &mut [T]| -> Result<(), OptimError> {
            for spec in self.layout.specs().iter().filter(|spec| !spec.is_buffer()) {
                let name = format!("{}.{slot}", spec.name);
                let expected = || format!("`{name}` with {} values", spec.len());
                let found =
                    tensor(&name).ok_or_else(|| differ("a buffer is missing", expected(), "nothing".to_owned()))?;
                if found.len() != spec.len() {
                    return Err(differ("a buffer has another size", expected(), found.len().to_string()));
                }
                into[spec.range()].copy_from_slice(found);
            }
            Ok(())
        };
        let mut loaded = self.clone();
        read("step", &mut loaded.d)?;
        read("prev_grad", &mut loaded.g[0])?;
        loaded.history = History::new(self.config.history);
        let (mut step, mut change) = (loaded.d.clone(), loaded.d.clone());
        for k in 0..meta.pairs {
            read(&format!("steps.{k}"), &mut step)?;
            read(&format!("changes.{k}"), &mut change)?;
            loaded.history.push(&step, &change, &mut loaded.sums);
        }
        if loaded.history.len() != meta.pairs {
            return Err(differ(
                "a pair has no positive curvature",
                meta.pairs.to_string(),
                loaded.history.len().to_string(),
            ));
        }
        loaded.trained.fill(false);
        for name in &meta.trained {
            let id = self.layout.find(name).ok_or_else(|| {
                differ("a parameter is unknown", "a name of this model".to_owned(), format!("`{name}`"))
            })?;
            loaded.trained[id.index()] = true;
        }
        (loaded.rate, loaded.steps, loaded.started) = (meta.rate, meta.steps, meta.started);
        (loaded.iterations, loaded.evaluations) = (meta.iterations, meta.evaluations);
        *self = loaded;
        Ok(())
    }
}
