//! From a checkpoint back into a fit.

use std::collections::BTreeMap;

use layerwise_tensor::{Params, Scalar};

use super::meta::Meta;
use crate::callback::{Callback, CallbackState};
use crate::error::TrainError;
use crate::history::History;
use crate::state::State;

/// The prefixes of the names of tensors.
pub(super) mod groups {
    pub(crate) const PARAMS: &str = "params";
    pub(crate) const OPTIMIZER: &str = "optimizer";
    pub(crate) const EMA: &str = "ema";
    pub(crate) const SWA: &str = "swa";
    pub(crate) const LOOKAHEAD: &str = "lookahead";

    /// The prefix of a set of parameters that a callback keeps.
    pub(crate) fn callback(index: usize, key: &str) -> String {
        format!("callback.{index}/{key}")
    }
}

/// A checkpoint that was read, whole, and of this training.
#[derive(Debug)]
pub(crate) struct Found<T> {
    file: String,
    meta: Meta,
    tensors: BTreeMap<String, Vec<T>>,
}

impl<T: Scalar> Found<T> {
    pub(super) fn new(file: &str, meta: Meta, tensors: BTreeMap<String, Vec<T>>) -> Self {
        Self { file: file.into(), meta, tensors }
    }

    /// The file it was read from.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// Steps that were taken.
    pub(crate) fn steps(&self) -> u64 {
        self.meta.optimizer.steps
    }

    /// The loss of the first rows with its parameters, when it was written.
    pub(crate) fn probe(&self) -> f64 {
        f64::from_bits(self.meta.probe)
    }

    /// Puts everything back: parameters, state and callbacks; `per_epoch` steps make an epoch.
    ///
    /// # Errors
    /// If the content does not fit together.
    pub(crate) fn restore(
        &self,
        params: &mut Params<T>,
        state: &mut State<T>,
        callbacks: &mut [Box<dyn Callback<T> + '_>],
        per_epoch: usize,
    ) -> Result<(), TrainError> {
        self.check_counts(per_epoch)?;
        let meta = &self.meta;
        let loaded = self.params(groups::PARAMS, params)?;
        let tensor = |name: &str| self.tensors.get(&format!("{}/{name}", groups::OPTIMIZER)).map(Vec::as_slice);
        state.optimizer.load_state(&meta.optimizer, tensor).map_err(|e| self.wrong(e.to_string()))?;
        let averages = &mut state.averages;
        if let (Some(ema), Some(updates)) = (&mut averages.ema, meta.ema) {
            ema.resume(&self.params(groups::EMA, params)?, updates);
        }
        if let (Some(swa), Some(updates)) = (&mut averages.swa, meta.swa) {
            swa.resume(&self.params(groups::SWA, params)?, updates);
        }
        if let (Some(lookahead), Some(steps)) = (&mut averages.lookahead, meta.lookahead) {
            lookahead.resume(&self.params(groups::LOOKAHEAD, params)?, steps);
        }
        state.position = meta.position();
        state.history = History { epochs: meta.history.iter().map(|r| r.to_epoch()).collect() };
        state.stopped = meta.stopped.clone();
        self.restore_callbacks(callbacks, params)?;
        params.copy_from(&loaded);
        Ok(())
    }

    /// Numbers that contradict one another, which only a file made by hand has, would overflow later.
    fn check_counts(&self, per_epoch: usize) -> Result<(), TrainError> {
        let m = &self.meta;
        let before = (m.epoch as u64).checked_mul(per_epoch as u64);
        let steps = before.and_then(|b| b.checked_add(m.steps_in_epoch as u64));
        let of = |count: &u64| *count <= m.optimizer.steps;
        let plateau = &m.optimizer.plateau;
        let fits = steps == Some(m.optimizer.steps)
            && m.steps_in_epoch <= per_epoch
            && m.history.len() <= m.epoch.saturating_add(1)
            && m.optimizer.updates.values().all(of)
            && [m.ema, m.swa, m.lookahead].iter().flatten().all(of)
            && of(&plateau.bad);
        if fits {
            return Ok(());
        }
        let (epoch, within, steps) = (m.epoch, m.steps_in_epoch, m.optimizer.steps);
        Err(self.wrong(format!("its counts contradict one another: step {steps} is step {within} of epoch {epoch}")))
    }

    fn restore_callbacks(
        &self,
        callbacks: &mut [Box<dyn Callback<T> + '_>],
        like: &Params<T>,
    ) -> Result<(), TrainError> {
        let stateful = |callback: &&mut Box<dyn Callback<T> + '_>| {
            let mut fresh = CallbackState::new(&self.file, like.layout());
            callback.save_state(&mut fresh);
            !fresh.is_empty()
        };
        let mut own: Vec<_> = callbacks.iter_mut().filter(stateful).collect();
        let (found, here) = (self.meta.callbacks.len(), own.len());
        if found != here {
            let differences =
                format!("{found} callbacks with a state, such as early stopping, in the file and {here} here");
            return Err(TrainError::OtherTraining { file: self.file.clone(), differences });
        }
        for (i, (callback, meta)) in own.iter_mut().zip(&self.meta.callbacks).enumerate() {
            let mut state = CallbackState::new(&self.file, like.layout());
            state.values = meta.values.clone();
            for key in &meta.params {
                state.params.insert(key.clone(), self.params(&groups::callback(i, key), like)?);
            }
            callback.load_state(&state)?;
        }
        Ok(())
    }

    /// The parameters of a group, in the layout of `like`.
    fn params(&self, group: &str, like: &Params<T>) -> Result<Params<T>, TrainError> {
        let mut params = like.clone();
        for (id, spec) in like.layout().ids().zip(like.layout().specs()) {
            let name = format!("{group}/{}", spec.name);
            let values = self.tensors.get(&name).filter(|values| values.len() == spec.len());
            let values =
                values.ok_or_else(|| self.wrong(format!("tensor `{name}` of {} values is missing", spec.len())))?;
            params.get_mut(id).copy_from_slice(values);
        }
        Ok(params)
    }

    fn wrong(&self, problem: String) -> TrainError {
        TrainError::checkpoint(&self.file, format!("{problem}; restore it from a copy or delete it"))
    }
}
