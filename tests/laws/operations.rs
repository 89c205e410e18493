//! The table of operations against what the crate of the tape proves: each has a name, a formula and a property test.

use layerwise::autograd::ops;

#[test]
fn every_operation_is_named_once_and_described() {
    let table = ops::table();
    for (i, entry) in table.iter().enumerate() {
        assert!(!entry.formula.is_empty(), "`{}` has no formula", entry.name);
        assert!(table[..i].iter().all(|e| e.name != entry.name), "`{}` stands twice in the table", entry.name);
    }
}
