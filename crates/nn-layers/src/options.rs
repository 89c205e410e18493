//! Reading and writing configurations: what all shelves share.
//!
//! Activations and initializers are a name and a few numbers ([`ArgSpec`]), so one reader serves every entry. Layers, losses and
//! models have structs of their own, read by [`from_map`], which names the nearest key where serde only rejects.

use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde_json::{Map, Value};

use crate::error::ConfigError;

/// The numbers of one activation or initializer, in the order of its [`ArgSpec`]s; unused places are zero.
pub type Args = [f64; 2];

/// One number that an entry takes, such as the slope of a leaky ReLU.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArgSpec {
    /// Its key in configurations.
    pub name: &'static str,
    /// Its value where a configuration says nothing.
    pub default: f64,
    /// The values it may have.
    pub domain: Domain,
}

/// The values a number may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Domain {
    /// Any finite number.
    Finite,
    /// Finite and above zero.
    Positive,
    /// Finite and not below zero.
    NonNegative,
    /// A whole number, at least 1.
    Count,
    /// One of these words; the number is its index.
    Choice(&'static [&'static str]),
}

impl Domain {
    /// Whether `value` may stand.
    pub fn contains(self, value: f64) -> bool {
        match self {
            Self::Finite => value.is_finite(),
            Self::Positive => value.is_finite() && value > 0.0,
            Self::NonNegative => value.is_finite() && value >= 0.0,
            Self::Count => value.is_finite() && value >= 1.0 && value.fract() == 0.0,
            Self::Choice(words) => value >= 0.0 && value < words.len() as f64 && value.fract() == 0.0,
        }
    }

    fn expected(self) -> String {
        match self {
            Self::Finite => "a finite number".to_owned(),
            Self::Positive => "a finite number above 0".to_owned(),
            Self::NonNegative => "a finite number, at least 0".to_owned(),
            Self::Count => "a whole number, at least 1".to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
        }
    }
}

/// An entry that is a name and a few numbers.
pub(crate) trait Entry: 'static {
    const SHELF: &'static str;
    fn name(&self) -> &'static str;
    fn args(&self) -> &'static [ArgSpec];
}

pub(crate) fn find<E: Entry>(table: &'static [&'static E], name: &str) -> Result<&'static E, ConfigError> {
    let found = table.iter().find(|e| e.name() == name);
    found.copied().ok_or_else(|| ConfigError::unknown_name("", E::SHELF, name, table.iter().map(|e| e.name())))
}

/// The defaults of `specs`.
pub(crate) const fn defaults(specs: &[ArgSpec]) -> Args {
    let mut args = [0.0; 2];
    let mut i = 0;
    while i < specs.len() {
        args[i] = specs[i].default;
        i += 1;
    }
    args
}

/// The numbers of `entry` given by `options`, defaults for the others.
pub(crate) fn read_args<E: Entry>(entry: &E, options: &Map<String, Value>) -> Result<Args, ConfigError> {
    read_numbers(&owner(entry), entry.args(), options)
}

/// The numbers of `specs`, two at most, given by `options`, defaults for the others.
pub(crate) fn read_numbers(owner: &str, specs: &[ArgSpec], options: &Map<String, Value>) -> Result<Args, ConfigError> {
    let mut args = defaults(specs);
    for (key, value) in options {
        let place = place(owner, specs, key)?;
        let spec = specs[place];
        let number = match (spec.domain, value) {
            (Domain::Choice(words), Value::String(word)) => words.iter().position(|w| w == word).map(|i| i as f64),
            (Domain::Choice(_), _) => None,
            (_, value) => value.as_f64(),
        };
        args[place] = number.filter(|n| spec.domain.contains(*n)).ok_or_else(|| {
            let remedy = format!("leave `{key}` out for its default");
            ConfigError::bad_value("", format!("`{key}` of {owner}"), spec.domain.expected(), value, remedy)
        })?;
    }
    Ok(args)
}

/// `entry` with one of its numbers changed.
pub(crate) fn with_arg<E: Entry>(entry: &E, mut args: Args, key: &str, value: f64) -> Result<Args, ConfigError> {
    let owner = owner(entry);
    let place = place(&owner, entry.args(), key)?;
    args[place] = number(&owner, &entry.args()[place], value)?;
    Ok(args)
}

/// `value`, if `spec` allows it.
pub(crate) fn number(owner: &str, spec: &ArgSpec, value: f64) -> Result<f64, ConfigError> {
    if spec.domain.contains(value) {
        return Ok(value);
    }
    let what = format!("`{}` of {owner}", spec.name);
    Err(ConfigError::bad_value("", what, spec.domain.expected(), value, "choose a value within that range"))
}

fn owner<E: Entry>(entry: &E) -> String {
    format!("{} `{}`", E::SHELF, entry.name())
}

fn place(owner: &str, specs: &[ArgSpec], key: &str) -> Result<usize, ConfigError> {
    let known = specs.iter().map(|a| a.name);
    specs.iter().position(|a| a.name == key).ok_or_else(|| ConfigError::unknown_key("", owner, key, known))
}

/// The shortest configuration that reads back as `entry` with `args`: its name, or an object where a number is not the default.
pub(crate) fn write_entry<E: Entry>(entry: &E, args: Args) -> Value {
    let specs = entry.args();
    if specs.iter().zip(args).all(|(spec, arg)| spec.default == arg) {
        return Value::from(entry.name());
    }
    let mut map = Map::new();
    map.insert("name".to_owned(), Value::from(entry.name()));
    for (spec, arg) in specs.iter().zip(args) {
        let value = match spec.domain {
            Domain::Choice(words) => Value::from(words[arg as usize]),
            _ => Value::from(arg),
        };
        map.insert(spec.name.to_owned(), value);
    }
    Value::Object(map)
}

/// `"name"` or `{"name": .., options ..}` taken apart.
pub(crate) fn name_and_options(
    shelf: &'static str,
    value: &Value,
) -> Result<(String, Map<String, Value>), ConfigError> {
    match value {
        Value::String(name) => Ok((name.clone(), Map::new())),
        Value::Object(map) => {
            let mut options = map.clone();
            match options.remove("name") {
                Some(Value::String(name)) => Ok((name, options)),
                _ => Err(ConfigError::malformed("", shelf, "the object needs a string `name`")),
            }
        }
        other => {
            Err(ConfigError::malformed("", shelf, format!("expected a name or an object with `name`, found {other}")))
        }
    }
}

/// The configuration struct `C` of `owner`, read from `options`.
pub(crate) fn from_map<C: DeserializeOwned>(
    path: &str,
    owner: &str,
    options: &Map<String, Value>,
) -> Result<C, ConfigError> {
    let fields = field_names::<C>();
    if let Some(key) = options.keys().find(|key| !fields.contains(&key.as_str())) {
        return Err(ConfigError::unknown_key(path, owner, key, fields.iter().copied()));
    }
    serde_json::from_value(Value::Object(options.clone())).map_err(|e| ConfigError::malformed(path, owner, e))
}

/// Refuses every option, for what has none.
pub(crate) fn none(owner: &str, options: &Map<String, Value>) -> Result<(), ConfigError> {
    match options.keys().next() {
        Some(key) => Err(ConfigError::unknown_key("", owner, key, std::iter::empty())),
        None => Ok(()),
    }
}

/// The fields that the derived `Deserialize` of `C` knows: asked from serde, so that no second list can go stale.
fn field_names<C: DeserializeOwned>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    let _ = C::deserialize(FieldNames(&mut fields));
    fields
}

struct FieldNames<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for FieldNames<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        Err(serde::de::Error::custom("only the names were wanted"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Self::Error> {
        Err(serde::de::Error::custom("not a struct"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
