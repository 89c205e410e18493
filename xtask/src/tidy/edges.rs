//! Who may know whom: the allowed dependencies between our crates, held against `cargo metadata`.

use crate::cmd::{Failure, Outcome, cargo, output};

use super::Problem;

/// The house, bottom up: each crate and the crates of ours it may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("layerwise-tensor", &[]),
    ("layerwise-autograd", &["layerwise-tensor"]),
    ("layerwise-optim", &["layerwise-tensor"]),
    ("layerwise-datasets", &["layerwise-tensor"]),
    ("layerwise-nn-layers", &["layerwise-tensor", "layerwise-autograd"]),
    (
        "layerwise-train",
        &["layerwise-tensor", "layerwise-autograd", "layerwise-nn-layers", "layerwise-optim", "layerwise-datasets"],
    ),
    (
        "layerwise-autoencoder",
        &[
            "layerwise-tensor",
            "layerwise-autograd",
            "layerwise-nn-layers",
            "layerwise-optim",
            "layerwise-datasets",
            "layerwise-train",
        ],
    ),
    (
        "layerwise",
        &[
            "layerwise-tensor",
            "layerwise-autograd",
            "layerwise-nn-layers",
            "layerwise-optim",
            "layerwise-datasets",
            "layerwise-train",
            "layerwise-autoencoder",
        ],
    ),
    // The roof sees the facade. It names the tensor crate too, because every crate that uses ndarray must depend on the one
    // that links the BLAS.
    ("layerwise-experiments", &["layerwise", "layerwise-tensor"]),
    ("layerwise-benches", &["layerwise", "layerwise-tensor"]),
    ("layerwise-tests", &["layerwise", "layerwise-tensor", "layerwise-benches", "layerwise-experiments"]),
    ("xtask", &[]),
];

/// Crates that may touch a BLAS provider.
const BLAS_PROVIDERS: &[&str] = &["blas-src", "openblas-src", "cblas-sys", "cblas"];

/// A crate and the names of all its dependencies, development ones included.
pub(crate) type Edges = Vec<(String, Vec<String>)>;

/// The dependencies of the workspace's members.
pub(crate) fn from_cargo() -> Outcome<Edges> {
    let text = output(&mut cargo(["metadata", "--no-deps", "--format-version", "1"]))
        .ok_or_else(|| Failure::new("`cargo metadata` failed"))?;
    let metadata: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| Failure::new(format!("cargo metadata is not JSON: {e}")))?;
    let names = |package: &serde_json::Value| {
        let dependencies = package["dependencies"].as_array().into_iter().flatten();
        dependencies.filter_map(|d| d["name"].as_str().map(str::to_owned)).collect()
    };
    let packages = metadata["packages"].as_array().into_iter().flatten();
    Ok(packages.map(|p| (p["name"].as_str().unwrap_or_default().to_owned(), names(p))).collect())
}

/// Dependencies that the table does not allow.
pub(crate) fn check(edges: &Edges) -> Vec<Problem> {
    let mut problems = Vec::new();
    let ours = |name: &str| ALLOWED.iter().any(|(n, _)| *n == name);
    for (name, dependencies) in edges {
        let Some((_, allowed)) = ALLOWED.iter().find(|(n, _)| n == name) else {
            problems.push(Problem {
                place: name.clone(),
                what: "this crate has no place in the table of allowed dependencies".to_owned(),
                remedy: "decide what it must not know and add it to ALLOWED in xtask/src/tidy/edges.rs".to_owned(),
            });
            continue;
        };
        for dependency in dependencies {
            if ours(dependency) && !allowed.contains(&dependency.as_str()) {
                problems.push(Problem {
                    place: name.clone(),
                    what: format!("must not depend on {dependency}"),
                    remedy: "move what is shared below both; ARCHITECTURE.md draws who may know whom".to_owned(),
                });
            }
            if BLAS_PROVIDERS.contains(&dependency.as_str()) && name != "layerwise-tensor" {
                problems.push(Problem {
                    place: name.clone(),
                    what: format!("only layerwise-tensor may depend on {dependency}"),
                    remedy: "forward the feature `openblas` to layerwise-tensor instead".to_owned(),
                });
            }
        }
        let uses_ndarray = dependencies.iter().any(|d| d == "ndarray");
        if uses_ndarray && name != "layerwise-tensor" && !dependencies.iter().any(|d| d == "layerwise-tensor") {
            problems.push(Problem {
                place: name.clone(),
                what: "uses ndarray without depending on layerwise-tensor".to_owned(),
                remedy: "add layerwise-tensor: with the feature `openblas` its binaries would not link otherwise"
                    .to_owned(),
            });
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(list: &[(&str, &[&str])]) -> Edges {
        list.iter().map(|(n, d)| ((*n).to_owned(), d.iter().map(|d| (*d).to_owned()).collect())).collect()
    }

    #[test]
    fn a_forbidden_edge_is_found() {
        let problems = check(&edges(&[("layerwise-optim", &["layerwise-tensor", "layerwise-autograd"])]));
        assert_eq!(problems.len(), 1);
        assert!(problems[0].what.contains("layerwise-autograd"));
        assert!(check(&edges(&[("layerwise-optim", &["layerwise-tensor", "serde"])])).is_empty());
    }

    #[test]
    fn a_blas_provider_belongs_to_the_ground() {
        assert_eq!(check(&edges(&[("layerwise-train", &["openblas-src"])])).len(), 1);
        assert!(check(&edges(&[("layerwise-tensor", &["openblas-src"])])).is_empty());
    }

    #[test]
    fn ndarray_needs_the_ground() {
        assert_eq!(check(&edges(&[("layerwise-benches", &["layerwise", "ndarray"])])).len(), 1);
    }

    #[test]
    fn a_crate_without_a_place_is_found() {
        assert_eq!(check(&edges(&[("layerwise-attic", &[])])).len(), 1);
    }
}
