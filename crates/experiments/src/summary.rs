//! Makes `summary.json`, `config.toml` and the figures of an experiment from its results.

use crate::criterion::judge_all;
use crate::environment::Environment;
use crate::error::ExperimentError;
use crate::experiment::{Experiment, Variant};
use crate::plan::Plan;
use crate::record::{Budget, DataRecord, SeedRecord, Summary, VariantRecord, write_atomically};
use crate::results::{Results, significant};
use serde::Serialize;
use std::path::Path;

/// Judges `results`, draws the figures and writes both under `folder`.
///
/// # Errors
/// When a file cannot be written or a figure not drawn.
pub(crate) fn write(
    e: &Experiment,
    results: &Results,
    seeds: &[u64],
    environment: Environment,
    wall: f64,
    folder: &Path,
) -> Result<Summary, ExperimentError> {
    let outcomes = || results.variants.iter().flat_map(|v| &v.outcomes);
    let commit = environment.commit.clone();
    let crashed = outcomes().any(|o| o.error.is_some());
    let summary = Summary {
        experiment: e.name.into(),
        profile: results.profile,
        status: if crashed { "crashed" } else { "complete" }.into(),
        seeds: seeds.to_vec(),
        data: data_record(e, results),
        environment,
        budget: Budget {
            planned_seconds: results.profile.pick(e.seconds),
            wall_seconds: significant(wall, 4),
            run_seconds: significant(outcomes().map(|o| o.seconds).sum(), 4),
        },
        variants: results
            .variants
            .iter()
            .map(|v| VariantRecord {
                name: v.name.clone(),
                config: v.config.clone(),
                seeds: v
                    .outcomes
                    .iter()
                    .map(|o| SeedRecord {
                        seed: o.seed,
                        metrics: o.metrics.clone(),
                        seconds: significant(o.seconds, 3),
                        operations: Some(significant(o.operations, 4)).filter(|n| *n > 0.0),
                        key: o.key.clone(),
                        bits: o.bits.clone(),
                        commit: Some(o.commit.clone()).filter(|c| *c != commit),
                        error: o.error.clone(),
                    })
                    .collect(),
            })
            .collect(),
        criteria: judge_all(e.criteria, results),
    };
    // Figures of an earlier run must not stay beside the new numbers.
    let figures = folder.join("figures");
    if figures.exists() {
        std::fs::remove_dir_all(&figures).map_err(|error| ExperimentError::file(&figures, "replaced", error))?;
    }
    write_atomically(&folder.join("summary.json"), summary.to_json()?.as_bytes())?;
    draw(e, results, &figures)?;
    Ok(summary)
}

/// A caption beside each figure, in the order of showing.
#[derive(Debug, Serialize, serde::Deserialize)]
pub(crate) struct Caption {
    pub(crate) file: String,
    pub(crate) caption: String,
}

fn draw(e: &Experiment, results: &Results, folder: &Path) -> Result<(), ExperimentError> {
    let mut captions = Vec::new();
    for (i, figure) in (e.figures)(results)?.into_iter().enumerate() {
        let file = format!("{}-{}.svg", i + 1, figure.name);
        write_atomically(&folder.join(&file), figure.svg.as_bytes())?;
        captions.push(Caption { file, caption: figure.caption });
    }
    let text =
        serde_json::to_string_pretty(&captions).map_err(|error| ExperimentError::file(folder, "written", error))?;
    write_atomically(&folder.join("captions.json"), text.as_bytes())
}

fn data_record(e: &Experiment, results: &Results) -> DataRecord {
    let missing: Vec<String> = e.data.iter().map(|n| n.set.to_string()).filter(|s| !results.data.contains(s)).collect();
    let kind = match (results.data.is_empty(), missing.is_empty()) {
        (true, _) => "generated",
        (false, true) => "real",
        (false, false) => "partly generated",
    };
    let mut notes: Vec<String> = Vec::new();
    for note in results.variants.iter().flat_map(|v| &v.outcomes).flat_map(|o| &o.notes) {
        if !notes.contains(note) {
            notes.push(note.clone());
        }
    }
    DataRecord { kind: kind.into(), sets: results.data.clone(), missing, notes }
}

/// `config.toml`: everything that the run was told, so that it can be read and repeated.
pub(crate) fn write_config(
    e: &Experiment,
    plan: &Plan,
    variants: &[Variant],
    seeds: &[u64],
    folder: &Path,
) -> Result<(), ExperimentError> {
    #[derive(Serialize)]
    struct Config<'a> {
        experiment: &'a str,
        profile: String,
        seeds: &'a [u64],
        threads: usize,
        jobs: usize,
        variants: Vec<Named<'a>>,
    }
    #[derive(Serialize)]
    struct Named<'a> {
        name: &'a str,
        config: toml::Value,
    }
    let path = folder.join("config.toml");
    let named = |v: &'_ Variant| {
        toml::Value::try_from(&v.config).map_err(|error| ExperimentError::file(&path, "written", error))
    };
    let config = Config {
        experiment: e.name,
        profile: plan.profile.to_string(),
        seeds,
        threads: plan.threads(),
        jobs: plan.jobs(e),
        variants: variants
            .iter()
            .map(|v| named(v).map(|config| Named { name: &v.name, config }))
            .collect::<Result<_, _>>()?,
    };
    let text = toml::to_string(&config).map_err(|error| ExperimentError::file(&path, "written", error))?;
    write_atomically(&path, text.as_bytes())
}
