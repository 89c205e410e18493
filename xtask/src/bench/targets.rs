//! The ratios we want to reach, from `benches/targets.toml`.

use std::fs;

use toml::{Table, Value};

use crate::cmd::{Failure, Outcome, root};

/// All targets.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Targets {
    pub(crate) workloads: Vec<Target>,
    /// Workloads nobody tunes for, and the geometric mean of their ratios.
    pub(crate) unseen: Option<(Vec<String>, f64)>,
}

/// The targets of a workload, for one and two threads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    pub(crate) workload: String,
    pub(crate) fastest: [f64; 2],
    pub(crate) torch: Option<[f64; 2]>,
    /// With two threads the fastest peer of one thread is the one to beat as well.
    pub(crate) against_one_thread: bool,
}

impl Targets {
    /// The committed targets.
    pub(crate) fn read() -> Outcome<Self> {
        let path = root().join("benches").join("targets.toml");
        let wrong = |why: String| Failure::new(format!("benches/targets.toml: {why}"));
        Self::parse(&fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?).map_err(wrong)
    }

    /// Reads them from a file's text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let table: Table = text.parse().map_err(|e: toml::de::Error| e.to_string())?;
        let mut targets = Self::default();
        for (name, entry) in &table {
            if name == "unseen" {
                targets.unseen = Some(unseen(entry).ok_or("`unseen` has workloads and a geometric_mean")?);
                continue;
            }
            let torch = match entry.get("torch") {
                Some(list) => Some(pair(list).ok_or_else(|| format!("`{name}`: torch has two numbers"))?),
                None => None,
            };
            targets.workloads.push(Target {
                workload: name.clone(),
                fastest: entry
                    .get("fastest")
                    .and_then(pair)
                    .ok_or_else(|| format!("`{name}`: fastest has two numbers"))?,
                torch,
                against_one_thread: entry.get("against_one_thread").and_then(Value::as_bool).unwrap_or(false),
            });
        }
        Ok(targets)
    }

    /// The target of a workload.
    pub(crate) fn of(&self, workload: &str) -> Option<&Target> {
        self.workloads.iter().find(|t| t.workload == workload)
    }
}

/// The figure for so many threads, of those for one and two.
pub(crate) fn at(pair: [f64; 2], threads: u64) -> Option<f64> {
    let index = usize::try_from(threads.checked_sub(1)?).ok()?;
    pair.get(index).copied()
}

fn pair(value: &Value) -> Option<[f64; 2]> {
    let numbers: Vec<f64> = value.as_array()?.iter().map(number).collect::<Option<_>>()?;
    numbers.try_into().ok()
}

fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|n| n as f64)).filter(|x| *x > 0.0)
}

fn unseen(value: &Value) -> Option<(Vec<String>, f64)> {
    let names =
        value.get("workloads")?.as_array()?.iter().map(|n| n.as_str().map(str::to_owned)).collect::<Option<_>>()?;
    Some((names, number(value.get("geometric_mean")?)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::workload;

    #[test]
    fn every_target_is_of_a_workload() {
        let targets = Targets::read().unwrap();
        let names: Vec<String> = workload::find(&[]).unwrap().into_iter().map(|w| w.name).collect();
        let (unseen, _) = targets.unseen.clone().unwrap();
        let all = targets.workloads.iter().map(|t| &t.workload).chain(&unseen);
        assert_eq!(all.filter(|name| !names.contains(name)).count(), 0);
        assert_eq!(at(targets.of("w5").unwrap().fastest, 2), Some(1.05));
        assert_eq!(at([1.0, 2.0], 4), None);
    }

    #[test]
    fn a_wrong_target_is_refused() {
        for (text, why) in [
            ("[w1]\nfastest = [1.0]", "w1"),
            ("[w1]\nfastest = [1, 2]\ntorch = 3", "torch"),
            ("[unseen]\nworkloads = []", "geometric_mean"),
            ("[w1", "w1"),
        ] {
            assert!(Targets::parse(text).unwrap_err().contains(why), "{text}");
        }
    }
}
