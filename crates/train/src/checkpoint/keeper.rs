//! Writes the checkpoints of a fit, and finds the one it goes on from.

use layerwise_tensor::{Params, Scalar};

use super::Checkpoint;
use super::container::{self, Tensor};
use super::meta::{CallbackMeta, FORMAT, Meta, Record, sums};
use super::restore::{Found, groups};
use super::setup::Setup;
use super::store::Store;
use crate::callback::{Callback, CallbackState};
use crate::error::TrainError;
use crate::state::State;

/// Writes the checkpoints of a fit, and finds the one it goes on from.
#[derive(Debug)]
pub(crate) struct Keeper {
    config: Checkpoint,
    setup: Setup,
    store: Store,
    /// Epoch and steps in it where the newest file was written, and whether the training had ended.
    written: Option<(usize, usize, bool)>,
}

impl Keeper {
    pub(crate) fn new(config: Checkpoint, setup: Setup) -> Self {
        let store = Store::new(&config.path, config.limit);
        Self { config, setup, store, written: None }
    }

    /// The checkpoint to go on from, if that is asked for and there is one.
    ///
    /// # Errors
    /// If there is one but nobody asked to go on from it, or it is broken and so is the one before, or it is of another training.
    pub(crate) fn find<T: Scalar>(&mut self) -> Result<Option<Found<T>>, TrainError> {
        if !self.config.resume {
            return match self.store.exists() {
                true => Err(TrainError::CheckpointExists { file: self.store.name() }),
                false => Ok(None),
            };
        }
        let found = self.store.load(|file, bytes| {
            let content = container::read(file, bytes)?;
            let meta = Meta::parse(file, &content.json)?;
            match self.setup.differences(&meta.setup) {
                Some(differences) => Err(TrainError::OtherTraining { file: file.into(), differences }),
                None => Ok(Found::new(file, meta, content.into_values())),
            }
        })?;
        Ok(found)
    }

    /// Whether one is due after a step, the `steps`-th over all epochs.
    pub(crate) fn is_due_after_step(&self, steps: u64) -> bool {
        self.config.every_steps > 0 && steps.is_multiple_of(self.config.every_steps)
    }

    /// Whether one is due after an epoch, when `epochs` are done.
    pub(crate) fn is_due_after_epoch(&self, epochs: usize) -> bool {
        self.config.every_epochs > 0 && epochs.is_multiple_of(self.config.every_epochs)
    }

    /// Says that the fit stands where its newest file was written.
    pub(crate) fn resumed_at<T: Scalar>(&mut self, state: &State<T>) {
        self.written = Some(place(state));
    }

    /// Writes one, unless the newest was written at this very place.
    ///
    /// # Errors
    /// If it cannot be written; the last good one is intact.
    pub(crate) fn write<T: Scalar>(
        &mut self,
        params: &Params<T>,
        state: &State<T>,
        callbacks: &[Box<dyn Callback<T> + '_>],
        probe: f64,
    ) -> Result<(), TrainError> {
        if self.written == Some(place(state)) {
            return Ok(());
        }
        let name = self.store.name();
        let kept: Vec<CallbackState<T>> = callbacks
            .iter()
            .map(|callback| {
                let mut kept = CallbackState::new(&name, params.layout());
                callback.save_state(&mut kept);
                kept
            })
            .filter(|kept| !kept.is_empty())
            .collect();
        let averages = &state.averages;
        let meta = Meta {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").into(),
            setup: self.setup.clone(),
            epoch: state.position.epoch,
            steps_in_epoch: state.position.steps,
            sums: sums(&state.position.sums),
            stopped: state.stopped.clone(),
            history: state.history.epochs.iter().map(Record::of).collect(),
            optimizer: state.optimizer.state_meta(),
            ema: averages.ema.as_ref().map(|a| a.updates()),
            swa: averages.swa.as_ref().map(|a| a.updates()),
            lookahead: averages.lookahead.as_ref().map(|a| a.steps()),
            callbacks: kept
                .iter()
                .map(|c| CallbackMeta { values: c.values.clone(), params: c.params.keys().cloned().collect() })
                .collect(),
            probe: probe.to_bits(),
        };
        let json = serde_json::to_string(&meta)
            .map_err(|e| TrainError::checkpoint(&name, format!("it has no form in JSON ({e})")))?;
        let mut tensors = Vec::new();
        add(&mut tensors, groups::PARAMS, params);
        for t in state.optimizer.state_tensors() {
            let name = format!("{}/{}", groups::OPTIMIZER, t.name);
            tensors.push(Tensor { name, shape: [t.rows, t.cols], values: t.values });
        }
        let sets = [
            (groups::EMA, averages.ema.as_ref().map(|a| a.params())),
            (groups::SWA, averages.swa.as_ref().map(|a| a.params())),
            (groups::LOOKAHEAD, averages.lookahead.as_ref().map(|a| a.params())),
        ];
        for (group, set) in sets {
            set.into_iter().for_each(|set| add(&mut tensors, group, set));
        }
        for (i, callback) in kept.iter().enumerate() {
            for (key, set) in &callback.params {
                add(&mut tensors, &groups::callback(i, key), set);
            }
        }
        self.store.write(|out| container::write(out, &json, &tensors))?;
        self.written = Some(place(state));
        Ok(())
    }
}

fn place<T: Scalar>(state: &State<T>) -> (usize, usize, bool) {
    (state.position.epoch, state.position.steps, state.stopped.is_some())
}

/// Adds every parameter of `params` under `group`.
fn add<'p, T: Scalar>(tensors: &mut Vec<Tensor<'p, T>>, group: &str, params: &'p Params<T>) {
    let layout = params.layout();
    for (id, spec) in layout.ids().zip(layout.specs()) {
        let name = format!("{group}/{}", spec.name);
        tensors.push(Tensor { name, shape: [spec.rows, spec.cols], values: params.get(id) });
    }
}
