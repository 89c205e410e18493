//! Checks that several configurations share.

use crate::error::ConfigError;
use crate::init::Init;

/// More values than any weight of a model that fits into memory; beyond it a configuration is a mistake or an attack.
const MOST_VALUES: usize = 1 << 36;

/// More layers than anyone trains; beyond it a configuration costs more memory than the file it came from.
const MOST_LAYERS: usize = 1 << 16;

/// A number of layers, within reason.
pub(crate) fn depth(path: &str, what: &str, value: usize) -> Result<(), ConfigError> {
    if value <= MOST_LAYERS {
        return Ok(());
    }
    Err(ConfigError::bad_value(path, what, format!("at most {MOST_LAYERS}"), value, "make the network shallower"))
}

/// A number of inputs or outputs: at least 1, and within reason.
pub(crate) fn width(path: &str, what: &str, value: usize) -> Result<usize, ConfigError> {
    match value {
        0 => Err(ConfigError::bad_value(path, what, "at least 1", value, "give the layer a width")),
        1..=MOST_VALUES => Ok(value),
        _ => {
            Err(ConfigError::bad_value(path, what, format!("at most {MOST_VALUES}"), value, "make the layer narrower"))
        }
    }
}

/// Both widths of a matrix, whose number of values must be within reason.
pub(crate) fn matrix(path: &str, inputs: usize, outputs: usize) -> Result<(), ConfigError> {
    width(path, "`inputs`", inputs)?;
    width(path, "`outputs`", outputs)?;
    match inputs.checked_mul(outputs) {
        Some(values) if values <= MOST_VALUES => Ok(()),
        _ => Err(ConfigError::bad_value(
            path,
            "`inputs` times `outputs`",
            format!("at most {MOST_VALUES}"),
            format!("{inputs} x {outputs}"),
            "make the layer narrower",
        )),
    }
}

/// A probability of dropping: in `[0, 1)`.
pub(crate) fn probability(path: &str, what: &str, value: f64) -> Result<f64, ConfigError> {
    if (0.0..1.0).contains(&value) {
        return Ok(value);
    }
    let remedy = "give the share of values to drop, such as 0.2; 0 drops none";
    Err(ConfigError::bad_value(path, what, "at least 0 and below 1", value, remedy))
}

/// Half of a number of inputs, which must be even.
pub(crate) fn half(path: &str, inputs: usize) -> Result<usize, ConfigError> {
    width(path, "`inputs`", inputs)?;
    if inputs.is_multiple_of(2) {
        return Ok(inputs / 2);
    }
    let remedy = "give the layer before it an even number of outputs";
    Err(ConfigError::bad_value(path, "`inputs`", "even, for two halves", inputs, remedy))
}

/// A standard deviation: finite and at least 0.
pub(crate) fn deviation(path: &str, value: f64) -> Result<f64, ConfigError> {
    if value.is_finite() && value >= 0.0 {
        return Ok(value);
    }
    Err(ConfigError::bad_value(
        path,
        "`std`",
        "finite and at least 0",
        value,
        "give a standard deviation; 0 adds nothing",
    ))
}

/// The length that a unit's weights from `init` have, as the root of its mean square; above 0, for a norm divides by it.
pub(crate) fn length(path: &str, init: Init, inputs: usize, outputs: usize) -> Result<f64, ConfigError> {
    let law = init.distribution(inputs, outputs);
    let length = (inputs as f64 * (law.variance() + law.mean() * law.mean())).sqrt();
    if length > 0.0 {
        return Ok(length);
    }
    let remedy = "weights of nothing but zeros have no direction; leave it out for the default";
    Err(ConfigError::bad_value(path, "`init`", "an initializer that draws other values than 0", init.name(), remedy))
}

/// A strength or weight of a penalty: finite and at least 0.
pub(crate) fn strength(path: &str, what: &str, value: f64) -> Result<f64, ConfigError> {
    if value.is_finite() && value >= 0.0 {
        return Ok(value);
    }
    let remedy = "give the factor of the penalty; 0 asks for nothing";
    Err(ConfigError::bad_value(path, what, "finite and at least 0", value, remedy))
}

/// The small number under the root of a norm: finite and above 0.
pub(crate) fn epsilon(path: &str, value: f64) -> Result<f64, ConfigError> {
    if value.is_finite() && value > 0.0 {
        return Ok(value);
    }
    Err(ConfigError::bad_value(path, "`eps`", "finite and above 0", value, "leave it out for 1e-5"))
}
