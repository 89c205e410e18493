//! What was trained, and how: what a checkpoint and the fit that goes on from it must agree on.

use std::collections::{BTreeMap, BTreeSet};

use layerwise_tensor::{Params, Scalar};
use ndarray::{ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::data::{Samples, Targets};
use crate::error::TrainError;

/// How many differences a message lists.
const LISTED: usize = 4;

/// Everything that makes a training this one, by name.
///
/// It is kept whole, not as a hash, so that a message can say what differs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Setup(BTreeMap<String, Value>);

impl Setup {
    /// Adds a setting.
    pub(crate) fn put(&mut self, name: &str, value: impl Serialize) -> Result<(), TrainError> {
        let value = serde_json::to_value(value).map_err(|e| TrainError::Setting {
            name: "checkpoint",
            problem: format!("`{name}` cannot be written into a checkpoint ({e})"),
        })?;
        self.0.insert(name.into(), value);
        Ok(())
    }

    /// Adds element type, names, kinds and shapes of the parameters.
    pub(crate) fn put_params<T: Scalar>(&mut self, params: &Params<T>) -> Result<(), TrainError> {
        let layout = params.layout();
        let line = |(id, s): (_, &layerwise_tensor::ParamSpec)| {
            let frozen = if params.is_frozen(id) { ", frozen" } else { "" };
            format!("{} ({:?}, {} x {}{frozen})", s.name, s.kind, s.rows, s.cols)
        };
        let lines: Vec<String> = layout.ids().zip(layout.specs()).map(line).collect();
        self.put("element type", T::DTYPE)?;
        self.put("parameters", lines)
    }

    /// Adds shape, kind and a hash of samples.
    pub(crate) fn put_samples<T: Scalar>(&mut self, name: &str, samples: &Samples<'_, T>) -> Result<(), TrainError> {
        let x = samples.inputs();
        let mut hash = Sha256::new();
        hash_rows(x, &mut hash);
        let (kind, outputs) = match samples.targets() {
            Targets::Labels(labels) => {
                labels.iter().for_each(|label| hash.update(label.to_le_bytes()));
                ("labels", 1)
            }
            Targets::Values(values) => {
                hash_rows(values, &mut hash);
                ("values", values.ncols())
            }
            Targets::Inputs => ("the inputs", x.ncols()),
        };
        let (weights, mask) = (samples.row_weights(), samples.target_mask());
        if let Some(weights) = weights {
            hash_rows(ArrayView1::from(weights).insert_axis(Axis(0)), &mut hash);
        }
        if let Some(mask) = mask {
            hash_rows(mask, &mut hash);
        }
        let hash: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        self.put(&format!("{name}.rows"), x.nrows())?;
        self.put(&format!("{name}.features"), x.ncols())?;
        self.put(&format!("{name}.targets"), format!("{kind}, {outputs} in each row"))?;
        self.put(&format!("{name}.weights"), weights.is_some())?;
        self.put(&format!("{name}.mask"), mask.is_some())?;
        self.put(&format!("{name}.hash"), hash)
    }

    /// What differs between the setup in a file and this one, in words; `None` if nothing does.
    pub(crate) fn differences(&self, file: &Self) -> Option<String> {
        let (here, there) = (self.flat(), file.flat());
        let names: BTreeSet<&String> = here.keys().chain(there.keys()).collect();
        let mut differ: Vec<_> = names.into_iter().map(|name| (name, there.get(name), here.get(name))).collect();
        differ.retain(|(_, there, here)| there != here);
        // What both have says more than what one lacks because of it, such as the numbers of another rule.
        differ.sort_by_key(|(_, there, here)| there.is_none() || here.is_none());
        let line = |(name, there, here): &(&String, Option<&String>, Option<&String>)| {
            let [there, here] = [there, here].map(|value| value.map_or("nothing", String::as_str));
            format!("`{name}` is {there} in the file and {here} here")
        };
        let lines: Vec<String> = differ.iter().take(LISTED).map(line).collect();
        let more = differ.len() - lines.len();
        let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
        (!lines.is_empty()).then(|| lines.join(", ") + &rest)
    }

    /// Every leaf by its path.
    fn flat(&self) -> BTreeMap<String, String> {
        let mut flat = BTreeMap::new();
        for (name, value) in &self.0 {
            flatten(name.clone(), value, &mut flat);
        }
        flat
    }
}

fn flatten(path: String, value: &Value, out: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            fields.iter().for_each(|(key, value)| flatten(format!("{path}.{key}"), value, out));
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(i, value)| flatten(format!("{path}[{i}]"), value, out));
        }
        Value::String(text) => drop(out.insert(path, text.clone())),
        other => drop(out.insert(path, other.to_string())),
    }
}

fn hash_rows<T: Scalar>(x: ArrayView2<'_, T>, hash: &mut Sha256) {
    let (mut row, mut bytes) = (Vec::new(), Vec::new());
    for values in x.outer_iter() {
        row.clear();
        row.extend(values.iter().copied());
        bytes.clear();
        T::extend_le_bytes(&row, &mut bytes);
        hash.update(&bytes);
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use serde_json::json;

    use super::*;

    fn setup(rate: f64, x: &ndarray::Array2<f64>) -> Setup {
        let mut setup = Setup::default();
        setup.put("optimizer", json!({"rate": rate, "rule": {"name": "adam"}})).unwrap();
        setup.put_samples("data", &Samples::reconstruct(x.view()).unwrap()).unwrap();
        setup
    }

    #[test]
    fn what_differs_is_named_with_both_values() {
        let (x, y) = (array![[1.0, 2.0]], array![[1.0, 2.5]]);
        let own = setup(0.1, &x);
        let text = serde_json::to_string(&own).unwrap();
        assert_eq!(own.differences(&serde_json::from_str(&text).unwrap()), None);
        let message = own.differences(&setup(0.2, &x)).unwrap();
        assert_eq!(message, "`optimizer.rate` is 0.2 in the file and 0.1 here");
        let message = own.differences(&setup(0.1, &y)).unwrap();
        assert!(message.starts_with("`data.hash` is"), "{message}");
        assert!(own.differences(&Setup::default()).unwrap().contains("more"));
    }

    #[test]
    fn strides_do_not_matter_to_the_hash() {
        let x = array![[1.0, 2.0], [3.0, 4.0]];
        let turned = x.t().as_standard_layout().into_owned();
        let mut setups = [x.view(), turned.t()].into_iter().map(|view| {
            let mut setup = Setup::default();
            setup.put_samples("data", &Samples::reconstruct(view).unwrap()).unwrap();
            setup
        });
        assert_eq!(setups.next(), setups.next());
    }
}
