//! Splits that never tear a group: rows of one patient, one machine, one day.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use layerwise_tensor::Stream;

use super::folds::check;
use super::parts::{SplitIndices, permuted, share};
use crate::error::DataError;

/// `folds` splits in which every row tests exactly once and no group stands in two folds; `groups[i]` is the group of row `i`.
///
/// The largest group goes first, each to the fold with the fewest rows so far (as scikit-learn's `GroupKFold`), so no fold is more than
/// one group larger than another; groups of one size go in an order drawn from `stream`.
///
/// ```
/// use layerwise_datasets::split::group_k_fold;
/// use layerwise_tensor::Stream;
/// let patients = ["ann", "bob", "ann", "cid", "bob", "ann"];
/// for fold in group_k_fold(&patients, 3, &Stream::new(0))? {
///     let tested = patients[fold.test[0]];
///     assert!(fold.train.iter().all(|i| patients[*i] != tested));
/// }
/// # Ok::<(), layerwise_datasets::DataError>(())
/// ```
///
/// # Errors
/// With fewer than two folds, or fewer groups than folds.
pub fn group_k_fold<G: Ord>(groups: &[G], folds: usize, stream: &Stream) -> Result<Vec<SplitIndices>, DataError> {
    let mut members = drawn(groups, stream);
    check(folds, members.len(), "groups")?;
    // A stable sort: what is drawn decides among equals.
    members.sort_by_key(|rows| Reverse(rows.len()));
    let mut tests: Vec<Vec<usize>> = vec![Vec::new(); folds];
    for rows in members {
        if let Some(lightest) = tests.iter_mut().min_by_key(|t| t.len()) {
            lightest.extend(rows);
        }
    }
    let of = |(fold, test): (usize, &Vec<usize>)| {
        let others = tests.iter().enumerate().filter(|(other, _)| *other != fold);
        let train: Vec<usize> = others.flat_map(|(_, rows)| rows.iter().copied()).collect();
        let place = |name: &str| stream.child(name).at(fold as u64);
        SplitIndices { train: permuted(&train, &place("train")), test: permuted(test, &place("test")) }
    };
    Ok(tests.iter().enumerate().map(of).collect())
}

/// Whole groups, drawn from `stream`, test; the others train. The rows that test are `n * test`, give or take the rows of one group, and
/// both parts have at least one group.
///
/// # Errors
/// With fewer than two groups.
///
/// # Panics
/// When `test` is not in `0..=1`.
#[track_caller]
pub fn group_split<G: Ord>(groups: &[G], test: f64, stream: &Stream) -> Result<SplitIndices, DataError> {
    let wanted = share(groups.len(), test);
    let members = drawn(groups, stream);
    if members.len() < 2 {
        let problem = format!("{} groups cannot be shared out to two parts", members.len());
        return Err(DataError::table("groups", problem, "bring rows of more groups, or split rows instead of groups"));
    }
    let last = members.len() - 1;
    let (mut train, mut tested, mut full) = (Vec::new(), Vec::new(), false);
    for (i, rows) in members.into_iter().enumerate() {
        // The first group that would overshoot by more than is missing ends the test part.
        full |= i == last || (i > 0 && (tested.len() + rows.len()).abs_diff(wanted) > wanted.abs_diff(tested.len()));
        if full { &mut train } else { &mut tested }.extend(rows);
    }
    let test = permuted(&tested, &stream.child("test"));
    Ok(SplitIndices { train: permuted(&train, &stream.child("train")), test })
}

/// The rows of each group, groups in an order drawn from `stream`.
fn drawn<G: Ord>(groups: &[G], stream: &Stream) -> Vec<Vec<usize>> {
    let mut members: BTreeMap<&G, Vec<usize>> = BTreeMap::new();
    for (row, group) in groups.iter().enumerate() {
        members.entry(group).or_default().push(row);
    }
    let mut members: Vec<Option<Vec<usize>>> = members.into_values().map(Some).collect();
    let order = permuted(&(0..members.len()).collect::<Vec<_>>(), &stream.child("groups"));
    order.into_iter().filter_map(|i| members[i].take()).collect()
}
