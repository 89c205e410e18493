//! A criterion is fixed before the run: its text and threshold are hashed into each record, and a committed record whose hash
//! differs from the criterion in the code was judged by another rule.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cmd::{EXAMPLES, Failure, Outcome, cargo, example, output};

use super::Problem;

/// Compares the committed records with the criteria in the code.
pub(crate) fn check_repository(root: &Path) -> Outcome<Vec<Problem>> {
    let records = committed(&root.join("docs").join("results"));
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let built = example(std::env::var_os(EXAMPLES).map(PathBuf::from), "experiments");
    let mut list = built.unwrap_or_else(|| cargo(["run", "--quiet", "--package", "layerwise-experiments", "--"]));
    let text = output(list.args(["list", "--json"]))
        .ok_or_else(|| Failure::new("`layerwise-experiments list --json` failed"))?;
    let list: Value =
        serde_json::from_str(&text).map_err(|e| Failure::new(format!("the list of experiments is not JSON: {e}")))?;
    let mut problems = Vec::new();
    for path in records {
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let text = fs::read_to_string(&path).map_err(|e| Failure::new(format!("cannot read {name}: {e}")))?;
        let record: Value =
            serde_json::from_str(&text).map_err(|e| Failure::new(format!("{name} is not JSON: {e}")))?;
        problems.extend(check(&name, &record, &list));
    }
    Ok(problems)
}

/// The problems of one record against the list of experiments with their criteria.
fn check(place: &str, record: &Value, list: &Value) -> Vec<Problem> {
    let problem = |what: String, remedy: &str| Problem { place: place.to_owned(), what, remedy: remedy.to_owned() };
    let experiment = record["experiment"].as_str().unwrap_or_default();
    let Some(current) = list.as_array().into_iter().flatten().find(|e| e["name"] == experiment) else {
        return vec![problem(
            format!("there is no experiment `{experiment}`"),
            "remove the record or restore the experiment",
        )];
    };
    let hash_of = |id: &Value| {
        let criteria = current["criteria"].as_array().into_iter().flatten();
        criteria.filter(|c| c["id"] == *id).find_map(|c| c["hash"].as_str())
    };
    let mut problems = Vec::new();
    for criterion in record["criteria"].as_array().into_iter().flatten() {
        let id = criterion["id"].as_str().unwrap_or_default();
        match hash_of(&criterion["id"]) {
            None => problems.push(problem(
                format!("the experiment has no criterion `{id}` any more"),
                "run it again and commit the new record",
            )),
            Some(hash) if criterion["hash"] != hash => problems.push(problem(
                format!("criterion `{id}` was changed after this record was made"),
                "restore its text and threshold, or run the experiment again under the new one and say why",
            )),
            Some(_) => {}
        }
    }
    problems
}

/// All `summary.json` below `folder`.
fn committed(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(committed(&path));
        } else if path.ends_with("summary.json") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_changed_criterion_is_found() {
        let list = json!([{ "name": "mnist-mlp", "criteria": [{ "id": "accuracy", "hash": "aa" }] }]);
        let record = |hash| json!({ "experiment": "mnist-mlp", "criteria": [{ "id": "accuracy", "hash": hash }] });
        assert!(check("r", &record("aa"), &list).is_empty());
        let found = check("r", &record("bb"), &list);
        assert_eq!(found.len(), 1);
        assert!(found[0].what.contains("changed after"));
    }

    #[test]
    fn a_record_without_its_experiment_is_found() {
        assert_eq!(check("r", &json!({ "experiment": "gone" }), &json!([])).len(), 1);
    }
}
