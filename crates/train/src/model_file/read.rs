//! From the bytes of a file to parameters.

use std::fmt::Display;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use layerwise_tensor::{DType, Layout, ParamKind, ParamSpec, Params, Scalar, kernel};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde::de::DeserializeOwned;

use super::header::{Header, METADATA_KEY, sha256_hex};
use super::names::{file_shape, is_counter};
use crate::error::TrainError;

/// The largest safetensors header that is looked at: far above what any model here needs.
const HEADER_LIMIT: u64 = 16 << 20;

/// The longest configuration that is built, in bytes: so much for any model, and so much more for each tensor.
const CONFIG_BASE: usize = 64 << 10;
const CONFIG_PER_TENSOR: usize = 1 << 10;

/// What is allowed while reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadOptions {
    /// Largest file in bytes; 2 GiB unless told otherwise.
    pub limit: u64,
    /// Whether an `f32` file may fill `f64` parameters and the other way round (rounding to nearest).
    pub cast: bool,
    /// Whether NaN and infinity may be read.
    pub allow_non_finite: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { limit: 2 << 30, cast: false, allow_non_finite: false }
    }
}

impl ReadOptions {
    /// Sets the largest file in bytes.
    pub fn limit(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }

    /// Allows the element type of the file to differ from that of the parameters.
    pub fn cast(mut self, allow: bool) -> Self {
        self.cast = allow;
        self
    }

    /// Allows NaN and infinity.
    pub fn allow_non_finite(mut self, allow: bool) -> Self {
        self.allow_non_finite = allow;
        self
    }
}

/// A model file that has been read and checked: complete, of a version we know, with the bytes that were written.
///
/// Also reads a `state_dict` saved by PyTorch or anything else in safetensors: it has no [`Header`], so the caller brings the layout.
#[derive(Clone, Debug)]
pub struct ModelFile {
    name: String,
    header: Option<Header>,
    tensors: Vec<Tensor>,
    options: ReadOptions,
}

#[derive(Clone, Debug)]
struct Tensor {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl ModelFile {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// If it cannot be read, is too large, incomplete, damaged, or of a later version.
    pub fn open(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Self, TrainError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let file = File::open(path).map_err(|source| TrainError::Io { file: name.clone(), source })?;
        Self::read(name, file, options)
    }

    /// Reads and checks what `reader` gives; `name` is what messages call it.
    ///
    /// # Errors
    /// As [`ModelFile::open`].
    pub fn read(name: impl Into<String>, reader: impl Read, options: &ReadOptions) -> Result<Self, TrainError> {
        let name = name.into();
        let mut bytes = Vec::new();
        let read = reader.take(options.limit.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|source| TrainError::Io { file: name.clone(), source })?;
        Self::from_bytes(name, &bytes, options)
    }

    /// Checks the bytes of a file; `name` is what messages call it.
    ///
    /// # Errors
    /// As [`ModelFile::open`].
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8], options: &ReadOptions) -> Result<Self, TrainError> {
        let name = name.into();
        let found = bytes.len() as u64;
        if found > options.limit {
            return Err(TrainError::TooLarge { file: name, found, limit: options.limit });
        }
        let (data, header_len) = check_frame(&name, bytes)?;
        let bad = |problem: String| TrainError::NotAModel { file: name.clone(), problem };
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| {
            bad(format!("the safetensors header of {header_len} bytes does not describe the {} bytes behind it ({e}); the file is truncated or no safetensors file", data.len()))
        })?;
        let parsed = SafeTensors::deserialize(bytes).map_err(|e| bad(e.to_string()))?;
        let mut tensors: Vec<Tensor> = parsed
            .iter()
            .map(|(name, t)| Tensor {
                name: name.into(),
                dtype: t.dtype(),
                shape: t.shape().to_vec(),
                bytes: t.data().to_vec(),
            })
            .collect();
        // The crate hands them out in the order of a hash map.
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        let json = metadata.metadata().as_ref().and_then(|m| m.get(METADATA_KEY));
        let header = json.map(|json| Header::parse(&name, json)).transpose()?;
        if let Some(header) = &header {
            let found = sha256_hex(data);
            if found != header.sha256 {
                return Err(TrainError::Damaged { file: name, found, declared: header.sha256.clone() });
            }
        }
        Ok(Self { name, header, tensors, options: *options })
    }

    /// What the file says about itself; `None` if it was not written by this crate.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// The configuration of the model.
    ///
    /// # Errors
    /// If there is none, or it is not of type `C`.
    pub fn config<C: DeserializeOwned>(&self) -> Result<C, TrainError> {
        serde_json::from_value(self.own_header()?.model.clone()).map_err(|e| self.bad_config(e))
    }

    /// What the caller added to the configuration when saving.
    ///
    /// # Errors
    /// If there is none, or it is not of type `E`.
    pub fn extra<E: DeserializeOwned>(&self) -> Result<E, TrainError> {
        serde_json::from_value(self.own_header()?.extra.clone()).map_err(|e| self.bad_config(e))
    }

    /// Names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.iter().map(|t| t.name.as_str())
    }

    /// Shape of a tensor as the file has it.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.find(name).map(|t| t.shape.as_slice())
    }

    /// A vector that was attached when saving.
    ///
    /// # Errors
    /// If it is missing, or holds NaN or infinity and that is not allowed.
    pub fn attachment(&self, name: &str) -> Result<Vec<f64>, TrainError> {
        let tensor = self.find(name).ok_or_else(|| self.bad(name, "it is missing; save the model again"))?;
        let mut values = vec![0.0; tensor.shape.iter().product()];
        self.decode(tensor, &mut values)?;
        Ok(values)
    }

    /// The parameters of a model of this `layout`.
    ///
    /// # Errors
    /// If a tensor is missing, superfluous, of another shape or element type, or holds NaN or infinity.
    pub fn params<T: Scalar>(&self, layout: impl Into<Arc<Layout>>) -> Result<Params<T>, TrainError> {
        let layout: Arc<Layout> = layout.into();
        self.check_names(&layout)?;
        // Shapes before memory: a configuration may claim any size, the tensors are as large as the file.
        for spec in layout.specs() {
            let tensor = self.find(&spec.name).ok_or_else(|| self.missing(spec))?;
            let expected = file_shape(spec);
            if tensor.shape != expected {
                let problem = format!("the model needs shape {expected:?}, the file has {:?}", tensor.shape);
                return Err(self.bad(&spec.name, problem));
            }
            self.check_dtype::<T>(spec, tensor)?;
        }
        let mut params = Params::zeros(Arc::clone(&layout));
        let mut turned = Vec::new();
        for (id, spec) in layout.ids().zip(layout.specs()) {
            let tensor = self.find(&spec.name).ok_or_else(|| self.missing(spec))?;
            let values = params.get_mut(id);
            if spec.kind != ParamKind::Weight {
                self.decode(tensor, values)?;
                continue;
            }
            turned.clear();
            turned.resize(values.len(), T::zero());
            self.decode(tensor, &mut turned)?;
            kernel::transpose(spec.cols, spec.rows, &turned, values);
        }
        Ok(params)
    }

    /// The error for a configuration that cannot be built into a model.
    pub fn bad_config(&self, problem: impl Display) -> TrainError {
        TrainError::Config { file: self.name.clone(), problem: problem.to_string() }
    }

    /// Refuses a configuration far too long for the tensors there are, before a model of a million layers is built from it.
    pub(super) fn check_config_size(&self) -> Result<(), TrainError> {
        let (found, tensors) = (self.own_header()?.model.to_string().len(), self.tensors.len());
        let allowed = CONFIG_BASE + CONFIG_PER_TENSOR * tensors;
        if found <= allowed {
            return Ok(());
        }
        let problem = format!("it has {found} bytes, more than the {allowed} a model of {tensors} tensors can need");
        Err(self.bad_config(format!("{problem}; the file is damaged")))
    }

    fn own_header(&self) -> Result<&Header, TrainError> {
        self.header.as_ref().ok_or_else(|| {
            self.bad_config(format!(
                "the metadata key `{METADATA_KEY}` is missing, so this file was not written by layerwise; \
                 build the model yourself and read its parameters by `ModelFile::params`"
            ))
        })
    }

    fn find(&self, name: &str) -> Option<&Tensor> {
        self.tensors.binary_search_by(|t| t.name.as_str().cmp(name)).ok().map(|i| &self.tensors[i])
    }

    fn bad(&self, tensor: &str, problem: impl Into<String>) -> TrainError {
        TrainError::Tensor { file: self.name.clone(), tensor: tensor.into(), problem: problem.into() }
    }

    fn missing(&self, spec: &ParamSpec) -> TrainError {
        let problem = format!("the model needs it with shape {:?}, the file lacks it", file_shape(spec));
        self.bad(&spec.name, problem)
    }

    fn check_names(&self, layout: &Layout) -> Result<(), TrainError> {
        let attached = |name: &str| self.header.as_ref().is_some_and(|h| h.attachments.iter().any(|a| a == name));
        for spec in layout.specs() {
            if self.find(&spec.name).is_none() {
                return Err(self.missing(spec));
            }
        }
        for tensor in &self.tensors {
            if layout.find(&tensor.name).is_none() && !attached(&tensor.name) {
                let problem = "the file has it, the model does not; is this the file of another model?";
                return Err(self.bad(&tensor.name, problem));
            }
        }
        Ok(())
    }

    fn check_dtype<T: Scalar>(&self, spec: &ParamSpec, tensor: &Tensor) -> Result<(), TrainError> {
        let same = match T::DTYPE {
            DType::F32 => tensor.dtype == Dtype::F32,
            DType::F64 => tensor.dtype == Dtype::F64,
        };
        if same || is_counter(spec) || self.options.cast {
            return Ok(());
        }
        let problem = format!(
            "the file holds {}, the parameters are {:?}; ask with `ReadOptions::cast(true)` to convert",
            tensor.dtype,
            T::DTYPE
        );
        Err(self.bad(&tensor.name, problem))
    }

    fn decode<T: Scalar>(&self, tensor: &Tensor, out: &mut [T]) -> Result<(), TrainError> {
        let bytes = &tensor.bytes;
        let fits = match tensor.dtype {
            Dtype::F32 => spread(bytes, out, |b| f64::from(f32::from_le_bytes(b))),
            Dtype::F64 => spread(bytes, out, f64::from_le_bytes),
            Dtype::I64 => spread(bytes, out, |b| i64::from_le_bytes(b) as f64),
            other => {
                let problem = format!("element type {other} is not supported; save it as F32 or F64");
                return Err(self.bad(&tensor.name, problem));
            }
        };
        if !fits {
            let problem = format!("{} bytes do not hold {} values", bytes.len(), out.len());
            return Err(self.bad(&tensor.name, problem));
        }
        if !self.options.allow_non_finite
            && let Some(i) = out.iter().position(|v| !v.is_finite())
        {
            let problem = format!(
                "value {i} is {:?}; the model had diverged (ask with `ReadOptions::allow_non_finite(true)` to read it)",
                out[i]
            );
            return Err(self.bad(&tensor.name, problem));
        }
        Ok(())
    }
}

/// Fills `out` from little-endian elements of `N` bytes; whether the lengths agreed.
fn spread<T: Scalar, const N: usize>(bytes: &[u8], out: &mut [T], value: impl Fn([u8; N]) -> f64) -> bool {
    let (chunks, rest) = bytes.as_chunks::<N>();
    for (v, chunk) in out.iter_mut().zip(chunks) {
        *v = T::of(value(*chunk));
    }
    rest.is_empty() && chunks.len() == out.len()
}

/// The bytes behind the header, and the length of the header, after what safetensors itself would refuse without a remedy.
fn check_frame<'a>(name: &str, bytes: &'a [u8]) -> Result<(&'a [u8], u64), TrainError> {
    let bad = |problem: String| TrainError::NotAModel { file: name.into(), problem };
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        let problem = format!("{} bytes are too short for a safetensors file; is the download complete?", bytes.len());
        return Err(bad(problem));
    };
    let length = u64::from_le_bytes(*length);
    // JSON begins with a brace: a check that tells "another kind of file" from "a damaged file".
    if rest.first() != Some(&b'{') {
        let problem = "this is no safetensors file: its header does not begin with `{`; pickled PyTorch files (.pt, .pth) must \
                       be saved as safetensors first";
        return Err(bad(problem.into()));
    }
    if length > HEADER_LIMIT {
        return Err(bad(format!(
            "the header claims {length} bytes, more than the {HEADER_LIMIT} allowed; the file is damaged"
        )));
    }
    if length > rest.len() as u64 {
        return Err(bad(format!(
            "the file is truncated: its header claims {length} bytes, only {} follow; is the copy complete?",
            rest.len()
        )));
    }
    Ok((&rest[length as usize..], length))
}
