//! Laws over the table of constraints.

use layerwise::optim::constraint;
use layerwise::tensor::{Scalar, Stream};

use crate::ledger::{BOTH, law};
use crate::support::{bits, close, in_pool, report};

/// The projection of weights that are the same in `f32` and `f64`, large enough for several tiles.
fn projected<T: Scalar>(constraint: &constraint::SharedConstraint) -> Vec<T> {
    let mut drawn = vec![0.0f64; 301 * 167];
    Stream::new(3).normal(0, &mut drawn);
    let mut w: Vec<T> = drawn.iter().map(|d| T::of(*d)).collect();
    constraint::project(&**constraint, &mut w, &mut [0.0; 167]);
    w
}

#[test]
fn every_constraint_projects_alike_in_both_types_on_any_number_of_threads() {
    let mut cases = 0;
    for entry in constraint::table() {
        assert!(!entry.samples().is_empty(), "constraint `{}` has no sample", entry.name);
        for sample in entry.samples() {
            let (single, double) = in_pool(1, || (projected::<f32>(&sample), projected::<f64>(&sample)));
            let error = close(&single, &double, 1e-6, entry.name);
            law("types", "constraint").ran_to(entry.name, BOTH, 1, error);
            for threads in [2, 3, 8] {
                let (a, b) = in_pool(threads, || (projected::<f32>(&sample), projected::<f64>(&sample)));
                assert_eq!(bits(&a), bits(&single), "{} at {threads} threads", entry.name);
                assert_eq!(bits(&b), bits(&double), "{} at {threads} threads", entry.name);
            }
            law("threads", "constraint").ran(entry.name, BOTH, 4);
            cases += 1;
        }
    }
    report("constraints: f32 and f64 agree, the same bits at 1, 2, 3 and 8 threads", cases, &[]);
}
