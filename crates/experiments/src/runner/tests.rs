//! Runs that fail, panic, are killed and are resumed.

use super::*;
use crate::criterion::{Criterion, Estimate, Kind, Side, Verdict};
use crate::data::DataHome;
use crate::experiment::{Anchor, Grain, Metrics, Profile, Tag, metrics};
use crate::figure::{Axis, Chart, Figure, Series, lines};
use crate::settings::Change;
use serde_json::json;

/// Squares its number; variant `bad` fails, `worse` panics.
static SQUARES: Experiment = Experiment {
    name: "squares",
    question: "Does squaring square?",
    claim: "It does.",
    protocol: "Square numbers.",
    anchor: Anchor { text: "n^2", source: "Euclid", tag: Tag::M },
    data: &[],
    tour: false,
    seeds: [1, 3, 5],
    seconds: [1.0, 1.0, 1.0],
    grain: Grain::Runs,
    variants: |_| vec![Variant::new("good", json!({"n": 3.0})), Variant::new("bad", json!({"n": -1.0}))],
    run: square,
    criteria: &[Criterion {
        id: "nine",
        statement: "three squared is at least 9",
        threshold: 9.0,
        side: Side::AtLeast,
        kind: Kind::Exact,
        profile: Profile::Smoke,
        needs: None,
        published: None,
        source: "arithmetic",
        cause: "",
        estimate: |r| r.mean("good", "square").map(|e| Estimate::exact(e.value)),
    }],
    figures: |r| {
        let curves = r.variant("good").map(|v| v.curves("c")).unwrap_or_default();
        let series = Series::band("c", curves.iter().map(|c| (&c.x[..], &c.y[..])));
        let svg = lines(&Chart::new("c", Axis::new("x"), Axis::new("y")), &[series]);
        Ok(vec![Figure::new("c", "A curve.", svg)?])
    },
};

fn square(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let n = v.config["n"].as_f64().unwrap_or(0.0);
    assert!(seed < 100, "a seed too large");
    if n < 0.0 {
        return Err(ExperimentError::Training("negative".into()));
    }
    run.log(0, &[("n", n)]);
    run.curve("c", [0.0, 1.0], [n, n * n]);
    Ok(metrics([("square", n * n)]))
}

fn plan(out: &Path) -> Plan {
    Plan {
        profile: Profile::Quick,
        seeds: None,
        first_seed: 0,
        threads: Some(2),
        jobs: None,
        changes: Vec::new(),
        data: DataHome::none(),
        out: out.into(),
        records: None,
        resume: false,
        shard: None,
        only: None,
    }
}

fn go(plan: &Plan) -> Summary {
    let variants = plan.variants(&SQUARES, &[]).unwrap();
    run(&SQUARES, plan, &variants, &|_| {}).unwrap().summary
}

#[test]
fn a_failed_run_is_recorded_and_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let s = go(&plan(dir.path()));
    assert_eq!((s.status.as_str(), s.seeds.len()), ("crashed", 3));
    assert!(s.variants[0].seeds.iter().all(|x| x.metrics["square"] == 9.0));
    assert!(s.variants[1].seeds[0].error.as_ref().unwrap().contains("negative"));
    assert_eq!(s.criteria[0].verdict, Verdict::Holds);
    let text = std::fs::read_to_string(dir.path().join("squares/summary.json")).unwrap();
    assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), s);
    for file in ["config.toml", "good/seed-0/metrics.jsonl", "figures/1-c.svg"] {
        assert!(dir.path().join("squares").join(file).exists(), "{file}");
    }
}

#[test]
fn a_panic_is_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let s = go(&Plan { first_seed: 100, seeds: Some(1), ..plan(dir.path()) });
    assert!(s.variants[0].seeds[0].error.as_ref().unwrap().contains("a seed too large"));
}

#[test]
fn resume_takes_over_finished_seeds_of_the_same_configuration_only() {
    let dir = tempfile::tempdir().unwrap();
    go(&plan(dir.path()));
    let place = dir.path().join("squares/good/seed-1/outcome.json");
    let text = std::fs::read_to_string(&place).unwrap();
    std::fs::write(&place, text.replace("9.0", "8.0")).unwrap();
    let resumed = Plan { resume: true, ..plan(dir.path()) };
    assert_eq!(go(&resumed).variants[0].seeds[1].metrics["square"], 8.0);
    let changed = Plan { changes: vec![Change::set("n=4").unwrap()], ..resumed };
    assert_eq!(go(&changed).variants[0].seeds[1].metrics["square"], 16.0);
}

#[test]
fn a_half_written_outcome_is_done_again() {
    let dir = tempfile::tempdir().unwrap();
    go(&plan(dir.path()));
    std::fs::write(dir.path().join("squares/good/seed-0/outcome.json"), "{\"seed\": 0, \"met").unwrap();
    let s = go(&Plan { resume: true, ..plan(dir.path()) });
    assert_eq!(s.variants[0].seeds[0].metrics["square"], 9.0);
}

#[test]
fn shards_part_the_list_and_a_last_run_gathers_them() {
    let dir = tempfile::tempdir().unwrap();
    let all = plan(dir.path());
    let variants = all.variants(&SQUARES, &[]).unwrap();
    for shard in 0..2 {
        let part = Plan { shard: Some((shard, 2)), resume: true, ..all.clone() };
        assert_eq!(run_shard(&SQUARES, &part, &variants, 1, &|_| {}).unwrap(), 6);
    }
    assert!(!dir.path().join("squares/summary.json").exists());
    for seed in 0..3 {
        assert!(dir.path().join(format!("squares/good/seed-{seed}/outcome.json")).exists(), "{seed}");
    }
    let s = go(&Plan { resume: true, ..all });
    assert_eq!(s.variants[0].seeds.len(), 3);
}

#[test]
fn a_committed_record_is_taken_over_only_with_the_same_keys() {
    let (dir, committed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let here = Plan { only: Some("good".into()), ..plan(dir.path()) };
    let variants = here.variants(&SQUARES, &[]).unwrap();
    let made = run(&SQUARES, &here, &variants, &|_| {}).unwrap();
    let place = committed.path().join("squares/quick");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::copy(made.folder.join("summary.json"), place.join("summary.json")).unwrap();
    std::fs::write(place.join("1-c.svg"), "<svg/>").unwrap();
    let fresh = tempfile::tempdir().unwrap();
    let there = Plan { out: fresh.path().into(), ..here.clone() };
    let done = adopt(&SQUARES, &there, &variants, committed.path()).unwrap().unwrap();
    assert_eq!(done.summary, made.summary);
    assert!(fresh.path().join("squares/figures/1-c.svg").exists());
    let other = Plan { first_seed: 7, ..there };
    assert!(adopt(&SQUARES, &other, &variants, committed.path()).unwrap().is_none());
}

/// A long experiment can go on elsewhere from the runs that were committed.
#[test]
fn committed_runs_of_an_unfinished_experiment_are_taken_over() {
    let (dir, committed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let here = Plan { only: Some("good".into()), ..plan(dir.path()) };
    let variants = here.variants(&SQUARES, &[]).unwrap();
    run(&SQUARES, &here, &variants, &|_| {}).unwrap();
    let place = committed.path().join("squares/quick/runs/good/seed-1");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::copy(dir.path().join("squares/good/seed-1/outcome.json"), place.join("outcome.json")).unwrap();
    let fresh = tempfile::tempdir().unwrap();
    let there = Plan { out: fresh.path().into(), records: Some(committed.path().into()), resume: true, ..here };
    let taken = |plan: &Plan| {
        let said = std::sync::Mutex::new(Vec::new());
        run(&SQUARES, plan, &variants, &|line| said.lock().unwrap().push(line.to_owned())).unwrap();
        said.into_inner().unwrap().iter().filter(|line| line.contains("taken over")).count()
    };
    assert_eq!(taken(&there), 1);
    assert!(fresh.path().join("squares/good/seed-1/outcome.json").exists());
    assert_eq!(taken(&Plan { resume: false, ..there }), 0);
}

#[test]
fn a_variant_that_is_not_there_is_named_with_the_nearest() {
    let dir = tempfile::tempdir().unwrap();
    let wrong = Plan { only: Some("god".into()), ..plan(dir.path()) };
    assert!(wrong.variants(&SQUARES, &[]).unwrap_err().contains("did you mean `good`?"));
}
