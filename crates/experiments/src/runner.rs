//! Runs an experiment: its variants with each seed, as many at a time as there are jobs, and writes what they left.

use crate::environment::Environment;
use crate::error::ExperimentError;
use crate::experiment::{Experiment, Run, Variant};
use crate::plan::Plan;
use crate::record::{Summary, write_atomically};
use crate::results::{Outcome, Results, VariantResults, significant};
use crate::summary;
use layerwise_tensor::kernel;
use sha2::{Digest, Sha256};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// What became of an experiment.
pub struct Done {
    /// The record, as written.
    pub summary: Summary,
    /// Its folder.
    pub folder: PathBuf,
}

/// Runs `e` and writes its records; `say` hears of every finished run.
///
/// A run that fails or panics is recorded with its error, and the others go on.
///
/// # Errors
/// When records cannot be written or figures not drawn.
pub fn run(
    e: &Experiment,
    plan: &Plan,
    variants: &[Variant],
    say: &(dyn Fn(&str) + Sync),
) -> Result<Done, ExperimentError> {
    let folder = plan.out.join(e.name);
    let seeds = plan.seeds(e);
    let mut environment = Environment::read(plan.threads(), plan.jobs(e));
    let tasks = tasks(e, plan, variants);
    summary::write_config(e, plan, variants, &seeds, &folder)?;
    kernel::reset_work_log();
    let started = Instant::now();
    let outcomes = run_all(e, plan, &tasks, &environment, &folder, say)?;
    let wall = started.elapsed().as_secs_f64();
    environment.tiles_per_worker = tiles();

    let mut results = Results { profile: plan.profile, data: Vec::new(), variants: Vec::new() };
    results.data = e.data.iter().filter(|n| plan.data.has(n.set)).map(|n| n.set.to_string()).collect();
    for v in variants {
        let own = tasks.iter().zip(&outcomes).filter(|((t, _), _)| t.name == v.name).map(|(_, o)| o.clone());
        results.variants.push(VariantResults {
            name: v.name.clone(),
            config: v.config.clone(),
            outcomes: own.collect(),
        });
    }
    let summary = summary::write(e, &results, &seeds, environment, wall, &folder)?;
    Ok(Done { summary, folder })
}

/// Every run of `e`: its variants with each of their seeds.
fn tasks<'v>(e: &Experiment, plan: &Plan, variants: &'v [Variant]) -> Vec<(&'v Variant, u64)> {
    variants.iter().flat_map(|v| plan.seeds_of(e, v).into_iter().map(move |s| (v, s))).collect()
}

/// Makes the runs of one shard of `e` and leaves their outcomes; the summary is for a later run without a shard, which finds all of them
/// made. `before` is the number of runs of the experiments in front of it, so that shards are of equal size over all; returns the number of
/// runs of this one.
///
/// # Errors
/// When outcomes cannot be written.
pub fn run_shard(
    e: &Experiment,
    plan: &Plan,
    variants: &[Variant],
    before: usize,
    say: &(dyn Fn(&str) + Sync),
) -> Result<usize, ExperimentError> {
    let all = tasks(e, plan, variants);
    let (shard, of) = plan.shard.unwrap_or((0, 1));
    let own: Vec<(&Variant, u64)> =
        all.iter().enumerate().filter(|(i, _)| (before + i) % of == shard).map(|(_, t)| *t).collect();
    let environment = Environment::read(plan.threads(), plan.jobs(e));
    run_all(e, plan, &own, &environment, &plan.out.join(e.name), say)?;
    Ok(all.len())
}

/// Takes over the committed record of `e` in `from`, if it holds exactly the runs that are asked for, with the same keys: what was made
/// elsewhere need not be made again. Whether it did.
///
/// # Errors
/// When the record is there but cannot be read or copied.
pub fn adopt(e: &Experiment, plan: &Plan, variants: &[Variant], from: &Path) -> Result<Option<Done>, ExperimentError> {
    let source = from.join(e.name).join(plan.profile.to_string());
    let path = source.join("summary.json");
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
    let summary: Summary = serde_json::from_str(&text).map_err(|error| ExperimentError::file(&path, "read", error))?;
    let environment = Environment::read(plan.threads(), plan.jobs(e));
    let recorded: Vec<&str> = summary.variants.iter().flat_map(|v| &v.seeds).map(|s| s.key.as_str()).collect();
    let wanted: Vec<String> =
        tasks(e, plan, variants).into_iter().map(|(v, s)| key(e, plan, v, s, &environment)).collect();
    let same_promise = e.criteria.iter().map(|c| c.hash()).eq(summary.criteria.iter().map(|c| c.hash.clone()));
    if summary.status != "complete" || recorded != wanted || !same_promise {
        return Ok(None);
    }
    let folder = plan.out.join(e.name);
    let failed = |error: std::io::Error| ExperimentError::file(&source, "copied", error);
    for entry in std::fs::read_dir(&source).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default();
        let target = if name == "summary.json" { folder.join(name) } else { folder.join("figures").join(name) };
        write_atomically(&target, &std::fs::read(&path).map_err(failed)?)?;
    }
    Ok(Some(Done { summary, folder }))
}

/// Tiles by worker, up to the last worker that had one.
fn tiles() -> Vec<u64> {
    let log = kernel::work_log();
    let used = log.tiles.iter().rposition(|n| *n > 0).map_or(0, |last| last + 1);
    log.tiles[..used].to_vec()
}

/// The outcomes of `tasks`, in order, by `jobs` workers that each take the next one when they are free.
fn run_all(
    e: &Experiment,
    plan: &Plan,
    tasks: &[(&Variant, u64)],
    environment: &Environment,
    folder: &Path,
    say: &(dyn Fn(&str) + Sync),
) -> Result<Vec<Outcome>, ExperimentError> {
    let jobs = plan.jobs(e).min(tasks.len()).max(1);
    let threads = (plan.threads() / jobs).max(1);
    let next = AtomicUsize::new(0);
    let finished = AtomicUsize::new(0);
    let outcomes: Vec<Mutex<Option<Result<Outcome, ExperimentError>>>> =
        tasks.iter().map(|_| Mutex::new(None)).collect();
    let work = |pool: &rayon::ThreadPool| {
        while let Some((index, (variant, seed))) = take(&next, tasks) {
            let place = folder.join(variant.folder()).join(format!("seed-{seed}"));
            let key = key(e, plan, variant, *seed, environment);
            let committed = plan.records.as_ref().map(|from| committed_run(from, e, plan, variant, *seed));
            let known = || load(&place, &key).or_else(|| load(committed.as_ref()?, &key));
            let done = match plan.resume.then(known).flatten() {
                Some(outcome) => {
                    let kept = write_outcome(&outcome, &place);
                    let how = if outcome.commit == environment.commit {
                        " (taken over)".to_string()
                    } else {
                        format!(" (taken over from commit {})", outcome.commit.get(..12).unwrap_or(&outcome.commit))
                    };
                    kept.map(|()| (outcome, how))
                }
                None => {
                    one(e, plan, variant, *seed, (key, &environment.commit), pool, &place).map(|o| (o, String::new()))
                }
            };
            let count = finished.fetch_add(1, Ordering::Relaxed) + 1;
            if let Ok((o, how)) = &done {
                let end = o.error.as_deref().unwrap_or("");
                say(&format!("  {count}/{} {} seed {seed}: {:.1} s{how} {end}", tasks.len(), variant.name, o.seconds));
            }
            if let Ok(mut slot) = outcomes[index].lock() {
                *slot = Some(done.map(|(o, _)| o));
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs)
            .map(|_| {
                scope.spawn(|| {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                    pool.map(|p| work(&p)).map_err(|e| ExperimentError::Crashed(format!("no threads: {e}")))
                })
            })
            .collect();
        workers.into_iter().try_for_each(|w| w.join().unwrap_or(Ok(())))
    })?;
    let missing = || Err(ExperimentError::Crashed("a worker ended early".into()));
    outcomes.into_iter().map(|o| o.into_inner().ok().flatten().unwrap_or_else(missing)).collect()
}

fn take<'t, 'v>(next: &AtomicUsize, tasks: &'t [(&'v Variant, u64)]) -> Option<(usize, &'t (&'v Variant, u64))> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    tasks.get(index).map(|t| (index, t))
}

/// One run; what it left is written whole at its end.
fn one(
    e: &Experiment,
    plan: &Plan,
    variant: &Variant,
    seed: u64,
    (key, commit): (String, &str),
    pool: &rayon::ThreadPool,
    place: &Path,
) -> Result<Outcome, ExperimentError> {
    let (started, before) = (Instant::now(), operations(pool));
    let mut run = Run::new(plan.profile, &plan.data, seed);
    let attempt = catch_unwind(AssertUnwindSafe(|| pool.install(|| (e.run)(variant, seed, &mut run))));
    let attempt = attempt.unwrap_or_else(|panic| Err(ExperimentError::Crashed(message(&*panic))));
    let attempt = attempt.and_then(|m| match m.iter().find(|(_, v)| !v.is_finite()) {
        Some((name, _)) => Err(ExperimentError::NotFinite(name.clone())),
        None => Ok(m),
    });
    let mut outcome = run.outcome;
    outcome.key = key;
    outcome.commit = commit.into();
    outcome.seconds = significant(started.elapsed().as_secs_f64(), 4);
    outcome.operations = (operations(pool) - before) as f64;
    match attempt {
        Ok(metrics) => {
            outcome.bits = bits(&metrics);
            outcome.metrics = metrics.into_iter().map(|(k, v)| (k, significant(v, 6))).collect();
        }
        Err(error) => outcome.error = Some(error.to_string()),
    }
    let log: String = run.log.iter().map(|l| format!("{l}\n")).collect();
    write_atomically(&place.join("metrics.jsonl"), log.as_bytes())?;
    write_outcome(&outcome, place)?;
    Ok(outcome)
}

fn write_outcome(outcome: &Outcome, place: &Path) -> Result<(), ExperimentError> {
    let text = serde_json::to_string(outcome).map_err(|e| ExperimentError::file(place, "written", e))?;
    write_atomically(&place.join("outcome.json"), text.as_bytes())
}

/// Multiplications and additions in all products that the workers of `pool` have asked for: one run works in it at a time.
fn operations(pool: &rayon::ThreadPool) -> u64 {
    pool.broadcast(|_| kernel::product_operations()).into_iter().sum()
}

/// Where committed records keep a finished run of an experiment that is not done.
fn committed_run(records: &Path, e: &Experiment, plan: &Plan, variant: &Variant, seed: u64) -> PathBuf {
    let profile = records.join(e.name).join(plan.profile.to_string());
    profile.join("runs").join(variant.folder()).join(format!("seed-{seed}"))
}

/// An outcome of the same run that ended well.
fn load(place: &Path, key: &str) -> Option<Outcome> {
    let text = std::fs::read_to_string(place.join("outcome.json")).ok()?;
    let outcome: Outcome = serde_json::from_str(&text).ok()?;
    (outcome.key == key && outcome.error.is_none()).then_some(outcome)
}

/// A fingerprint of numbers to the last bit.
fn bits(metrics: &crate::results::Metrics) -> String {
    let mut hash = Sha256::new();
    for (name, value) in metrics {
        hash.update(name.as_bytes());
        hash.update(value.to_bits().to_le_bytes());
    }
    hash.finalize().iter().take(6).map(|b| format!("{b:02x}")).collect()
}

/// What makes two runs the same: experiment, profile, configuration, seed, data at hand, and who multiplies matrices. Products of our own
/// give the same bits at any width of vectors, others need not; the commit is not in it, so a change of the code does not undo what was
/// done: `--fresh` does.
fn key(e: &Experiment, plan: &Plan, v: &Variant, seed: u64, env: &Environment) -> String {
    let data: Vec<&str> = e.data.iter().filter(|n| plan.data.has(n.set)).map(|n| n.set).collect();
    let level = if env.blas == "packed" { "" } else { &env.cpu_level };
    let text = format!(
        "{} {} {} {} {seed} {data:?} {} {} {level}",
        e.name, plan.profile, v.name, v.config, env.build, env.blas
    );
    Sha256::digest(text.as_bytes()).iter().take(8).map(|b| format!("{b:02x}")).collect()
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string()))
        .unwrap_or_else(|| "panic without a message".into())
}

#[cfg(test)]
mod tests;
