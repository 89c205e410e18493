//! One cut into two parts.

use layerwise_tensor::Stream;

/// The rows of each part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SplitIndices {
    /// Rows to learn from.
    pub train: Vec<usize>,
    /// Rows to judge by.
    pub test: Vec<usize>,
}

/// Two parts of one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Split<D> {
    /// To learn from.
    pub train: D,
    /// To judge by.
    pub test: D,
}

/// The first `n - round(n * test)` rows train, the last ones test: for rows whose order means something.
///
/// # Panics
/// When `test` is not in `0..=1`.
#[track_caller]
pub fn holdout(n: usize, test: f64) -> SplitIndices {
    let cut = n - share(n, test);
    SplitIndices { train: (0..cut).collect(), test: (cut..n).collect() }
}

/// As [`holdout`] after a permutation drawn from `stream`.
///
/// # Panics
/// When `test` is not in `0..=1`.
#[track_caller]
pub fn shuffle_split(n: usize, test: f64, stream: &Stream) -> SplitIndices {
    let order = permuted(&(0..n).collect::<Vec<_>>(), stream);
    let cut = n - share(n, test);
    SplitIndices { train: order[..cut].to_vec(), test: order[cut..].to_vec() }
}

/// As [`shuffle_split`] within each class, so that both parts have the classes in the same shares (up to rounding).
///
/// # Panics
/// When `test` is not in `0..=1`.
#[track_caller]
pub fn stratified_split(labels: &[u32], test: f64, stream: &Stream) -> SplitIndices {
    let mut split = SplitIndices::default();
    let mut classes: Vec<u32> = labels.to_vec();
    classes.sort_unstable();
    classes.dedup();
    for class in classes {
        let members: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] == class).collect();
        let part = shuffle_split(members.len(), test, &stream.at(u64::from(class)));
        split.train.extend(part.train.iter().map(|&i| members[i]));
        split.test.extend(part.test.iter().map(|&i| members[i]));
    }
    // Class after class is no order to learn in.
    split.train = permuted(&split.train, &stream.child("train"));
    split.test = permuted(&split.test, &stream.child("test"));
    split
}

/// The protocol of semi-supervised anomaly detection: half of the normal rows (`n / 2`, drawn from `stream`) train, the
/// other half and all anomalies test, in the order of the file.
///
/// Source: V. Livernoche, V. Jain, Y. Hezaveh, S. Ravanbakhsh, "On diffusion modeling for anomaly detection" (2024), after
/// S. Han et al., "ADBench" (2022).
pub fn half_of_normals(anomalous: &[bool], stream: &Stream) -> SplitIndices {
    halves(anomalous, |normals| permuted(&normals, stream))
}

/// As [`half_of_normals`] with the first half of the normal rows as they stand in the file.
pub fn half_of_normals_in_file_order(anomalous: &[bool]) -> SplitIndices {
    halves(anomalous, |normals| normals)
}

fn halves(anomalous: &[bool], order: impl FnOnce(Vec<usize>) -> Vec<usize>) -> SplitIndices {
    let normals = order((0..anomalous.len()).filter(|&i| !anomalous[i]).collect());
    let (train, held) = normals.split_at(normals.len() / 2);
    let mut test = held.to_vec();
    test.extend((0..anomalous.len()).filter(|&i| anomalous[i]));
    test.sort_unstable();
    SplitIndices { train: train.to_vec(), test }
}

#[track_caller]
pub(super) fn share(n: usize, test: f64) -> usize {
    assert!((0.0..=1.0).contains(&test), "split: the share of test rows is {test}, it must lie in 0..=1");
    ((n as f64 * test).round() as usize).min(n)
}

pub(super) fn permuted(items: &[usize], stream: &Stream) -> Vec<usize> {
    let order = stream.permutation(items.len());
    (0..items.len()).map(|i| items[order.get(i)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted_union(split: &SplitIndices) -> Vec<usize> {
        let mut all = [split.train.clone(), split.test.clone()].concat();
        all.sort_unstable();
        all
    }

    #[test]
    fn every_row_stands_in_exactly_one_part() {
        let labels: Vec<u32> = (0..103).map(|i| (i % 7 == 0) as u32).collect();
        let anomalous: Vec<bool> = labels.iter().map(|&l| l == 1).collect();
        let stream = Stream::new(3).child("split");
        for split in [
            holdout(103, 0.2),
            shuffle_split(103, 0.2, &stream),
            stratified_split(&labels, 0.2, &stream),
            half_of_normals(&anomalous, &stream),
            half_of_normals_in_file_order(&anomalous),
        ] {
            assert_eq!(sorted_union(&split), (0..103).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_stratified_split_keeps_the_shares() {
        let labels: Vec<u32> = (0..1000).map(|i| u32::from(i % 10 == 0)).collect();
        let split = stratified_split(&labels, 0.3, &Stream::new(1));
        assert_eq!(split.test.len(), 300);
        assert_eq!(split.test.iter().filter(|&&i| labels[i] == 1).count(), 30);
    }

    #[test]
    fn half_of_the_normals_train_and_no_anomaly_does() {
        let anomalous: Vec<bool> = (0..101).map(|i| i < 10).collect();
        let drawn = half_of_normals(&anomalous, &Stream::new(5));
        assert_eq!((drawn.train.len(), drawn.test.len()), (45, 56));
        assert!(drawn.train.iter().all(|&i| !anomalous[i]));
        assert_eq!(half_of_normals_in_file_order(&anomalous).train, (10..55).collect::<Vec<_>>());
        assert_ne!(drawn.train, half_of_normals(&anomalous, &Stream::new(6)).train);
        assert_eq!(drawn, half_of_normals(&anomalous, &Stream::new(5)));
    }

    #[test]
    fn nothing_can_be_split() {
        let stream = Stream::new(0);
        assert_eq!(shuffle_split(0, 0.5, &stream), SplitIndices::default());
        assert_eq!(half_of_normals(&[], &stream), SplitIndices::default());
    }
}
