//! Cross-validation: every row is judged once, by a model that has not seen it.

use layerwise_tensor::Stream;

use super::parts::{SplitIndices, permuted};
use crate::error::DataError;

/// `folds` splits of `n` rows in which every row tests exactly once; folds differ in size by one row at most.
///
/// The rows are permuted by `stream` first; those of a part stand in the order drawn, which is an order to learn in.
///
/// ```
/// use layerwise_datasets::split::k_fold;
/// use layerwise_tensor::Stream;
/// let folds = k_fold(10, 3, &Stream::new(0).child("folds"))?;
/// assert_eq!(folds.iter().map(|f| f.test.len()).collect::<Vec<_>>(), [4, 3, 3]);
/// # Ok::<(), layerwise_datasets::DataError>(())
/// ```
///
/// # Errors
/// With fewer than two folds, or fewer rows than folds.
pub fn k_fold(n: usize, folds: usize, stream: &Stream) -> Result<Vec<SplitIndices>, DataError> {
    check(folds, n, "rows")?;
    let order = permuted(&(0..n).collect::<Vec<_>>(), stream);
    Ok(dealt(&order, folds))
}

/// As [`k_fold`], with every class shared out evenly: of `c` rows of a class each fold tests `c / folds`, give or take less than one, and
/// the folds themselves differ by one row at most.
///
/// The rows are dealt like cards, class after class without starting anew, so that rounding does not heap up in the first fold.
///
/// # Errors
/// With fewer than two folds, no row, or a class with fewer rows than folds: some fold would test without it.
pub fn stratified_k_fold(labels: &[u32], folds: usize, stream: &Stream) -> Result<Vec<SplitIndices>, DataError> {
    check(folds, labels.len(), "rows")?;
    let mut classes = labels.to_vec();
    classes.sort_unstable();
    classes.dedup();
    let mut order = Vec::with_capacity(labels.len());
    for class in classes {
        let members: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] == class).collect();
        check(folds, members.len(), &format!("rows of class {class}"))?;
        order.extend(permuted(&members, &stream.at(u64::from(class))));
    }
    let mut parts = dealt(&order, folds);
    for (fold, part) in parts.iter_mut().enumerate() {
        // Class after class is no order to learn in.
        part.train = permuted(&part.train, &stream.child("train").at(fold as u64));
        part.test = permuted(&part.test, &stream.child("test").at(fold as u64));
    }
    Ok(parts)
}

/// Place `i` of `order` tests in fold `i mod folds` and trains in the others.
fn dealt(order: &[usize], folds: usize) -> Vec<SplitIndices> {
    let of = |fold: usize| {
        let part = |test: bool| {
            let chosen = order.iter().enumerate().filter(|(i, _)| (i % folds == fold) == test);
            chosen.map(|(_, row)| *row).collect()
        };
        SplitIndices { train: part(false), test: part(true) }
    };
    (0..folds).map(of).collect()
}

/// Refuses fewer than two folds, and fewer things than folds.
pub(super) fn check(folds: usize, found: usize, what: &str) -> Result<(), DataError> {
    if folds < 2 {
        let problem = format!("{folds} folds; at least two are needed, one to judge by and one to learn from");
        return Err(DataError::table("folds", problem, "choose 5 or 10"));
    }
    if found < folds {
        let problem = format!("{found} {what} cannot be shared out to {folds} folds");
        return Err(DataError::table("folds", problem, "choose fewer folds, or bring more data"));
    }
    Ok(())
}
