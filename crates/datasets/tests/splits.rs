//! Splits: every row in its place, classes in their shares, groups in one piece.

use std::collections::BTreeSet;

use layerwise_datasets::split::{
    SplitIndices, group_k_fold, group_split, k_fold, repeated, shuffle_split, stratified_k_fold, stratified_split,
};
use layerwise_tensor::Stream;
use proptest::prelude::*;

fn sorted(rows: &[usize]) -> Vec<usize> {
    let mut rows = rows.to_vec();
    rows.sort_unstable();
    rows
}

/// Each split is a partition of `n` rows, and every row tests exactly once over all of them.
fn are_folds_of(n: usize, folds: &[SplitIndices]) -> bool {
    let whole: Vec<usize> = (0..n).collect();
    let parts = folds.iter().all(|f| sorted(&[f.train.clone(), f.test.clone()].concat()) == whole);
    parts && sorted(&folds.iter().flat_map(|f| f.test.iter().copied()).collect::<Vec<_>>()) == whole
}

fn of_class(rows: &[usize], labels: &[u32], class: u32) -> usize {
    rows.iter().filter(|i| labels[**i] == class).count()
}

/// Whether `count` lies within one row of `exact`.
fn within_one(count: usize, exact: f64) -> bool {
    (count as f64 - exact).abs() < 1.0
}

proptest! {
    #[test]
    fn k_folds_are_even(n in 2usize..200, folds in 2usize..12, seed in any::<u64>()) {
        prop_assume!(folds <= n);
        let parts = k_fold(n, folds, &Stream::new(seed)).unwrap();
        prop_assert!(are_folds_of(n, &parts) && parts.len() == folds);
        prop_assert!(parts.iter().all(|f| within_one(f.test.len(), n as f64 / folds as f64)));
        prop_assert_eq!(&parts, &k_fold(n, folds, &Stream::new(seed)).unwrap());
    }

    #[test]
    fn stratified_folds_keep_every_share(
        counts in prop::collection::vec(5usize..40, 1..6), folds in 2usize..6, seed in any::<u64>(),
    ) {
        // Classes that need not be 0, 1, 2, .., in an order that is none.
        let labels: Vec<u32> = counts.iter().enumerate().flat_map(|(c, n)| vec![3 * c as u32; *n]).collect();
        let order = Stream::new(seed).child("order").permutation(labels.len());
        let labels: Vec<u32> = (0..labels.len()).map(|i| labels[order.get(i)]).collect();
        let parts = stratified_k_fold(&labels, folds, &Stream::new(seed)).unwrap();
        prop_assert!(are_folds_of(labels.len(), &parts));
        for fold in &parts {
            prop_assert!(within_one(fold.test.len(), labels.len() as f64 / folds as f64));
            for (class, n) in counts.iter().enumerate() {
                prop_assert!(within_one(of_class(&fold.test, &labels, 3 * class as u32), *n as f64 / folds as f64));
            }
        }
    }

    #[test]
    fn a_stratified_split_keeps_every_share(
        labels in prop::collection::vec(0u32..4, 1..150), test in 0.0f64..=1.0, seed in any::<u64>(),
    ) {
        let split = stratified_split(&labels, test, &Stream::new(seed));
        prop_assert_eq!(sorted(&[split.train, split.test.clone()].concat()), (0..labels.len()).collect::<Vec<_>>());
        for class in 0..4 {
            let members = labels.iter().filter(|l| **l == class).count() as f64;
            prop_assert!(within_one(of_class(&split.test, &labels, class), members * test));
        }
    }

    #[test]
    fn groups_stay_whole(
        groups in prop::collection::vec(0u8..20, 2..150), folds in 2usize..8, test in 0.0f64..=1.0, seed in any::<u64>(),
    ) {
        let all: BTreeSet<u8> = groups.iter().copied().collect();
        let largest = all.iter().map(|g| groups.iter().filter(|h| *h == g).count()).max().unwrap();
        let set = |rows: &[usize]| -> BTreeSet<u8> { rows.iter().map(|i| groups[*i]).collect() };
        let stream = Stream::new(seed);
        match group_k_fold(&groups, folds, &stream) {
            Ok(parts) => {
                prop_assert!(are_folds_of(groups.len(), &parts));
                prop_assert!(parts.iter().all(|f| set(&f.train).is_disjoint(&set(&f.test)) && !f.test.is_empty()));
                let sizes = parts.iter().map(|f| f.test.len());
                prop_assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= largest);
            }
            Err(_) => prop_assert!(all.len() < folds),
        }
        match group_split(&groups, test, &stream) {
            Ok(split) => {
                prop_assert!(set(&split.train).is_disjoint(&set(&split.test)));
                prop_assert!(!split.train.is_empty() && !split.test.is_empty());
                let exact = groups.len() as f64 * test;
                // One group, and half a row for rounding the share.
                prop_assert!((split.test.len() as f64 - exact).abs() <= largest as f64 + 0.5);
                prop_assert_eq!(sorted(&[split.train, split.test].concat()), (0..groups.len()).collect::<Vec<_>>());
            }
            Err(_) => prop_assert!(all.len() < 2),
        }
    }
}

#[test]
fn repeats_differ_and_more_of_them_leave_the_first_alone() {
    let draw = |repeats| repeated(repeats, &Stream::new(3), |stream| shuffle_split(50, 0.2, stream));
    let (few, many) = (draw(3), draw(5));
    assert_eq!(few, many[..3]);
    assert_eq!(many.iter().map(|s| sorted(&s.test)).collect::<BTreeSet<_>>().len(), 5);
}

#[test]
fn seeds_decide_which_group_tests() {
    let groups: Vec<usize> = (0..60).map(|i| i / 6).collect();
    let tested = |seed| sorted(&group_split(&groups, 0.3, &Stream::new(seed)).unwrap().test);
    assert_eq!(tested(1), tested(1));
    assert!((2..9).any(|seed| tested(seed) != tested(1)));
    assert_eq!(tested(1).len(), 18, "groups of 6 rows meet 18 of 60 exactly");
}

#[test]
fn too_few_of_anything_is_an_error_that_says_what_to_do() {
    let stream = Stream::new(0);
    let message = |r: Result<Vec<SplitIndices>, layerwise_datasets::DataError>| r.unwrap_err().to_string();
    assert!(message(k_fold(10, 1, &stream)).contains("at least two"));
    assert!(message(k_fold(3, 4, &stream)).contains("3 rows cannot be shared out to 4 folds; choose fewer folds"));
    assert!(message(stratified_k_fold(&[0, 0, 0, 7, 7], 3, &stream)).contains("2 rows of class 7"));
    assert!(message(stratified_k_fold(&[], 2, &stream)).contains("0 rows"));
    assert!(message(group_k_fold(&["a", "b", "a"], 3, &stream)).contains("2 groups"));
    let one = group_split(&[1, 1, 1], 0.5, &stream).unwrap_err().to_string();
    assert!(one.contains("1 groups") && one.contains("more groups"), "{one}");
}
