//! `--set path=value` and `--grid path=a,b`: changes of the variants' configurations from the command line.

use crate::experiment::Variant;
use crate::table::unknown;
use serde_json::Value;

/// One change: a path of keys and the values to take, one for `--set`, several for `--grid`.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Keys joined by dots, as typed.
    pub path: String,
    /// The values.
    pub values: Vec<Value>,
}

impl Change {
    /// `path=value`.
    ///
    /// # Errors
    /// When there is no `=` or no path.
    pub fn set(text: &str) -> Result<Self, String> {
        let (path, value) = split(text)?;
        Ok(Self { path, values: vec![parse(value)] })
    }

    /// `path=a,b,...`.
    ///
    /// # Errors
    /// When there is no `=` or no path.
    pub fn grid(text: &str) -> Result<Self, String> {
        let (path, values) = split(text)?;
        Ok(Self { path, values: values.split(',').map(parse).collect() })
    }

    /// The change below the experiment `name`: `name.path` without its first part. A path that starts with the name of another
    /// experiment does not concern this one: `None`.
    pub fn within(&self, name: &str, all: &[&str]) -> Option<Self> {
        match self.path.split_once('.') {
            Some((first, rest)) if first == name => Some(Self { path: rest.into(), values: self.values.clone() }),
            Some((first, _)) if all.contains(&first) => None,
            _ => Some(self.clone()),
        }
    }

    /// Whether any of `variants` has the path.
    pub fn concerns(&self, variants: &[Variant]) -> bool {
        variants.iter().any(|v| v.config.pointer(&self.pointer()).is_some())
    }

    /// The variants with the change: each that has the path once per value, the others as they are.
    ///
    /// # Errors
    /// When a value is of another kind than the one it replaces.
    pub fn apply(&self, variants: Vec<Variant>) -> Result<Vec<Variant>, String> {
        let mut changed = Vec::new();
        for v in variants {
            let Some(old) = v.config.pointer(&self.pointer()) else {
                changed.push(v);
                continue;
            };
            for value in &self.values {
                if kind(old) != kind(value) && !old.is_null() {
                    return Err(format!("`{}` is {} like {old}, not {value}", self.path, kind(old)));
                }
                let mut copy = v.clone();
                if self.values.len() > 1 {
                    copy.name = format!("{} {}={}", v.name, self.path, plain(value));
                }
                if let Some(place) = copy.config.pointer_mut(&self.pointer()) {
                    *place = value.clone();
                }
                changed.push(copy);
            }
        }
        Ok(changed)
    }

    /// The message when no experiment has the path.
    pub fn no_such_path(&self, variants: &[Variant]) -> String {
        let mut paths = Vec::new();
        for v in variants {
            collect(&v.config, "", &mut paths);
        }
        paths.sort();
        paths.dedup();
        unknown("setting", &self.path, &paths.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn pointer(&self) -> String {
        format!("/{}", self.path.replace('.', "/"))
    }
}

fn split(text: &str) -> Result<(String, &str), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.is_empty() => Ok((path.into(), value)),
        _ => Err(format!("`{text}` is not of the form path=value")),
    }
}

/// JSON where it is JSON, else a string.
fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.into()))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a word",
        Value::Array(_) => "a list",
        Value::Object(_) => "a group",
    }
}

fn collect(value: &Value, prefix: &str, paths: &mut Vec<String>) {
    for (key, inner) in value.as_object().into_iter().flatten() {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        collect(inner, &path, paths);
        paths.push(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn variants() -> Vec<Variant> {
        vec![
            Variant::new("a", json!({"epochs": 3, "net": {"act": "relu", "hidden": [2, 2]}})),
            Variant::new("b", json!({"epochs": 4})),
        ]
    }

    #[test]
    fn set_changes_every_variant_that_has_the_path() {
        let v = Change::set("epochs=9").unwrap().apply(variants()).unwrap();
        assert!(v.iter().all(|v| v.config["epochs"] == 9));
        let v = Change::set("net.act=tanh").unwrap().apply(variants()).unwrap();
        assert_eq!(v[0].config["net"]["act"], "tanh");
        assert_eq!(v[1], variants()[1]);
        let v = Change::set("net.hidden=[8]").unwrap().apply(variants()).unwrap();
        assert_eq!(v[0].config["net"]["hidden"], json!([8]));
    }

    #[test]
    fn a_grid_multiplies() {
        let v = Change::grid("net.act=relu,tanh").unwrap().apply(variants()).unwrap();
        assert_eq!(v.len(), 3);
        assert_eq!(v[1].name, "a net.act=tanh");
    }

    #[test]
    fn wrong_kinds_and_paths_are_explained() {
        assert!(Change::set("epochs=many").unwrap().apply(variants()).unwrap_err().contains("a number"));
        assert!(Change::set("epochs").is_err() && Change::set("=3").is_err());
        let change = Change::set("epoch=3").unwrap();
        assert!(!change.concerns(&variants()));
        assert_eq!(change.no_such_path(&variants()), "no setting `epoch`; did you mean `epochs`?");
    }

    #[test]
    fn a_path_may_name_its_experiment() {
        let change = Change::set("mnist.epochs=2").unwrap();
        assert_eq!(change.within("mnist", &["mnist", "other"]).unwrap().path, "epochs");
        assert!(change.within("other", &["mnist", "other"]).is_none());
    }
}
