//! `bench`: our training steps beside those of other libraries, on identical work, in one interleaved run.

mod agree;
mod args;
mod cells;
mod child;
pub(crate) mod environment;
mod limit;
mod measure;
mod page;
mod peers;
mod record;
mod stats;
pub(crate) mod store;
mod sweep;
mod tables;
mod targets;
mod verdicts;
mod workload;

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::blas::{self, Blas};
use crate::cmd::{Failure, Outcome, cargo, output, run, say};

use args::{Plan, Wish};
use limit::{Peak, Work};
use peers::Program;
use workload::Workload;

pub(crate) use page::stale;

pub(crate) fn main(args: Vec<String>) -> Outcome {
    match args::parse(args)? {
        Wish::Install(names) => peers::install(&names),
        Wish::Page => page::write(),
        Wish::Agree(plan) => agree::agree(&programs(&plan)?, &plan),
        Wish::Sweep(plan) => sweep::sweep(&build("rust")?, &plan),
        Wish::Measure(plan) => measure_all(&plan),
    }
}

/// Ours, and those of the chosen peers that are installed.
fn programs(plan: &Plan) -> Outcome<Vec<Program>> {
    let mut programs = build(&plan.blas)?;
    for peer in peers::named(&plan.peers) {
        match peer.programs() {
            Some(found) => programs.extend(found),
            None => say(format_args!("{} is missing: {}", peer.name, peer.how())),
        }
    }
    Ok(programs)
}

fn measure_all(plan: &Plan) -> Outcome {
    let workloads = workload::find(&plan.names)?;
    let programs = programs(plan)?;
    let chosen = peers::named(&plan.peers);
    let can_pin = environment::can_pin();
    let options = json!({"rounds": plan.rounds, "seconds": plan.seconds, "threads": plan.threads, "peers": plan.peers});
    let mut record = record::new(environment::environment(&chosen, can_pin), options);
    let path = plan.json.clone().unwrap_or_else(|| crate::cmd::target().join("bench.json"));
    let peaks: Vec<Option<Peak>> = plan.threads.iter().map(|threads| probe(&programs[0], *threads)).collect();
    for (threads, peak) in plan.threads.iter().zip(&peaks) {
        if let Some(peak) = peak {
            record::add_peak(&mut record, *threads, peak);
        }
    }
    let mut failures = Vec::new();
    for workload in &workloads {
        for (threads, peak) in plan.threads.iter().zip(&peaks) {
            match measure::measure(&programs, workload, *threads, can_pin && *threads == 1, plan) {
                Ok(measured) => {
                    let parameters = measured.timed[0].ready.parameters;
                    let work = Work::count(&workload.sizes, parameters);
                    record::add(&mut record, (workload, *threads), &measured, &work, peak.as_ref());
                    tell(&record, workload, *threads);
                }
                Err(why) => {
                    eprintln!("  {}: {why}", workload.name);
                    failures.push(measure::label(workload, *threads));
                }
            }
        }
        store::write(&path, &record)?;
    }
    say(format_args!("the record: {}", path.display()));
    if failures.is_empty() { Ok(()) } else { Err(Failure::new(format!("not measured: {}", failures.join(", ")))) }
}

/// Our programs: the default build first, then with OpenBLAS where it is wanted and found.
fn build(wish: &str) -> Outcome<Vec<Program>> {
    let line = ["build", "--release", "--package", "layerwise-benches", "--bins"];
    let program = |implementation: &str, folder: PathBuf, variant: &str| Program {
        implementation: implementation.to_owned(),
        words: vec![folder.join("release").join(format!("peer{}", std::env::consts::EXE_SUFFIX))],
        variant: variant.to_owned(),
    };
    run(&mut cargo(line))?;
    let mut programs = vec![program(record::OURS, crate::cmd::target(), "default")];
    if blas::resolve(wish)? == Blas::OpenBlas {
        let folder = crate::cmd::target().join("openblas");
        run(cargo(line).args(["--features", "openblas", "--target-dir"]).arg(&folder))?;
        programs.push(program(record::OURS_OPENBLAS, folder, "openblas"));
    }
    Ok(programs)
}

/// What the machine can do, measured by our own program; without an answer there is no fraction of a limit.
fn probe(ours: &Program, threads: usize) -> Option<Peak> {
    let answer = output(Command::new(&ours.words[0]).arg("--probe").arg(threads.to_string()));
    let peak = answer.ok_or_else(|| "`peer --probe` fails".to_owned()).and_then(|line| Peak::parse(&line));
    peak.inspect_err(|why| eprintln!("no limit with --threads {threads}: {why}")).ok()
}

/// A line on the terminal for what was just measured.
fn tell(record: &Value, workload: &Workload, threads: usize) {
    let find = |key: &str| record[key].as_array().and_then(|list| list.last()).cloned().unwrap_or_default();
    let ratio = find("ratios");
    let ours = record["rows"].as_array().into_iter().flatten().rev().find(|row| {
        row["implementation"] == record::OURS && row["workload"] == workload.name && row["threads"] == threads
    });
    let us = ours.map_or(f64::NAN, |row| row["us_per_step"].as_f64().unwrap_or(f64::NAN));
    let compared = match (ratio["fastest_peer"].as_str(), ratio["ratio"].as_f64()) {
        (Some(peer), Some(x)) => {
            let bound = |i: usize| ratio["ci95"][i].as_f64().unwrap_or(f64::NAN);
            format!("; {peer} takes {x:.2} times that ({:.2} to {:.2})", bound(0), bound(1))
        }
        _ => String::new(),
    };
    let limit =
        ratio["fraction_of_limit"].as_f64().map_or_else(String::new, |x| format!("; {:.0} % of the limit", 100.0 * x));
    say(format_args!("{}: {us:.1} us{compared}{limit}", measure::label(workload, threads)));
}
