//! Ratios to the peers beside their targets.

use std::fmt::Write as _;

use serde_json::Value;

use super::cells::{fastest_peer, line, number, percent, short, text, us, verdict};
use super::record::OURS;
use super::targets::{Targets, at};

/// Ratios beside their targets.
pub(crate) fn against_targets(page: &mut String, ratios: &[&Value], rows: &[&Value], targets: &Targets) {
    page.push_str(
        "\n## Against the peers\n\nTime of the peer over ours; above 1 ours is faster.\n\n\
         | workload | threads | fastest peer | ratio | 95 % interval | target | | PyTorch | target | | of the limit |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for ratio in ratios {
        let (workload, threads) = (text(&ratio["workload"]), ratio["threads"].as_u64().unwrap_or(0));
        let target = targets.of(&workload);
        let fastest = target.and_then(|t| at(t.fastest, threads));
        let torch = target.and_then(|t| t.torch).and_then(|pair| at(pair, threads));
        let interval = format!("{} to {}", number(&ratio["ci95"][0]), number(&ratio["ci95"][1]));
        let cells = [
            workload.clone(),
            threads.to_string(),
            text(&ratio["fastest_peer"]),
            number(&ratio["ratio"]),
            if ratio["ci95"].is_array() { interval } else { "-".to_owned() },
            fastest.map_or_else(|| "-".to_owned(), short),
            verdict(ratio["ratio"].as_f64(), fastest).to_owned(),
            number(&ratio["against_torch"]),
            torch.map_or_else(|| "-".to_owned(), short),
            verdict(ratio["against_torch"].as_f64(), torch).to_owned(),
            percent(ratio["fraction_of_limit"].as_f64()),
        ];
        line(page, &cells);
    }
    for target in targets.workloads.iter().filter(|t| t.against_one_thread) {
        let peer = fastest_peer(rows, &target.workload, 1);
        let two = us(rows, &target.workload, 2, OURS);
        if let (Some((name, peer)), Some(two)) = (peer, two) {
            let _ = write!(
                page,
                "\nOn {}, {name} with one thread takes {} times the time of ours with two (medians; target {}: {}).\n",
                target.workload,
                short(peer / two),
                short(target.fastest[1]),
                verdict(Some(peer / two), Some(target.fastest[1])),
            );
        }
    }
    unseen(page, ratios, targets);
}

/// The geometric mean over the workloads nobody tunes for, where all of them are in the records.
fn unseen(page: &mut String, ratios: &[&Value], targets: &Targets) {
    let Some((names, target)) = &targets.unseen else { return };
    for threads in [1, 2] {
        let of = |name: &String| {
            let found = ratios.iter().find(|r| r["workload"] == **name && r["threads"] == threads)?;
            found["ratio"].as_f64()
        };
        let found: Vec<f64> = names.iter().filter_map(of).collect();
        if found.len() == names.len() {
            let mean = (found.iter().map(|x| x.ln()).sum::<f64>() / found.len() as f64).exp();
            let _ = write!(
                page,
                "\nGeometric mean over {} with {threads} thread(s): {} (target {}: {}).\n",
                names.join(", "),
                short(mean),
                short(*target),
                verdict(Some(mean), Some(*target)),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_mean_over_unseen_shapes_needs_all_of_them() {
        let targets = Targets { unseen: Some((vec!["u1".into(), "u2".into()], 1.3)), ..Targets::default() };
        let (a, b) = (
            json!({"workload": "u1", "threads": 1, "ratio": 1.0}),
            json!({"workload": "u2", "threads": 1, "ratio": 4.0}),
        );
        let mut page = String::new();
        unseen(&mut page, &[&a], &targets);
        assert_eq!(page, "");
        unseen(&mut page, &[&a, &b], &targets);
        assert_eq!(page, "\nGeometric mean over u1, u2 with 1 thread(s): 2 (target 1.3: reached).\n");
    }
}
