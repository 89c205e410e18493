//! What a model's configuration can do, and the named form of it that files hold.

use std::fmt;

use layerwise_tensor::{Layout, Params, Scalar, Scope, Stream};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::ConfigError;
use crate::module::AnyModule;
use crate::options;

/// The configuration of a whole model, from which it is built; the only way to a model.
///
/// ```
/// use layerwise_nn_layers::{BuildModel, Mlp, ModelConfig};
///
/// let config = Mlp::builder(4).hidden(&[8]).outputs(3);
/// let (mlp, params) = config.create::<f64>(1)?;
/// assert_eq!(params.layout().specs()[0].name, "0.weight");
///
/// let named = ModelConfig::of(&config);
/// let text = serde_json::to_string(&named)?;
/// let back = ModelConfig::from_json(&text)?;
/// assert_eq!(back.read::<layerwise_nn_layers::MlpConfig>()?, *mlp.config());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait BuildModel: Serialize + DeserializeOwned + fmt::Debug + 'static {
    /// Its name in files.
    const MODEL: &'static str;
    /// One line for the documentation.
    const DOC: &'static str;
    /// Options on which the laws are tried, as JSON.
    const SAMPLES: &'static [&'static str];
    /// What is built.
    type Model: AnyModule + 'static;

    /// Registers the parameters below `scope` and returns the model.
    ///
    /// # Errors
    /// If a value is out of range or widths do not fit.
    fn build_model(&self, scope: &mut Scope<'_>) -> Result<Self::Model, ConfigError>;

    /// Width of the input.
    fn inputs(&self) -> usize;

    /// The model with first values for its parameters, drawn from the stream `init` of `seed`.
    ///
    /// # Errors
    /// As [`BuildModel::build_model`].
    fn create<T: Scalar>(&self, seed: u64) -> Result<(Self::Model, Params<T>), ConfigError> {
        let mut layout = Layout::new();
        let model = self.build_model(&mut layout.scope())?;
        Ok((model, Params::init(layout, &Stream::new(seed).child("init"))))
    }
}

/// A model by name, with its options: `{"model": "mlp", "inputs": 784, ..}`. Files of models hold it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelConfig {
    model: String,
    #[serde(flatten)]
    options: Map<String, Value>,
}

impl ModelConfig {
    /// The model called `name` with `options`, unchecked until it is read or built.
    pub fn new(name: impl Into<String>, options: Map<String, Value>) -> Self {
        Self { model: name.into(), options }
    }

    /// The named form of `config`.
    ///
    /// # Panics
    /// If `config` does not serialise to a JSON object with string keys.
    #[track_caller]
    pub fn of<C: BuildModel>(config: &C) -> Self {
        match serde_json::to_value(config) {
            Ok(Value::Object(options)) => Self::new(C::MODEL, options),
            other => panic!("the configuration of model `{}` must serialise to an object, found {other:?}", C::MODEL),
        }
    }

    /// The configuration in `text`, of which only the form is checked.
    ///
    /// # Errors
    /// If `text` is not JSON, or not an object with a string `model`.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        serde_json::from_str(text).map_err(|e| ConfigError::malformed("", "configuration of a model", e))
    }

    /// Name of the model.
    pub fn name(&self) -> &str {
        &self.model
    }

    /// Its options.
    pub fn options(&self) -> &Map<String, Value> {
        &self.options
    }

    /// The typed configuration.
    ///
    /// # Errors
    /// If this is another model, or an option is unknown, missing or of the wrong form.
    pub fn read<C: BuildModel>(&self) -> Result<C, ConfigError> {
        if self.model != C::MODEL {
            let remedy = "read it as the model it is";
            return Err(ConfigError::bad_value("", "`model`", format!("`{}`", C::MODEL), &self.model, remedy));
        }
        options::from_map("", &format!("model `{}`", self.model), &self.options)
    }

    /// Builds the model, found in `table`, below `scope`.
    ///
    /// # Errors
    /// If no model has that name, or its configuration is wrong.
    pub fn build_from(&self, scope: &mut Scope<'_>, table: &[&ModelEntry]) -> Result<Box<dyn AnyModule>, ConfigError> {
        match table.iter().find(|entry| entry.name == self.model) {
            Some(entry) => (entry.build)(self, scope),
            None => Err(ConfigError::unknown_name("", "model", &self.model, table.iter().map(|e| e.name))),
        }
    }
}

type BuildFn = fn(&ModelConfig, &mut Scope<'_>) -> Result<Box<dyn AnyModule>, ConfigError>;

/// A line of the table of models.
pub struct ModelEntry {
    /// Its name in files.
    pub name: &'static str,
    /// One line for the documentation.
    pub doc: &'static str,
    /// Options on which the laws are tried, as JSON.
    pub samples: &'static [&'static str],
    build: BuildFn,
    inputs: fn(&ModelConfig) -> Result<usize, ConfigError>,
}

impl ModelEntry {
    /// The line of the model that `C` configures.
    pub const fn of<C: BuildModel>() -> Self {
        Self { name: C::MODEL, doc: C::DOC, samples: C::SAMPLES, build: build::<C>, inputs: inputs::<C> }
    }

    /// The configurations on which the laws are tried, with the width of their inputs.
    ///
    /// # Errors
    /// If a sample is not a configuration of the model.
    pub fn sample_configs(&self) -> Result<Vec<(usize, ModelConfig)>, ConfigError> {
        let read = |text: &&str| {
            let options = serde_json::from_str(text).map_err(|e| ConfigError::malformed("", self.name, e))?;
            let config = ModelConfig::new(self.name, options);
            Ok(((self.inputs)(&config)?, config))
        };
        self.samples.iter().map(read).collect()
    }
}

impl fmt::Debug for ModelEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelEntry").field("name", &self.name).finish_non_exhaustive()
    }
}

fn build<C: BuildModel>(config: &ModelConfig, scope: &mut Scope<'_>) -> Result<Box<dyn AnyModule>, ConfigError> {
    Ok(Box::new(config.read::<C>()?.build_model(scope)?))
}

fn inputs<C: BuildModel>(config: &ModelConfig) -> Result<usize, ConfigError> {
    Ok(config.read::<C>()?.inputs())
}
