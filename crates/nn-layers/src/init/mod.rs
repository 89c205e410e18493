//! Initializers: where the first values of weights come from. One file each, one line in the table.
//!
//! The names and formulas are PyTorch's (`torch.nn.init`); `fan_in` and `fan_out` are the rows and columns of our `(in, out)` weights.

mod constant;
mod entry;
mod glorot_normal;
mod glorot_uniform;
mod he_normal;
mod he_uniform;
mod identity;
mod lecun_normal;
mod lecun_uniform;
mod normal;
mod orthogonal;
mod sparse;
mod table;
mod torch_linear;
mod truncated_normal;
mod uniform;
mod zeros;

use std::fmt;
use std::str::FromStr;

use layerwise_tensor::{Initializer, Stream};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::activation::Activation;
use crate::error::ConfigError;
use crate::options::{self, ArgSpec, Args, Entry};

pub use entry::{Distribution, InitEntry, MatrixLaw};
pub use table::table;

/// An initializer by name, with its numbers.
///
/// In configurations it is its name, or an object where a number differs from the default. A `gain` may be a number or the name of
/// the activation that follows:
/// ```
/// use layerwise_nn_layers::{Activation, Init};
///
/// let he: Init = serde_json::from_str(r#""he_normal""#)?;
/// assert_eq!(he, Init::HE_NORMAL);
/// let glorot: Init = serde_json::from_str(r#"{"name": "glorot_uniform", "gain": "tanh"}"#)?;
/// assert_eq!(glorot, Init::GLOROT_UNIFORM.for_activation(Activation::TANH));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Init {
    entry: &'static InitEntry,
    args: Args,
}

impl Init {
    /// All zero.
    pub const ZEROS: Self = Self::new(&zeros::ENTRY);
    /// All `value` (1).
    pub const CONSTANT: Self = Self::new(&constant::ENTRY);
    /// Normal with standard deviation `std` (1).
    pub const NORMAL: Self = Self::new(&normal::ENTRY);
    /// Uniform within `bound` (1).
    pub const UNIFORM: Self = Self::new(&uniform::ENTRY);
    /// Uniform with variance `2 gain^2 / (fan_in + fan_out)`; `gain` is 1.
    pub const GLOROT_UNIFORM: Self = Self::new(&glorot_uniform::ENTRY);
    /// Normal with variance `2 gain^2 / (fan_in + fan_out)`; `gain` is 1.
    pub const GLOROT_NORMAL: Self = Self::new(&glorot_normal::ENTRY);
    /// Uniform with variance `gain^2 / fan`; `gain` is `sqrt 2`, `fan` is `in`.
    pub const HE_UNIFORM: Self = Self::new(&he_uniform::ENTRY);
    /// Normal with variance `gain^2 / fan`; `gain` is `sqrt 2`, `fan` is `in`.
    pub const HE_NORMAL: Self = Self::new(&he_normal::ENTRY);
    /// Uniform with variance `gain^2 / fan_in`; `gain` is 1.
    pub const LECUN_UNIFORM: Self = Self::new(&lecun_uniform::ENTRY);
    /// Normal with variance `gain^2 / fan_in`; `gain` is 1.
    pub const LECUN_NORMAL: Self = Self::new(&lecun_normal::ENTRY);
    /// Normal with standard deviation `std` (1), without what lies beyond `cut` (2) of them.
    pub const TRUNCATED_NORMAL: Self = Self::new(&truncated_normal::ENTRY);
    /// Orthonormal columns or rows, times `gain` (1).
    pub const ORTHOGONAL: Self = Self::new(&orthogonal::ENTRY);
    /// `gain` (1) on the diagonal, else 0.
    pub const IDENTITY: Self = Self::new(&identity::ENTRY);
    /// For each unit `connections` (15) weights normal with standard deviation `std` (1), the others 0.
    pub const SPARSE: Self = Self::new(&sparse::ENTRY);
    /// Uniform within `1 / sqrt(fan_in)`, weights and biases alike: the default of `torch.nn.Linear`, and ours.
    pub const TORCH_LINEAR: Self = Self::new(&torch_linear::ENTRY);

    /// The initializer of `entry` with its defaults; also the way to an initializer of one's own, though files
    /// cannot name that one.
    pub const fn new(entry: &'static InitEntry) -> Self {
        Self { entry, args: options::defaults(entry.args) }
    }

    /// The initializer called `name`, with `options` such as `{"gain": 1.5}`.
    ///
    /// # Errors
    /// If no initializer has that name, it has no such option, or a value is out of range.
    pub fn parse(name: &str, options: &Map<String, Value>) -> Result<Self, ConfigError> {
        let entry = options::find(table(), name)?;
        let mut options = options.clone();
        if let Some(gain) = options.get_mut("gain")
            && gain.is_string()
        {
            *gain = Value::from(Activation::from_value(gain)?.gain());
        }
        Ok(Self { entry, args: options::read_args(entry, &options)? })
    }

    /// The initializer described by `value`: a name or an object with `name`.
    ///
    /// # Errors
    /// As [`Init::parse`].
    pub fn from_value(value: &Value) -> Result<Self, ConfigError> {
        let (name, options) = options::name_and_options(InitEntry::SHELF, value)?;
        Self::parse(&name, &options)
    }

    /// The same initializer with one number changed.
    ///
    /// # Errors
    /// If it has no such number, or `value` is out of range.
    pub fn with(self, key: &str, value: f64) -> Result<Self, ConfigError> {
        Ok(Self { args: options::with_arg(self.entry, self.args, key, value)?, ..self })
    }

    /// The same initializer with the gain of `activation`; unchanged if it has no gain.
    pub fn for_activation(self, activation: Activation) -> Self {
        self.with("gain", activation.gain()).unwrap_or(self)
    }

    /// The same initializer with all values `factor` times as large: its `gain`, `std`, `bound` or `value` is multiplied. Zeros stay as
    /// they are, and [`Init::TORCH_LINEAR`], which has no such number, becomes its equal for weights, [`Init::HE_UNIFORM`] with a gain.
    ///
    /// ```
    /// # use layerwise_nn_layers::Init;
    /// let (plain, scaled) = (Init::TORCH_LINEAR, Init::TORCH_LINEAR.scaled(0.5)?);
    /// let variance = |init: Init| init.distribution(30, 20).variance();
    /// assert!((variance(scaled) - 0.25 * variance(plain)).abs() < 1e-15);
    /// # Ok::<(), layerwise_nn_layers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// If `factor` brings the number out of its range, or the initializer is of one's own and has none of that name.
    pub fn scaled(self, factor: f64) -> Result<Self, ConfigError> {
        if self.name() == Self::ZEROS.name() {
            return Ok(self);
        }
        if self.name() == Self::TORCH_LINEAR.name() {
            return Self::HE_UNIFORM.with("gain", factor / 3f64.sqrt());
        }
        let size = |spec: &ArgSpec| matches!(spec.name, "gain" | "std" | "bound" | "value");
        match self.entry.args.iter().position(size) {
            Some(place) => self.with(self.entry.args[place].name, factor * self.args[place]),
            None => {
                let what = format!("initializer `{}`", self.name());
                let remedy = "choose one whose values have a size that can be set";
                Err(ConfigError::bad_value(
                    "",
                    what,
                    "one with a `gain`, `std`, `bound` or `value`",
                    "none of them",
                    remedy,
                ))
            }
        }
    }

    /// Its line of the table.
    pub const fn entry(&self) -> &'static InitEntry {
        self.entry
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.entry.name
    }

    /// Its numbers.
    pub const fn args(&self) -> Args {
        self.args
    }

    /// What it draws for a matrix `(inputs, outputs)`.
    pub fn distribution(&self, inputs: usize, outputs: usize) -> Distribution {
        (self.entry.distribution)(self.args, inputs, outputs)
    }

    /// What goes with it for the bias of a layer of `inputs`: zeros, but for [`Init::TORCH_LINEAR`] the same as for the weights.
    pub fn for_bias(&self, inputs: usize) -> Self {
        if self.name() != Self::TORCH_LINEAR.name() {
            return Self::ZEROS;
        }
        // A bias is a row (1, out), from whose shape the number of inputs cannot be read: the bound is fixed here.
        Self { args: [torch_linear::bound(inputs), 0.0], ..Self::UNIFORM }
    }

    /// The shortest configuration that reads back as this initializer.
    pub fn to_value(&self) -> Value {
        options::write_entry(self.entry, self.args)
    }
}

impl Initializer for Init {
    fn fill(&self, rows: usize, cols: usize, stream: &Stream, out: &mut [f64]) {
        self.distribution(rows, cols).fill(stream, out);
    }
}

impl Default for Init {
    /// [`Init::TORCH_LINEAR`].
    fn default() -> Self {
        Self::TORCH_LINEAR
    }
}

impl PartialEq for Init {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && self.args == other.args
    }
}

impl fmt::Debug for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Init({})", self.to_value())
    }
}

impl FromStr for Init {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        Self::parse(name, &Map::new())
    }
}

impl Serialize for Init {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Init {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(&Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
