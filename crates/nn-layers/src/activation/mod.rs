//! Activations: pointwise functions between linear layers. One file each, one line in the table.

mod celu;
mod elu;
mod entry;
mod gain;
mod gelu;
mod gelu_tanh;
mod hardshrink;
mod hardsigmoid;
mod hardswish;
mod hardtanh;
mod identity;
mod leaky_relu;
mod log_sigmoid;
mod mish;
mod relu;
mod relu6;
mod selu;
mod sigmoid;
mod silu;
mod softplus;
mod softshrink;
mod softsign;
mod table;
mod tanh;
mod tanhshrink;
mod threshold;

use std::fmt;
use std::str::FromStr;

use layerwise_autograd::{Act, Needs};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::ConfigError;
use crate::options::{self, Args, Entry};

pub use entry::ActivationEntry;
pub use table::table;

/// A pointwise function by name, with its numbers: `Copy`, and the same for `f32` and `f64`.
///
/// In configurations it is its name, or an object where a number differs from the default:
/// ```
/// use layerwise_nn_layers::Activation;
///
/// let relu: Activation = serde_json::from_str(r#""relu""#)?;
/// assert_eq!(relu, Activation::RELU);
/// let leaky: Activation = serde_json::from_str(r#"{"name": "leaky_relu", "slope": 0.2}"#)?;
/// assert_eq!(leaky, Activation::LEAKY_RELU.with("slope", 0.2)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Activation {
    entry: &'static ActivationEntry,
    args: Args,
}

impl Activation {
    /// `y = x`.
    pub const IDENTITY: Self = Self::new(&identity::ENTRY);
    /// `y = 1 / (1 + e^-x)`.
    pub const SIGMOID: Self = Self::new(&sigmoid::ENTRY);
    /// `y = tanh x`.
    pub const TANH: Self = Self::new(&tanh::ENTRY);
    /// `y = max(0, x)`.
    pub const RELU: Self = Self::new(&relu::ENTRY);
    /// `y = x` above zero, `slope * x` (0.01) below.
    pub const LEAKY_RELU: Self = Self::new(&leaky_relu::ENTRY);
    /// `y = x` above zero, `alpha (e^x - 1)` (alpha 1) below.
    pub const ELU: Self = Self::new(&elu::ENTRY);
    /// The scaled ELU of self-normalising networks.
    pub const SELU: Self = Self::new(&selu::ENTRY);
    /// `y = x Phi(x)`, with the normal distribution's `Phi`.
    pub const GELU: Self = Self::new(&gelu::ENTRY);
    /// GELU with `Phi` approximated through `tanh`.
    pub const GELU_TANH: Self = Self::new(&gelu_tanh::ENTRY);
    /// `y = x / (1 + |x|)`.
    pub const SOFTSIGN: Self = Self::new(&softsign::ENTRY);
    /// `y = x / (1 + e^-x)`, also called swish.
    pub const SILU: Self = Self::new(&silu::ENTRY);
    /// `y = x tanh(ln(1 + e^x))`.
    pub const MISH: Self = Self::new(&mish::ENTRY);
    /// `y = ln(1 + e^(beta x)) / beta` (beta 1), and `x` where `beta x` exceeds `threshold` (20).
    pub const SOFTPLUS: Self = Self::new(&softplus::ENTRY);
    /// `y = -ln(1 + e^-x)`.
    pub const LOG_SIGMOID: Self = Self::new(&log_sigmoid::ENTRY);
    /// `y = min(max(0, x), 6)`.
    pub const RELU6: Self = Self::new(&relu6::ENTRY);
    /// `y = x` above zero, `alpha (e^(x / alpha) - 1)` (alpha 1) below.
    pub const CELU: Self = Self::new(&celu::ENTRY);
    /// `y = min(max(0, x + 3), 6) / 6`.
    pub const HARDSIGMOID: Self = Self::new(&hardsigmoid::ENTRY);
    /// `y = x min(max(0, x + 3), 6) / 6`.
    pub const HARDSWISH: Self = Self::new(&hardswish::ENTRY);
    /// `y = x` within `min` and `max` (-1 and 1).
    pub const HARDTANH: Self = Self::new(&hardtanh::ENTRY);
    /// `y = x - tanh x`.
    pub const TANHSHRINK: Self = Self::new(&tanhshrink::ENTRY);
    /// `y = 0` within `lambda` (0.5) of zero, else `x`.
    pub const HARDSHRINK: Self = Self::new(&hardshrink::ENTRY);
    /// `y = 0` within `lambda` (0.5) of zero, else `x` moved towards zero by `lambda`.
    pub const SOFTSHRINK: Self = Self::new(&softshrink::ENTRY);
    /// `y = x` above `threshold` (0), else `value` (0).
    pub const THRESHOLD: Self = Self::new(&threshold::ENTRY);

    /// The activation of `entry` with its defaults; also the way to an activation of one's own. A model with that one can be
    /// saved, but not built from its file, which knows no such name: build it in code and read its parameters from the file.
    pub const fn new(entry: &'static ActivationEntry) -> Self {
        Self { entry, args: options::defaults(entry.args) }
    }

    /// The activation called `name`, with `options` such as `{"slope": 0.2}`.
    ///
    /// # Errors
    /// If no activation has that name, it has no such option, or a value is out of range.
    pub fn parse(name: &str, options: &Map<String, Value>) -> Result<Self, ConfigError> {
        let entry = options::find(table(), name)?;
        Ok(Self { entry, args: options::read_args(entry, options)? })
    }

    /// The activation described by `value`: a name or an object with `name`.
    ///
    /// # Errors
    /// As [`Activation::parse`].
    pub fn from_value(value: &Value) -> Result<Self, ConfigError> {
        let (name, options) = options::name_and_options(ActivationEntry::SHELF, value)?;
        Self::parse(&name, &options)
    }

    /// The same activation with one number changed.
    ///
    /// # Errors
    /// If it has no such number, or `value` is out of range.
    pub fn with(self, key: &str, value: f64) -> Result<Self, ConfigError> {
        Ok(Self { args: options::with_arg(self.entry, self.args, key, value)?, ..self })
    }

    /// Its line of the table.
    pub const fn entry(&self) -> &'static ActivationEntry {
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

    /// Where it is not smooth; gradient checks keep away from there.
    pub fn kinks(&self) -> Vec<f64> {
        (self.entry.kinks)(self.args)
    }

    /// Whether it does nothing.
    pub fn is_identity(&self) -> bool {
        self.name() == "identity"
    }

    /// What the tape applies.
    pub fn act(&self) -> Act {
        Act::new(self.entry.function, self.args)
    }

    /// `f(x)`.
    pub fn value(&self, x: f64) -> f64 {
        let mut y = [x];
        self.act().forward(&mut y);
        y[0]
    }

    /// `f'(x)`.
    pub fn derivative(&self, x: f64) -> f64 {
        let mut d = [1.0];
        self.act().backward(&[self.saved(x)], &mut d);
        d[0]
    }

    /// `f''(x)`, NaN where it is not written.
    pub fn second_derivative(&self, x: f64) -> f64 {
        let mut d = [1.0];
        self.act().second(&[self.saved(x)], &mut d);
        d[0]
    }

    /// What the derivatives read.
    fn saved(&self, x: f64) -> f64 {
        if self.act().needs() == Needs::Output { self.value(x) } else { x }
    }

    /// The factor that keeps the variance through a layer followed by this activation when multiplied to weights of variance
    /// `1 / fan`: PyTorch's `calculate_gain` where it has a value; else `1 / sqrt(E[f(z)^2])` for a standard normal `z`.
    pub fn gain(&self) -> f64 {
        (self.entry.gain)(self.args)
    }

    /// The shortest configuration that reads back as this activation.
    pub fn to_value(&self) -> Value {
        options::write_entry(self.entry, self.args)
    }
}

impl Default for Activation {
    /// [`Activation::RELU`].
    fn default() -> Self {
        Self::RELU
    }
}

impl PartialEq for Activation {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && self.args == other.args
    }
}

impl fmt::Debug for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Activation({})", self.to_value())
    }
}

impl FromStr for Activation {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        Self::parse(name, &Map::new())
    }
}

impl Serialize for Activation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Activation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(&Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
