//! The record of a run: what was measured, where, and what takes no part; the page is made from it alone.

use serde_json::{Value, json};

use super::limit::{Peak, Work};
use super::measure::{Measured, Timed};
use super::peers::TORCH;
use super::stats::{median, paired_ratio};
use super::workload::Workload;

/// The name of our default build's rows.
pub(crate) const OURS: &str = "layerwise";

/// The name of our rows with OpenBLAS.
pub(crate) const OURS_OPENBLAS: &str = "layerwise-openblas";

/// An empty record.
pub(crate) fn new(environment: Value, options: Value) -> Value {
    json!({"environment": environment, "options": options, "peaks": [], "rows": [], "ratios": [], "refused": []})
}

/// Adds what came of one workload at one number of threads.
pub(crate) fn add(
    record: &mut Value,
    place: (&Workload, usize),
    measured: &Measured,
    work: &Work,
    peak: Option<&Peak>,
) {
    let (workload, threads) = place;
    for timed in &measured.timed {
        let peer = timed.implementation.split('-').next().unwrap_or_default();
        if !timed.implementation.starts_with(OURS) {
            record["environment"]["peers"][peer] = json!(timed.ready.version);
        }
        push(record, "rows", row(&workload.name, threads, timed));
    }
    push(record, "ratios", ratio(workload, threads, measured, work, peak));
    for (implementation, why) in &measured.refused {
        let entry =
            json!({"workload": workload.name, "threads": threads, "implementation": implementation, "why": why});
        push(record, "refused", entry);
    }
}

/// Adds what the machine can do with so many threads.
pub(crate) fn add_peak(record: &mut Value, threads: usize, peak: &Peak) {
    push(record, "peaks", peak.json(threads));
}

fn push(record: &mut Value, key: &str, entry: Value) {
    if let Some(list) = record[key].as_array_mut() {
        list.push(entry);
    }
}

fn row(workload: &str, threads: usize, timed: &Timed) -> Value {
    json!({
        "workload": workload,
        "threads": threads,
        "implementation": timed.implementation,
        "backend": timed.ready.backend,
        "us_per_step": median(&timed.rounds),
        "us_min": timed.rounds.iter().copied().fold(f64::INFINITY, f64::min),
        "us_max": timed.rounds.iter().copied().fold(0.0, f64::max),
        "runs": timed.rounds.len(),
        "peak_rss_mb": timed.peak_rss_mb,
        "first_step_us": timed.ready.first_step_us,
        "steps_per_run": timed.steps_per_round,
        "us_of_runs": timed.rounds,
    })
}

fn ratio(workload: &Workload, threads: usize, measured: &Measured, work: &Work, peak: Option<&Peak>) -> Value {
    let ours = &measured.timed[0];
    let us = median(&ours.rounds);
    let fastest = |among: &dyn Fn(&Timed) -> bool| {
        let peers = measured.timed.iter().filter(|t| !t.implementation.starts_with(OURS) && among(t));
        peers.min_by(|a, b| median(&a.rounds).total_cmp(&median(&b.rounds)))
    };
    let against = |peer: Option<&Timed>| peer.map(|peer| paired_ratio(&peer.rounds, &ours.rounds));
    let (peer, torch) = (fastest(&|_| true), fastest(&|t| TORCH.contains(&t.implementation.as_str())));
    let (best, torch) = (against(peer), against(torch));
    let limit = peak.map(|peak| work.limit(peak));
    json!({
        "workload": workload.name,
        "about": workload.about,
        "threads": threads,
        "fastest_peer": peer.map(|p| &p.implementation),
        "ratio": best.map(|e| e.median),
        "ci95": best.map(|e| [e.lo, e.hi]),
        "against_torch": torch.map(|e| e.median),
        "against_torch_ci95": torch.map(|e| [e.lo, e.hi]),
        "fraction_of_limit": limit.map(|l| l.us() / us),
        "limit": limit.map(|l| json!({"products_us": l.products_us, "update_us": l.update_us, "flops": work.flops, "bytes": work.bytes})),
        "parameters": ours.ready.parameters,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::bench::child::Ready;
    use crate::bench::store::parse;

    fn timed(implementation: &str, rounds: &[f64]) -> Timed {
        let ready = Ready { version: "1.2".to_owned(), backend: "b".to_owned(), parameters: 1000, first_step_us: 30.0 };
        let (rounds, implementation) = (rounds.to_vec(), implementation.to_owned());
        Timed { implementation, ready, rounds, steps_per_round: 10, peak_rss_mb: Some(8.0) }
    }

    fn workload(name: &str, text: &str) -> Workload {
        let sizes = crate::bench::workload::Sizes::parse(text).unwrap();
        Workload { name: name.to_owned(), path: "w.toml".into(), about: "small".to_owned(), sizes }
    }

    /// A record of `w1` with two threads.
    pub(crate) fn sample() -> Value {
        let measured = Measured {
            timed: vec![
                timed(OURS, &[10.0, 20.0, 12.0, 11.0, 13.0]),
                timed(OURS_OPENBLAS, &[1.0; 5]),
                timed("jax-scan", &[30.0, 60.0, 36.0, 33.0, 39.0]),
                timed("torch-eager", &[90.0; 5]),
                timed("torch-fused", &[48.0; 5]),
                timed("torch-compile", &[40.0; 5]),
            ],
            refused: vec![("sklearn".to_owned(), "no dropout".to_owned())],
        };
        let peak = Peak { gflops: 100.0, bandwidth: vec![(1e6, 50.0)] };
        let workload = workload("w1", "widths = [30, 8, 30]\nbatch = 32\nloss = \"mse\"\n[optimizer]\nrule = \"adam\"");
        let work = Work::count(&workload.sizes, 1000);
        let environment = json!({"commit": "0123456789abcdef", "dirty": false, "cpu": "a chip", "cores": 2, "rustc": "rustc 1",
            "os": "Linux", "memory": "23 GB", "date": "2026-01-02", "pinned": true,
            "peers": {"burn": "missing: `cargo xtask bench --install burn` installs it"}});
        let mut record = new(environment, json!({"rounds": 5, "seconds": 0.3}));
        add_peak(&mut record, 2, &peak);
        add(&mut record, (&workload, 2), &measured, &work, Some(&peak));
        record
    }

    #[test]
    fn the_fastest_peer_is_compared_round_by_round() {
        let record = parse(&sample().to_string()).unwrap();
        let ratio = &record["ratios"][0];
        assert_eq!((&ratio["fastest_peer"], &ratio["ratio"]), (&json!("jax-scan"), &json!(3.0)));
        assert_eq!(ratio["ci95"], json!([3.0, 3.0]));
        // Of eager and fused, the faster; compiled is not how people run it. Rounds: 4.8 2.4 4 4.36 3.69.
        assert_eq!(ratio["against_torch"], json!(4.0));
        let products = 32.0 * (6.0 * 480.0 - 2.0 * 240.0) / 1e5;
        assert_eq!(ratio["fraction_of_limit"].as_f64().unwrap(), products / 12.0);
        assert_eq!(record["environment"]["peers"]["jax"], json!("1.2"));
        let row = &record["rows"][0];
        assert_eq!((&row["us_per_step"], &row["us_min"], &row["us_max"]), (&json!(12.0), &json!(10.0), &json!(20.0)));
    }

    #[test]
    fn a_run_without_peers_or_probe_has_no_ratio() {
        let measured = Measured { timed: vec![timed(OURS, &[1.0; 5])], refused: Vec::new() };
        let mut record = new(json!({}), json!({}));
        let workload = workload("w7a", "widths = [3, 2]\nbatch = 1\nloss = \"none\"");
        add(&mut record, (&workload, 1), &measured, &Work::count(&workload.sizes, 8), None);
        let ratio = &parse(&record.to_string()).unwrap()["ratios"][0];
        for key in ["fastest_peer", "ratio", "ci95", "against_torch", "fraction_of_limit"] {
            assert!(ratio[key].is_null(), "{key}");
        }
    }
}
