//! What a callback keeps in a checkpoint.

use std::collections::BTreeMap;
use std::sync::Arc;

use layerwise_tensor::{Layout, Params, Scalar};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::TrainError;

/// What a callback keeps in a checkpoint: values by name, numbers to the bit, whole sets of parameters.
///
/// [`Callback::save_state`](super::Callback::save_state) fills it, [`Callback::load_state`](super::Callback::load_state) reads it back.
///
/// ```
/// # use layerwise_train::{Callback, CallbackState, EpochEnd, Stop, TrainError};
/// # use layerwise_tensor::Scalar;
/// # use std::ops::ControlFlow;
/// /// Counts the epochs in which the loss rose.
/// #[derive(Default)]
/// struct Setbacks { last: f64, count: u64 }
///
/// impl<T: Scalar> Callback<T> for Setbacks {
///     fn on_epoch_end(&mut self, e: &EpochEnd<'_, T>) -> ControlFlow<Stop> {
///         self.count += u64::from(e.record.loss > self.last);
///         self.last = e.record.loss;
///         ControlFlow::Continue(())
///     }
///     fn save_state(&self, state: &mut CallbackState<T>) {
///         state.put("count", &self.count);
///         state.put_number("last", self.last);
///     }
///     fn load_state(&mut self, state: &CallbackState<T>) -> Result<(), TrainError> {
///         (self.count, self.last) = (state.get("count")?, state.number("last")?);
///         Ok(())
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct CallbackState<T: Scalar> {
    pub(crate) file: String,
    pub(crate) layout: Arc<Layout>,
    pub(crate) values: BTreeMap<String, Value>,
    pub(crate) params: BTreeMap<String, Params<T>>,
}

impl<T: Scalar> CallbackState<T> {
    /// Nothing yet, for a model of this layout; `file` is what messages call the checkpoint.
    pub(crate) fn new(file: &str, layout: &Arc<Layout>) -> Self {
        Self { file: file.into(), layout: Arc::clone(layout), values: BTreeMap::new(), params: BTreeMap::new() }
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.params.is_empty()
    }

    /// Keeps a value that has a form in JSON. NaN and infinity have none: use [`CallbackState::put_number`].
    ///
    /// # Panics
    /// If it has no form in JSON.
    #[track_caller]
    pub fn put(&mut self, key: &str, value: &impl Serialize) {
        match serde_json::to_value(value) {
            Ok(value) => drop(self.values.insert(key.into(), value)),
            Err(e) => panic!("callback state `{key}`: it has no form in JSON ({e})"),
        }
    }

    /// Keeps a number to the bit, NaN and infinity too.
    pub fn put_number(&mut self, key: &str, value: f64) {
        self.values.insert(key.into(), value.to_bits().into());
    }

    /// Keeps the values of parameters of the model that is trained.
    ///
    /// # Panics
    /// If they belong to another model.
    #[track_caller]
    pub fn put_params(&mut self, key: &str, params: &Params<T>) {
        assert!(params.layout().same_shape(&self.layout), "callback state `{key}`: parameters of another model");
        self.params.insert(key.into(), params.clone());
    }

    /// A value that was kept.
    ///
    /// # Errors
    /// If there is none of this name, or it is of another type.
    pub fn get<V: DeserializeOwned>(&self, key: &str) -> Result<V, TrainError> {
        let value = self.values.get(key).ok_or_else(|| self.wrong(format!("`{key}` is missing")))?;
        serde_json::from_value(value.clone()).map_err(|e| self.wrong(format!("`{key}`: {e}")))
    }

    /// A number that was kept by [`CallbackState::put_number`].
    ///
    /// # Errors
    /// As [`CallbackState::get`].
    pub fn number(&self, key: &str) -> Result<f64, TrainError> {
        self.get(key).map(f64::from_bits)
    }

    /// Parameters that were kept; `None` if there are none of this name.
    pub fn params(&self, key: &str) -> Option<&Params<T>> {
        self.params.get(key)
    }

    /// The error for a state that does not fit the callback that is to take it over.
    pub fn wrong(&self, problem: impl Into<String>) -> TrainError {
        let problem = problem.into();
        TrainError::checkpoint(
            &self.file,
            format!("state of a callback: {problem}; use the callbacks it was written with"),
        )
    }
}
