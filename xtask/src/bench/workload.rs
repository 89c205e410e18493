//! What the orchestrator needs to know of a workload: its name, and how much there is to compute and to move.
//!
//! Our program checks the file itself; here only the keys are read that the limit depends on.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::cmd::{Failure, Outcome, root};

/// A workload file and the sizes in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Workload {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// What it stands for.
    pub(crate) about: String,
    pub(crate) sizes: Sizes,
}

/// Sizes that work and traffic follow from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sizes {
    pub(crate) widths: Vec<u64>,
    pub(crate) batch: u64,
    pub(crate) blocks: Option<Blocks>,
    pub(crate) rule: Option<Rule>,
    /// Bytes of one number.
    pub(crate) element: u64,
}

/// Residual blocks before the layers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Blocks {
    pub(crate) count: u64,
    pub(crate) hidden: u64,
    pub(crate) norm: bool,
}

/// Update rules that move different amounts of memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rule {
    Sgd,
    Momentum,
    RmsProp,
    Adam,
}

/// The workloads with these names or paths; without any: all there are.
pub(crate) fn find(names: &[String]) -> Outcome<Vec<Workload>> {
    let folder = root().join("benches").join("workloads");
    let known = names_in(&folder);
    let path = |name: &String| match known.contains(name) {
        true => Ok(folder.join(format!("{name}.toml"))),
        false if Path::new(name).is_file() => Ok(PathBuf::from(name)),
        false => Err(Failure::usage(format!(
            "there is no workload `{name}`: it is the path of a file, or one of {}",
            known.join(", ")
        ))),
    };
    let named = if names.is_empty() { &known } else { names };
    let found = named.iter().map(|name| read(&path(name)?)).collect::<Outcome<Vec<_>>>()?;
    for (i, workload) in found.iter().enumerate() {
        if found[..i].iter().any(|w| w.name == workload.name) {
            return Err(Failure::usage(format!("two of the workloads are called `{}`", workload.name)));
        }
    }
    Ok(found)
}

fn names_in(folder: &Path) -> Vec<String> {
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
    let named = paths.filter(|p| p.extension().is_some_and(|e| e == "toml"));
    let mut names: Vec<String> = named.filter_map(|p| Some(p.file_stem()?.to_string_lossy().into_owned())).collect();
    names.sort();
    names
}

fn read(path: &Path) -> Outcome<Workload> {
    let wrong = |why: String| Failure::new(format!("{}: {why}", path.display()));
    let text = fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
    let sizes = Sizes::parse(&text).map_err(wrong)?;
    let table: Table = text.parse().map_err(|e: toml::de::Error| wrong(e.to_string()))?;
    let about =
        table.get("about").and_then(Value::as_str).ok_or_else(|| wrong("`about` is a text".to_owned()))?.to_owned();
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    // The programs do not run where we run.
    let path = path.canonicalize().map_err(|e| wrong(e.to_string()))?;
    Ok(Workload { name, path, about, sizes })
}

impl Sizes {
    /// Reads them from a workload file's text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let table: Table = text.parse().map_err(|e: toml::de::Error| e.to_string())?;
        let widths: Option<Vec<u64>> =
            table.get("widths").and_then(Value::as_array).and_then(|list| list.iter().map(positive).collect());
        let blocks = match table.get("blocks") {
            Some(blocks) => Some(Blocks {
                count: size(blocks, "count")?,
                hidden: size(blocks, "hidden")?,
                norm: word(blocks, "norm").is_some_and(|norm| norm != "none"),
            }),
            None => None,
        };
        let file = Value::Table(table.clone());
        let inference = word(&file, "loss") == Some("none");
        Ok(Self {
            widths: widths.filter(|w| w.len() >= 2).ok_or("`widths` is a list of at least two sizes")?,
            batch: size(&file, "batch")?,
            blocks,
            rule: if inference { None } else { Some(rule(table.get("optimizer"))?) },
            element: match word(&file, "dtype") {
                None | Some("f32") => 4,
                Some("f64") => 8,
                Some(other) => return Err(format!("`dtype` is f32 or f64, not `{other}`")),
            },
        })
    }
}

fn rule(optimizer: Option<&Value>) -> Result<Rule, String> {
    let optimizer = optimizer.ok_or("a workload that trains has an [optimizer]")?;
    let momentum = optimizer.get("momentum").is_some_and(|m| m.as_float() != Some(0.0) && m.as_integer() != Some(0));
    match word(optimizer, "rule") {
        Some("sgd") if momentum => Ok(Rule::Momentum),
        Some("sgd") => Ok(Rule::Sgd),
        Some("rmsprop") => Ok(Rule::RmsProp),
        Some("adam" | "adamw") => Ok(Rule::Adam),
        other => Err(format!("the optimizer's `rule` is sgd, adam, adamw or rmsprop, not `{}`", other.unwrap_or(""))),
    }
}

fn word<'a>(table: &'a Value, key: &str) -> Option<&'a str> {
    table.get(key).and_then(Value::as_str)
}

fn size(table: &Value, key: &str) -> Result<u64, String> {
    table.get(key).and_then(positive).ok_or_else(|| format!("`{key}` is a number above 0"))
}

fn positive(value: &Value) -> Option<u64> {
    value.as_integer().and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_here_is_read() {
        let all = find(&[]).unwrap();
        assert!(all.len() >= 12 && all.iter().any(|w| w.name == "w7a"), "{all:?}");
        let one = find(&["w6".to_owned()]).unwrap();
        assert_eq!(one[0].sizes.blocks, Some(Blocks { count: 8, hidden: 256, norm: true }));
        assert_eq!(find(&["w3".to_owned()]).unwrap()[0].sizes.rule, Some(Rule::Momentum));
    }

    #[test]
    fn what_is_no_workload_is_refused() {
        assert_eq!(find(&["w99".to_owned()]).unwrap_err().status, 2);
        assert!(find(&["w1".to_owned(), "w1".to_owned()]).unwrap_err().message.contains("two of"));
        for (text, why) in [
            ("widths = [3]\nbatch = 1\nloss = \"none\"", "widths"),
            ("widths = [3, 2]\nloss = \"none\"", "batch"),
            ("widths = [3, 2]\nbatch = 1\nloss = \"mse\"", "optimizer"),
            ("widths = [3, 2]\nbatch = 1\nloss = \"mse\"\n[optimizer]\nrule = \"lion\"", "lion"),
            ("widths = [3, 2]\nbatch = 1\nloss = \"none\"\ndtype = \"f16\"", "f16"),
            ("widths = [3", "array"),
        ] {
            let message = Sizes::parse(text).unwrap_err();
            assert!(message.contains(why), "{message}");
        }
    }
}
