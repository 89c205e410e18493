//! Laws over the table of experiments.

use std::collections::BTreeSet;

use layerwise_experiments as experiments;

use crate::support::report;

#[test]
fn every_experiment_asks_one_question_and_fixes_its_criteria() {
    let table = experiments::table();
    let names: BTreeSet<&str> = table.iter().map(|e| e.name).collect();
    assert_eq!(names.len(), table.len(), "a name stands twice");
    for e in table {
        assert!(e.question.ends_with('?'), "{}: `{}` is no question", e.name, e.question);
        assert!(!e.claim.is_empty() && !e.protocol.is_empty() && !e.anchor.source.is_empty(), "{}", e.name);
        assert!(e.seconds.iter().all(|s| *s > 0.0) && e.seeds.iter().all(|s| *s > 0), "{}: budgets", e.name);
        assert!(!e.criteria.is_empty(), "{} has no criterion", e.name);
        for c in e.criteria {
            assert!(c.threshold.is_finite() && !c.statement.is_empty() && !c.source.is_empty(), "{}: {}", e.name, c.id);
            assert_eq!(c.hash().len(), 64, "{}: {}", e.name, c.id);
        }
    }
    report("one question, fixed criteria, budgets", table.len(), &[]);
}

#[test]
fn the_tour_fits_into_ten_minutes() {
    let seconds: f64 = experiments::table().iter().filter(|e| e.tour).map(|e| e.seconds[1]).sum();
    assert!(seconds <= 600.0, "the tour takes {seconds} s by its own figures");
}
