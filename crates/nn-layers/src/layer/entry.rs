//! What a layer's file tells about it, and the configuration by which tables and files name a layer.

use std::fmt;

use layerwise_tensor::Scope;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::ConfigError;
use crate::module::AnyModule;
use crate::options;

/// The layers that may be named in a configuration: [`super::table`], or a list of one's own.
pub type Shelf = [&'static LayerEntry];

/// A layer that was built, and the width of its output.
pub type Built<L> = (L, usize);

/// The configuration of a layer, from which it is built.
///
/// Implementing this and putting `LayerEntry::of::<MyConfig>()` into a shelf makes a layer of one's own known by name.
pub trait BuildLayer: Serialize + DeserializeOwned + fmt::Debug + 'static {
    /// Its name in configurations.
    const NAME: &'static str;
    /// One line for the documentation, with the formula.
    const DOC: &'static str;
    /// Configurations on which the laws are tried.
    const SAMPLES: &'static [Sample];
    /// What is built.
    type Layer: AnyModule + 'static;

    /// Registers the parameters below `scope` and returns the layer and its number of outputs; `shelf` names inner layers.
    ///
    /// # Errors
    /// If a value is out of range or the widths do not fit.
    fn build_from(
        &self,
        scope: &mut Scope<'_>,
        inputs: usize,
        shelf: &Shelf,
    ) -> Result<Built<Self::Layer>, ConfigError>;

    /// Which laws hold.
    fn traits(&self, shelf: &Shelf) -> LayerTraits;
}

/// Which laws hold for a layer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LayerTraits {
    /// Each row of the output depends on the same row of the input only, in training too; a penalty may depend on all of them.
    pub row_independent: bool,
    /// It draws random numbers in training.
    pub stochastic: bool,
    /// Values of an input at which it is not smooth; gradient checks keep away from there.
    pub kinks: Vec<f64>,
    /// The open interval that its inputs are meant to lie in, if not everywhere; laws draw them from there.
    pub range: Option<[f64; 2]>,
    /// In training its gradient takes as a constant what in truth moves with the parameters, such as an estimate that is refined from
    /// step to step: there it need not agree with differences, in use it does.
    pub estimates: bool,
}

impl LayerTraits {
    /// Rows are independent, nothing is random, all is smooth, any input is welcome, and gradients are exact.
    pub const PLAIN: Self =
        Self { row_independent: true, stochastic: false, kinks: Vec::new(), range: None, estimates: false };

    /// What holds for this layer followed by `next`; kinks inside cannot be told from the input, so `next` had better be smooth.
    pub fn then(self, next: Self) -> Self {
        Self {
            row_independent: self.row_independent && next.row_independent,
            stochastic: self.stochastic || next.stochastic,
            kinks: if self.kinks.is_empty() { next.kinks } else { self.kinks },
            range: self.range.or(next.range),
            estimates: self.estimates || next.estimates,
        }
    }
}

/// A configuration on which the laws are tried.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Width of the input.
    pub inputs: usize,
    /// The options as JSON, without the name of the layer.
    pub options: &'static str,
}

/// A layer by name, with its options: `{"layer": "linear", "outputs": 10}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerConfig {
    layer: String,
    #[serde(flatten)]
    options: Map<String, Value>,
}

impl LayerConfig {
    /// The layer called `name` with `options`, unchecked until it is built.
    pub fn new(name: impl Into<String>, options: Map<String, Value>) -> Self {
        Self { layer: name.into(), options }
    }

    /// The named form of `config`.
    ///
    /// # Panics
    /// If `config` does not serialise to a JSON object with string keys.
    #[track_caller]
    pub fn of<C: BuildLayer>(config: &C) -> Self {
        match serde_json::to_value(config) {
            Ok(Value::Object(options)) => Self::new(C::NAME, options),
            other => panic!("the configuration of layer `{}` must serialise to an object, found {other:?}", C::NAME),
        }
    }

    /// Name of the layer.
    pub fn name(&self) -> &str {
        &self.layer
    }

    /// Its options.
    pub fn options(&self) -> &Map<String, Value> {
        &self.options
    }

    /// The typed configuration; `path` is where the layer stands, for messages.
    ///
    /// # Errors
    /// If an option is unknown, missing or of the wrong form.
    pub fn read<C: BuildLayer>(&self, path: &str) -> Result<C, ConfigError> {
        options::from_map(path, &format!("layer `{}`", self.layer), &self.options)
    }

    /// Builds the layer, found on `shelf`, below `scope`.
    ///
    /// # Errors
    /// If no layer has that name, or its configuration is wrong.
    pub fn build_from(
        &self,
        scope: &mut Scope<'_>,
        inputs: usize,
        shelf: &Shelf,
    ) -> Result<Built<Box<dyn AnyModule>>, ConfigError> {
        let entry = find(shelf, &self.layer).ok_or_else(|| self.unknown(scope.path(), shelf))?;
        (entry.build)(self, scope, inputs, shelf)
    }

    /// Which laws hold for the layer.
    ///
    /// # Errors
    /// As [`LayerConfig::build_from`].
    pub fn traits_from(&self, shelf: &Shelf) -> Result<LayerTraits, ConfigError> {
        let entry = find(shelf, &self.layer).ok_or_else(|| self.unknown("", shelf))?;
        (entry.traits)(self, shelf)
    }

    fn unknown(&self, path: &str, shelf: &Shelf) -> ConfigError {
        ConfigError::unknown_name(path, "layer", &self.layer, shelf.iter().map(|e| e.name))
    }
}

type BuildFn = fn(&LayerConfig, &mut Scope<'_>, usize, &Shelf) -> Result<Built<Box<dyn AnyModule>>, ConfigError>;

/// A line of the table of layers.
pub struct LayerEntry {
    /// Its name in configurations.
    pub name: &'static str,
    /// One line for the documentation, with the formula.
    pub doc: &'static str,
    /// Configurations on which the laws are tried.
    pub samples: &'static [Sample],
    build: BuildFn,
    traits: fn(&LayerConfig, &Shelf) -> Result<LayerTraits, ConfigError>,
}

impl LayerEntry {
    /// The line of the layer that `C` configures.
    pub const fn of<C: BuildLayer>() -> Self {
        Self { name: C::NAME, doc: C::DOC, samples: C::SAMPLES, build: build::<C>, traits: traits::<C> }
    }

    /// The configurations on which the laws are tried, with the width of their inputs.
    ///
    /// # Errors
    /// If a sample is not a JSON object.
    pub fn sample_configs(&self) -> Result<Vec<(usize, LayerConfig)>, ConfigError> {
        let read = |s: &Sample| {
            let options = serde_json::from_str(s.options).map_err(|e| ConfigError::malformed("", self.name, e))?;
            Ok((s.inputs, LayerConfig::new(self.name, options)))
        };
        self.samples.iter().map(read).collect()
    }
}

impl fmt::Debug for LayerEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerEntry").field("name", &self.name).finish_non_exhaustive()
    }
}

fn find<'a>(shelf: &'a Shelf, name: &str) -> Option<&'a LayerEntry> {
    shelf.iter().copied().find(|entry| entry.name == name)
}

fn build<C: BuildLayer>(
    config: &LayerConfig,
    scope: &mut Scope<'_>,
    inputs: usize,
    shelf: &Shelf,
) -> Result<Built<Box<dyn AnyModule>>, ConfigError> {
    let typed: C = config.read(scope.path())?;
    let (layer, outputs) = typed.build_from(scope, inputs, shelf)?;
    Ok((Box::new(layer), outputs))
}

fn traits<C: BuildLayer>(config: &LayerConfig, shelf: &Shelf) -> Result<LayerTraits, ConfigError> {
    Ok(config.read::<C>("")?.traits(shelf))
}
