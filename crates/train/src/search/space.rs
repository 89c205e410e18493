//! What may be chosen, and one choice of all of it.

use std::fmt;

use layerwise_tensor::Stream;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// The values a setting may have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Dimension {
    /// A number, all equally likely.
    Uniform {
        /// The smallest.
        lo: f64,
        /// Above all.
        hi: f64,
    },
    /// A positive number whose logarithm is uniform: each power of ten is equally likely.
    LogUniform {
        /// The smallest.
        lo: f64,
        /// Above all.
        hi: f64,
    },
    /// A whole number, both ends included.
    Integer {
        /// The smallest.
        lo: i64,
        /// The largest.
        hi: i64,
    },
    /// One of some names.
    Choice {
        /// The names.
        of: Vec<String>,
    },
}

/// The value of one setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Setting {
    /// Of a uniform or log-uniform dimension.
    Number(f64),
    /// Of an integer dimension.
    Integer(i64),
    /// Of a choice.
    Choice(String),
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(v) => write!(f, "{v:.4e}"),
            Self::Integer(v) => write!(f, "{v}"),
            Self::Choice(v) => f.write_str(v),
        }
    }
}

/// Settings by name and the values each may have.
///
/// ```
/// use layerwise_train::search::Space;
/// use layerwise_tensor::Stream;
/// let space = Space::new()
///     .log_uniform("rate", 1e-4, 1e-1)
///     .uniform("dropout", 0.0, 0.5)
///     .integer("width", 16, 128)
///     .choice("activation", &["relu", "tanh"]);
/// let point = space.draw(&Stream::new(1).at(0))?;
/// assert!((1e-4..1e-1).contains(&point.number("rate")?));
/// assert!((16..=128).contains(&point.integer("width")?));
/// assert!(["relu", "tanh"].contains(&point.choice("activation")?));
/// # Ok::<(), layerwise_train::TrainError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Space {
    dimensions: Vec<(String, Dimension)>,
}

impl Space {
    /// A space without settings: every trial is the same.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a number in `lo..hi`.
    pub fn uniform(self, name: &str, lo: f64, hi: f64) -> Self {
        self.with(name, Dimension::Uniform { lo, hi })
    }

    /// With a positive number in `lo..hi` whose logarithm is uniform.
    pub fn log_uniform(self, name: &str, lo: f64, hi: f64) -> Self {
        self.with(name, Dimension::LogUniform { lo, hi })
    }

    /// With a whole number in `lo..=hi`.
    pub fn integer(self, name: &str, lo: i64, hi: i64) -> Self {
        self.with(name, Dimension::Integer { lo, hi })
    }

    /// With one of some names.
    pub fn choice(self, name: &str, of: &[&str]) -> Self {
        self.with(name, Dimension::Choice { of: of.iter().map(|s| (*s).to_owned()).collect() })
    }

    /// With one more setting; of two of one name the last one counts.
    pub fn with(mut self, name: &str, dimension: Dimension) -> Self {
        self.dimensions.retain(|(n, _)| n != name);
        self.dimensions.push((name.to_owned(), dimension));
        self
    }

    /// The settings in order.
    pub fn dimensions(&self) -> &[(String, Dimension)] {
        &self.dimensions
    }

    /// One point; each setting reads a stream named after it, so that one more setting leaves the others as they are.
    ///
    /// # Errors
    /// If a dimension is empty, or its ends are in the wrong order.
    pub fn draw(&self, stream: &Stream) -> Result<Point, TrainError> {
        let draw = |(name, dimension): &(String, Dimension)| {
            let mut u = [0.0f64];
            stream.child(name).uniform(0, &mut u);
            Ok((name.clone(), dimension.at(name, u[0])?))
        };
        Ok(Point { settings: self.dimensions.iter().map(draw).collect::<Result<_, TrainError>>()? })
    }
}

impl Dimension {
    /// The value at place `u` in `[0, 1)`.
    fn at(&self, name: &str, u: f64) -> Result<Setting, TrainError> {
        let refuse = |what: String| {
            let problem =
                format!("`{name}` goes {what}; it must rise between finite ends, above 0 on a logarithmic scale");
            Err(TrainError::Setting { name: "search space", problem })
        };
        match self {
            Self::Uniform { lo, hi } if lo < hi && (hi - lo).is_finite() => Ok(Setting::Number(lo + u * (hi - lo))),
            Self::LogUniform { lo, hi } if 0.0 < *lo && lo < hi && hi.is_finite() => {
                let value = (lo.ln() + u * (hi / lo).ln()).exp();
                // Rounding may leave the ends by a unit.
                Ok(Setting::Number(value.clamp(*lo, *hi)))
            }
            Self::Integer { lo, hi } if lo <= hi => {
                let count = hi.abs_diff(*lo) as f64 + 1.0;
                let place = (u * count) as i64;
                Ok(Setting::Integer(lo.saturating_add(place).min(*hi)))
            }
            Self::Choice { of } if !of.is_empty() => {
                Ok(Setting::Choice(of[((u * of.len() as f64) as usize).min(of.len() - 1)].clone()))
            }
            Self::Uniform { lo, hi } | Self::LogUniform { lo, hi } => refuse(format!("from {lo} to {hi}")),
            Self::Integer { lo, hi } => refuse(format!("from {lo} to {hi}")),
            Self::Choice { .. } => refuse("through no name at all".into()),
        }
    }
}

/// One value for each setting of a [`Space`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    settings: Vec<(String, Setting)>,
}

impl Point {
    /// Names and values, in the order of the space.
    pub fn settings(&self) -> &[(String, Setting)] {
        &self.settings
    }

    /// The number called `name`.
    ///
    /// # Errors
    /// If there is none; the message lists the names.
    pub fn number(&self, name: &str) -> Result<f64, TrainError> {
        self.get(name, "number", |s| if let Setting::Number(v) = s { Some(*v) } else { None })
    }

    /// The whole number called `name`.
    ///
    /// # Errors
    /// If there is none.
    pub fn integer(&self, name: &str) -> Result<i64, TrainError> {
        self.get(name, "integer", |s| if let Setting::Integer(v) = s { Some(*v) } else { None })
    }

    /// The choice called `name`.
    ///
    /// # Errors
    /// If there is none.
    pub fn choice(&self, name: &str) -> Result<&str, TrainError> {
        self.get(name, "choice", |s| if let Setting::Choice(v) = s { Some(v.as_str()) } else { None })
    }

    fn get<'a, V>(&'a self, name: &str, kind: &str, read: impl Fn(&'a Setting) -> Option<V>) -> Result<V, TrainError> {
        let found = self.settings.iter().find(|(n, _)| n == name).and_then(|(_, s)| read(s));
        found.ok_or_else(|| {
            let known: Vec<String> = self.settings.iter().map(|(n, v)| format!("`{n}` = {v}")).collect();
            let problem = format!("it has no {kind} `{name}`; it has {}", known.join(", "));
            TrainError::Setting { name: "point of the search space", problem }
        })
    }
}
