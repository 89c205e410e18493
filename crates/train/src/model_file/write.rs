//! From parameters to the bytes of a file.

use std::collections::HashMap;
use std::path::Path;

use layerwise_tensor::{DType, ParamKind, ParamSpec, Params, Scalar, kernel};
use safetensors::tensor::{Dtype, TensorView};
use serde::Serialize;
use serde_json::Value;

use super::atomic::write_atomically;
use super::header::{FORMAT_VERSION, Header, METADATA_KEY, sha256_hex};
use super::names::{file_shape, is_counter};
use crate::error::TrainError;

/// Writes model files.
///
/// ```
/// # use layerwise_train::model_file::{ModelFile, ModelWriter, ReadOptions};
/// # use layerwise_tensor::{Constant, Layout, ParamKind, Params, Stream};
/// let mut layout = Layout::new();
/// layout.scope().child("0").param("weight", ParamKind::Weight, 3, 2, Constant(0.5));
/// let params: Params<f32> = Params::init(layout, &Stream::new(0));
/// let bytes = ModelWriter::new(&"any configuration")?.to_bytes(&params)?;
/// let file = ModelFile::from_bytes("memory", &bytes, &ReadOptions::default())?;
/// assert_eq!(file.shape("0.weight"), Some(&[2, 3][..])); // as in PyTorch
/// # Ok::<(), layerwise_train::TrainError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ModelWriter {
    model: Value,
    extra: Value,
    attachments: Vec<(String, Vec<f64>)>,
    allow_non_finite: bool,
}

impl ModelWriter {
    /// A writer for models with this configuration. So that [`load`](super::load) finds the kind of the model in the file, pass
    /// `&ModelConfig::of(config)` of [`layerwise_nn_layers::ModelConfig`].
    ///
    /// # Errors
    /// If the configuration has no JSON form.
    pub fn new(config: &impl Serialize) -> Result<Self, TrainError> {
        let model = to_json(config)?;
        Ok(Self { model, extra: Value::Null, attachments: Vec::new(), allow_non_finite: false })
    }

    /// Adds what belongs to the model but is no parameter: scaler, schema, ...
    ///
    /// # Errors
    /// If `extra` has no JSON form.
    pub fn extra(mut self, extra: &impl Serialize) -> Result<Self, TrainError> {
        self.extra = to_json(extra)?;
        Ok(self)
    }

    /// Adds a vector of numbers that is no parameter, kept exactly as `F64`.
    pub fn attach(mut self, name: impl Into<String>, values: Vec<f64>) -> Self {
        self.attachments.push((name.into(), values));
        self
    }

    /// Writes parameters that are NaN or infinite too, which is refused otherwise: to look at a model that diverged.
    pub fn allow_non_finite(mut self, allow: bool) -> Self {
        self.allow_non_finite = allow;
        self
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// If a parameter is not finite, or an attachment has the name of a parameter.
    pub fn to_bytes<T: Scalar>(&self, params: &Params<T>) -> Result<Vec<u8>, TrainError> {
        self.bytes_for("the model", params)
    }

    /// Replaces the file at `path` in one step; see [`write_atomically`].
    ///
    /// # Errors
    /// As [`ModelWriter::to_bytes`], or if the file cannot be written.
    pub fn save<T: Scalar>(&self, path: impl AsRef<Path>, params: &Params<T>) -> Result<(), TrainError> {
        let path = path.as_ref();
        write_atomically(path, &self.bytes_for(&path.display().to_string(), params)?)
    }

    fn bytes_for<T: Scalar>(&self, file: &str, params: &Params<T>) -> Result<Vec<u8>, TrainError> {
        let bad = |tensor: &str, problem: &str| TrainError::Tensor {
            file: file.into(),
            tensor: tensor.into(),
            problem: problem.into(),
        };
        let mut tensors = Vec::new();
        for (id, spec) in params.layout().ids().zip(params.layout().specs()) {
            let values = params.get(id);
            if !self.allow_non_finite && values.iter().any(|v| !v.is_finite()) {
                let problem =
                    "it holds NaN or infinity and was not written; ask with `allow_non_finite(true)` if you want it";
                return Err(bad(&spec.name, problem));
            }
            tensors.push(encode(spec, values));
        }
        for (name, values) in &self.attachments {
            if tensors.iter().any(|t| t.name == *name) {
                return Err(bad(name, "an attachment has the name of another tensor; choose another name"));
            }
            let mut bytes = Vec::new();
            f64::extend_le_bytes(values, &mut bytes);
            tensors.push(Encoded { name: name.clone(), dtype: Dtype::F64, shape: vec![values.len()], bytes });
        }
        // The hash is part of the header and covers the data behind it, whose order is safetensors' choice: so write twice.
        let without = serialize(file, &tensors, None)?;
        let header = Header {
            format: FORMAT_VERSION,
            version: env!("CARGO_PKG_VERSION").into(),
            dtype: T::DTYPE,
            sha256: sha256_hex(&without[data_start(&without)..]),
            model: self.model.clone(),
            attachments: self.attachments.iter().map(|a| a.0.clone()).collect(),
            extra: self.extra.clone(),
        };
        let json = to_json(&header)?.to_string();
        serialize(file, &tensors, Some(HashMap::from([(METADATA_KEY.into(), json)])))
    }
}

struct Encoded {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

fn encode<T: Scalar>(spec: &ParamSpec, values: &[T]) -> Encoded {
    let mut bytes = Vec::new();
    let dtype = if is_counter(spec) {
        for v in values {
            bytes.extend_from_slice(&(v.as_f64() as i64).to_le_bytes());
        }
        Dtype::I64
    } else {
        if spec.kind == ParamKind::Weight {
            let mut turned = vec![T::zero(); values.len()];
            kernel::transpose(spec.rows, spec.cols, values, &mut turned);
            T::extend_le_bytes(&turned, &mut bytes);
        } else {
            T::extend_le_bytes(values, &mut bytes);
        }
        match T::DTYPE {
            DType::F32 => Dtype::F32,
            DType::F64 => Dtype::F64,
        }
    };
    Encoded { name: spec.name.clone(), dtype, shape: file_shape(spec), bytes }
}

fn serialize(
    file: &str,
    tensors: &[Encoded],
    metadata: Option<HashMap<String, String>>,
) -> Result<Vec<u8>, TrainError> {
    let refused = |e| TrainError::NotAModel { file: file.into(), problem: format!("cannot be written: {e}") };
    let views: Result<Vec<_>, _> = tensors
        .iter()
        .map(|t| {
            Ok::<_, TrainError>((
                t.name.as_str(),
                TensorView::new(t.dtype, t.shape.clone(), &t.bytes).map_err(refused)?,
            ))
        })
        .collect();
    safetensors::serialize(views?, metadata).map_err(refused)
}

/// Where the bytes of the tensors begin: behind the length of the header and the header.
fn data_start(bytes: &[u8]) -> usize {
    let length = bytes.first_chunk().map_or(0, |b| u64::from_le_bytes(*b));
    (length as usize).saturating_add(8).min(bytes.len())
}

fn to_json(value: &impl Serialize) -> Result<Value, TrainError> {
    serde_json::to_value(value)
        .map_err(|e| TrainError::Config { file: "the model".into(), problem: format!("it has no JSON form: {e}") })
}
