//! What a score is worth as a ranking: ROC curve, area under it, average precision.

use crate::error::TrainError;

/// One corner of a ROC curve: rows with a score of at least `threshold` are called positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RocPoint {
    /// The smallest score that is called positive; infinite at the start, where nothing is.
    pub threshold: f64,
    /// Share of the negatives that are called positive.
    pub false_positive_rate: f64,
    /// Share of the positives that are called positive.
    pub true_positive_rate: f64,
}

/// Area under the ROC curve: the chance that a positive row scores above a negative one, ties counting one half.
///
/// By midranks (Mann and Whitney 1947): `(R - p (p + 1) / 2) / (p n)`, where `R` is the sum of the ranks of the `p` positives among
/// all rows and `n` is the number of negatives. Exact, and the same for any order of the rows.
///
/// ```
/// # use layerwise_train::metrics::roc_auc;
/// let auc = roc_auc(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?;
/// assert_eq!(auc, 0.75);
/// # Ok::<(), layerwise_train::TrainError>(())
/// ```
///
/// # Errors
/// If the lengths differ, a score is NaN, or a class is missing.
pub fn roc_auc(scores: &[f64], positive: &[bool]) -> Result<f64, TrainError> {
    let order = descending("roc_auc", scores, positive)?;
    let (mut pairs, mut negatives_below) = (0.0, 0.0);
    // From the lowest score upwards, so that `negatives_below` counts what each group of ties has beaten.
    for group in order.chunk_by(|a, b| scores[*a] == scores[*b]).rev() {
        let p = group.iter().filter(|i| positive[**i]).count() as f64;
        let n = group.len() as f64 - p;
        pairs += p * (negatives_below + 0.5 * n);
        negatives_below += n;
    }
    Ok(pairs / (count(positive) * negatives_below))
}

/// The corners of the ROC curve, from `(0, 0)` to `(1, 1)`, one for each distinct score.
///
/// # Errors
/// As [`roc_auc`].
pub fn roc_curve(scores: &[f64], positive: &[bool]) -> Result<Vec<RocPoint>, TrainError> {
    let order = descending("roc_curve", scores, positive)?;
    let positives = count(positive);
    let negatives = positive.len() as f64 - positives;
    let mut curve = vec![RocPoint { threshold: f64::INFINITY, false_positive_rate: 0.0, true_positive_rate: 0.0 }];
    let (mut tp, mut fp) = (0.0, 0.0);
    for group in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let p = group.iter().filter(|i| positive[**i]).count() as f64;
        tp += p;
        fp += group.len() as f64 - p;
        let (false_positive_rate, true_positive_rate) = (fp / negatives, tp / positives);
        curve.push(RocPoint { threshold: scores[group[0]], false_positive_rate, true_positive_rate });
    }
    Ok(curve)
}

/// Average precision: `sum over thresholds of (recall_k - recall_{k-1}) precision_k`, as in scikit-learn.
///
/// Rows with equal scores enter together, so the order of the rows has no part in the result; there is no interpolation.
///
/// # Errors
/// As [`roc_auc`].
pub fn average_precision(scores: &[f64], positive: &[bool]) -> Result<f64, TrainError> {
    let order = descending("average_precision", scores, positive)?;
    let positives = count(positive);
    let (mut tp, mut called, mut sum) = (0.0, 0.0, 0.0);
    for group in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let p = group.iter().filter(|i| positive[**i]).count() as f64;
        tp += p;
        called += group.len() as f64;
        sum += p / positives * (tp / called);
    }
    Ok(sum)
}

fn count(positive: &[bool]) -> f64 {
    positive.iter().filter(|p| **p).count() as f64
}

/// Row numbers from the highest score to the lowest, after all that makes a ranking meaningless is refused.
fn descending(metric: &'static str, scores: &[f64], positive: &[bool]) -> Result<Vec<usize>, TrainError> {
    super::classes::same_length(metric, scores.len(), positive.len())?;
    if let Some(i) = scores.iter().position(|s| s.is_nan()) {
        let message = format!(
            "the score of row {i} is NaN; a ranking needs numbers: the model has diverged or a value is missing"
        );
        return Err(TrainError::metric(metric, message));
    }
    let positives = positive.iter().filter(|p| **p).count();
    if positives == 0 || positives == positive.len() {
        let class = if positives == 0 { "negative" } else { "positive" };
        let message = format!("all {} rows are {class}; both classes are needed", positive.len());
        return Err(TrainError::metric(metric, message));
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    Ok(order)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCORES: [f64; 8] = [0.9, 0.8, 0.8, 0.7, 0.5, 0.5, 0.5, 0.1];
    const POSITIVE: [bool; 8] = [true, true, false, true, false, true, false, false];

    /// The definition: every pair of a positive and a negative.
    fn by_pairs(scores: &[f64], positive: &[bool]) -> f64 {
        let (mut won, mut pairs) = (0.0, 0.0);
        for i in (0..scores.len()).filter(|i| positive[*i]) {
            for j in (0..scores.len()).filter(|j| !positive[*j]) {
                pairs += 1.0;
                won += if scores[i] > scores[j] {
                    1.0
                } else if scores[i] == scores[j] {
                    0.5
                } else {
                    0.0
                };
            }
        }
        won / pairs
    }

    #[test]
    fn golden_with_ties() {
        // By hand: the positives beat 4, 3.5, 3 and 2 of the 4 negatives; scikit-learn 1.9 gives the same two numbers.
        assert_eq!(roc_auc(&SCORES, &POSITIVE).unwrap(), 12.5 / 16.0);
        let ap = average_precision(&SCORES, &POSITIVE).unwrap();
        let by_hand = 0.25 * 1.0 + 0.25 * (2.0 / 3.0) + 0.25 * 0.75 + 0.25 * (4.0 / 7.0);
        assert!((ap - by_hand).abs() < 1e-15, "{ap} {by_hand}");
    }

    #[test]
    fn scikit_learn_documentation_examples() {
        let (scores, positive) = ([0.1, 0.4, 0.35, 0.8], [false, false, true, true]);
        assert_eq!(roc_auc(&scores, &positive).unwrap(), 0.75);
        assert!((average_precision(&scores, &positive).unwrap() - 0.833_333_333_333_333_3).abs() < 1e-15);
        let curve = roc_curve(&scores, &positive).unwrap();
        let fpr: Vec<f64> = curve.iter().map(|p| p.false_positive_rate).collect();
        let tpr: Vec<f64> = curve.iter().map(|p| p.true_positive_rate).collect();
        assert_eq!(fpr, [0.0, 0.0, 0.5, 0.5, 1.0]);
        assert_eq!(tpr, [0.0, 0.5, 0.5, 1.0, 1.0]);
        assert_eq!(curve[1].threshold, 0.8);
    }

    #[test]
    fn extremes() {
        let positive = [true, true, false];
        assert_eq!(roc_auc(&[3.0, 2.0, 1.0], &positive).unwrap(), 1.0);
        assert_eq!(roc_auc(&[1.0, 2.0, 3.0], &positive).unwrap(), 0.0);
        assert_eq!(roc_auc(&[5.0; 3], &positive).unwrap(), 0.5);
        assert_eq!(roc_auc(&[0.0, -0.0, 0.0], &positive).unwrap(), 0.5);
        assert_eq!(roc_auc(&[f64::INFINITY, 1.0, f64::NEG_INFINITY], &positive).unwrap(), 1.0);
    }

    #[test]
    fn refuses_what_has_no_ranking() {
        let message = roc_auc(&[1.0, f64::NAN], &[true, false]).unwrap_err().to_string();
        assert!(message.contains("row 1"), "{message}");
        let message = average_precision(&[1.0, 2.0], &[false, false]).unwrap_err().to_string();
        assert!(message.contains("both classes"), "{message}");
        assert!(roc_curve(&[1.0], &[true, false]).is_err());
        assert!(roc_curve(&[], &[]).is_err());
    }

    proptest! {
        #[test]
        fn midranks_equal_pairs(rows in prop::collection::vec((0u8..6, any::<bool>()), 2..40)) {
            let scores: Vec<f64> = rows.iter().map(|r| f64::from(r.0)).collect();
            let positive: Vec<bool> = rows.iter().map(|r| r.1).collect();
            prop_assume!(positive.contains(&true) && positive.contains(&false));
            let auc = roc_auc(&scores, &positive).unwrap();
            prop_assert!((auc - by_pairs(&scores, &positive)).abs() < 1e-12);
            // The trapezoids under the curve are the same area.
            let curve = roc_curve(&scores, &positive).unwrap();
            let area: f64 = curve
                .windows(2)
                .map(|w| {
                    let width = w[1].false_positive_rate - w[0].false_positive_rate;
                    width * 0.5 * (w[1].true_positive_rate + w[0].true_positive_rate)
                })
                .sum();
            prop_assert!((auc - area).abs() < 1e-12);
        }
    }
}
