//! `run`.

use super::Failure;
use super::args::RunOptions;
use super::say::say;
use crate::criterion::Verdict;
use crate::data::DataHome;
use crate::environment::cores;
use crate::experiment::{Experiment, Variant};
use crate::plan::Plan;
use crate::record::Summary;
use crate::report;
use crate::runner;
use crate::table;
use layerwise_tensor::kernel;

/// Runs what is asked and writes the report; whether nothing crashed.
pub(super) fn run(o: RunOptions) -> Result<bool, Failure> {
    if o.portable {
        kernel::limit_to_avx2();
        if kernel::backend() != "packed" {
            let message = format!(
                "--portable needs products of our own, and these are by {}: use `cargo xtask run --portable` on a processor with AVX2",
                kernel::backend()
            );
            return Err(Failure::Usage(message));
        }
    }
    let chosen = choose(&o)?;
    let plan = Plan {
        profile: o.profile,
        seeds: o.seeds,
        first_seed: o.first_seed,
        threads: o.threads,
        jobs: o.jobs,
        changes: o.changes,
        data: DataHome::find(o.data),
        out: o.out,
        records: o.records,
        resume: !o.fresh,
        shard: o.shard,
        only: o.only,
    };
    let variants = variants(&chosen, &plan)?;
    say(announcement(&chosen, &plan));
    if plan.shard.is_some() {
        return shard(&chosen, &plan, &variants);
    }
    let mut well = true;
    for (number, (e, variants)) in chosen.iter().zip(&variants).enumerate() {
        say(format!("[{}/{}] {}: {}", number + 1, chosen.len(), e.name, e.question));
        if let Some(records) = &plan.records {
            match runner::adopt(e, &plan, variants, records) {
                Ok(Some(done)) => {
                    let commit = &done.summary.environment.commit;
                    say(format!("  taken over from {}: made at commit {commit}", records.display()));
                    tell(&done.summary);
                    continue;
                }
                Ok(None) => {}
                Err(error) => eprintln!("warning: {}: {error}; it is run instead", e.name),
            }
        }
        match runner::run(e, &plan, variants, &|line| say(line)) {
            Ok(done) => {
                tell(&done.summary);
                well &= done.summary.status == "complete";
            }
            Err(error) => {
                eprintln!("error: {}: {error}", e.name);
                well = false;
            }
        }
    }
    let index = report::write(&plan.out, plan.records.as_deref()).map_err(|e| Failure::Broken(e.to_string()))?;
    let index = index.canonicalize().unwrap_or(index);
    say(format!("report: {}", index.display()));
    Ok(well)
}

/// The runs of one shard; whether their outcomes could be written.
fn shard(chosen: &[&'static Experiment], plan: &Plan, variants: &[Vec<Variant>]) -> Result<bool, Failure> {
    let (mut before, mut well) = (0, true);
    for (e, variants) in chosen.iter().zip(variants) {
        say(e.name);
        match runner::run_shard(e, plan, variants, before, &|line| say(line)) {
            Ok(runs) => before += runs,
            Err(error) => {
                eprintln!("error: {}: {error}", e.name);
                before += variants.iter().map(|v| plan.seeds_of(e, v).len()).sum::<usize>();
                well = false;
            }
        }
    }
    let (i, n) = plan.shard.unwrap_or((0, 1));
    say(format!(
        "shard {i}/{n} of {before} runs is done; when all are, the same command without --shard writes the records"
    ));
    Ok(well)
}

fn choose(o: &RunOptions) -> Result<Vec<&'static Experiment>, Failure> {
    if o.names.is_empty() {
        return Ok(table::table().iter().copied().filter(|e| o.all || e.tour).collect());
    }
    let mut chosen: Vec<&Experiment> = Vec::new();
    for name in &o.names {
        let e = table::find(name).map_err(Failure::Usage)?;
        if chosen.iter().all(|c| c.name != e.name) {
            chosen.push(e);
        }
    }
    Ok(chosen)
}

/// The variants of every chosen experiment; a setting that none of them has is an error.
fn variants(chosen: &[&Experiment], plan: &Plan) -> Result<Vec<Vec<Variant>>, Failure> {
    let names: Vec<&str> = table::table().iter().map(|e| e.name).collect();
    let plain = Plan { changes: Vec::new(), ..plan.clone() };
    let before: Vec<Vec<Variant>> =
        chosen.iter().map(|e| plain.variants(e, &names)).collect::<Result<_, _>>().map_err(Failure::Usage)?;
    for change in &plan.changes {
        let known =
            chosen.iter().zip(&before).any(|(e, v)| change.within(e.name, &names).is_some_and(|c| c.concerns(v)));
        if !known {
            let all: Vec<Variant> = before.iter().flatten().cloned().collect();
            return Err(Failure::Usage(change.no_such_path(&all)));
        }
    }
    chosen.iter().map(|e| plan.variants(e, &names)).collect::<Result<_, _>>().map_err(Failure::Usage)
}

/// The first line: what will happen, how long it takes, where it ends up.
fn announcement(chosen: &[&Experiment], plan: &Plan) -> String {
    let two_cores: f64 = chosen
        .iter()
        .map(|e| {
            let usual = plan.profile.pick(e.seeds) as f64;
            plan.profile.pick(e.seconds) * plan.seeds.map_or(1.0, |n| n as f64 / usual)
        })
        .sum();
    let time = if two_cores < 90.0 {
        format!("{two_cores:.0} seconds")
    } else {
        format!("{:.0} minutes", (two_cores / 60.0).ceil())
    };
    let data = match plan.data.root() {
        Some(root) => format!("data from {}", root.display()),
        None => "no data folder, so generated data".into(),
    };
    format!(
        "{} experiment{}, profile {}, about {time} on two cores ({} here); {data}; products by {}; records in {}; Ctrl-C leaves \
         nothing broken: the same command goes on",
        chosen.len(),
        if chosen.len() == 1 { "" } else { "s" },
        plan.profile,
        cores(),
        kernel::backend(),
        plan.out.display()
    )
}

fn tell(summary: &Summary) {
    for c in &summary.criteria {
        let verdict = match c.verdict {
            Verdict::Holds => "holds    ",
            Verdict::Fails => "FAILS    ",
            Verdict::Undecided => "undecided",
        };
        say(format!("  {verdict} {} ({})", c.statement, c.reason));
    }
}
