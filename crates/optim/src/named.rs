//! Configurations that name an entry of a table: `{"name": "adam", "beta1": 0.9}`, or the bare name `"adam"`.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::OptimError;

/// An entry of a table.
pub(crate) trait Named {
    fn name(&self) -> &'static str;
}

/// The options of an entry with its name among them.
pub(crate) fn with_name(name: &str, options: &impl Serialize) -> Value {
    let mut map = match serde_json::to_value(options) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    };
    map.insert("name".to_owned(), Value::from(name));
    Value::Object(map)
}

/// The name of an entry, and its options without the name.
pub(crate) fn split_name<'a>(what: &'static str, config: &'a Value) -> Result<(&'a str, Value), OptimError> {
    let wrong = || OptimError::Config {
        what: what.to_owned(),
        reason: "expected a name or an object with a `name`".to_owned(),
    };
    match config {
        Value::String(name) => Ok((name, Value::Object(Map::new()))),
        Value::Object(map) => {
            let name = map.get("name").and_then(Value::as_str).ok_or_else(wrong)?;
            let options = map.iter().filter(|(key, _)| *key != "name").map(|(k, v)| (k.clone(), v.clone())).collect();
            Ok((name, Value::Object(options)))
        }
        _ => Err(wrong()),
    }
}

/// The entry called `name`.
pub(crate) fn find<E: Named>(what: &'static str, table: &'static [E], name: &str) -> Result<&'static E, OptimError> {
    table.iter().find(|e| e.name() == name).ok_or_else(|| {
        let known: Vec<_> = table.iter().map(|e| format!("`{}`", e.name())).collect();
        OptimError::Unknown { what, name: name.to_owned(), known: known.join(", ") }
    })
}
