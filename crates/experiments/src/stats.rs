//! The statistics behind the verdicts.

use layerwise_tensor::Stream;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// The mean; not a number for nothing.
pub fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

/// The sample standard deviation (divisor `n - 1`); zero below two values.
pub fn std(x: &[f64]) -> f64 {
    if x.len() < 2 {
        return 0.0;
    }
    let m = mean(x);
    (x.iter().map(|v| (v - m) * (v - m)).sum::<f64>() / (x.len() - 1) as f64).sqrt()
}

/// The middle value; not a number for nothing.
pub fn median(x: &[f64]) -> f64 {
    quantile(x, 0.5)
}

/// The `q`-quantile with linear interpolation between order statistics (type 7, as numpy); not a number for nothing.
pub fn quantile(x: &[f64], q: f64) -> f64 {
    if x.is_empty() {
        return f64::NAN;
    }
    let mut sorted = x.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = q.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (place - place.floor()) * (high - low)
}

/// The 95 % interval of the mean by Student's t; none below two values.
pub fn t_interval(x: &[f64]) -> Option<[f64; 2]> {
    if x.len() < 2 {
        return None;
    }
    let t = StudentsT::new(0.0, 1.0, (x.len() - 1) as f64).ok()?.inverse_cdf(0.975);
    let half = t * std(x) / (x.len() as f64).sqrt();
    Some([mean(x) - half, mean(x) + half])
}

/// The 95 % percentile interval of `statistic` from `draws` bootstrap samples of `x`; none below two values.
pub fn bootstrap(x: &[f64], statistic: impl Fn(&[f64]) -> f64, draws: usize, stream: Stream) -> Option<[f64; 2]> {
    if x.len() < 2 {
        return None;
    }
    let mut u = vec![0.0; x.len()];
    let values: Vec<f64> = (0..draws)
        .map(|d| {
            stream.at(d as u64).uniform(0, &mut u);
            let sample: Vec<f64> = u.iter().map(|u| x[((u * x.len() as f64) as usize).min(x.len() - 1)]).collect();
            statistic(&sample)
        })
        .collect();
    Some([quantile(&values, 0.025), quantile(&values, 0.975)])
}

/// The two-sided p-value of "the paired differences are symmetric about zero" by flipping their signs: all `2^n` ways up to
/// `n = 16`, else 20 000 drawn ones (with the observed way counted, so p is never 0).
pub fn paired_permutation(differences: &[f64], stream: Stream) -> f64 {
    let n = differences.len();
    let observed = differences.iter().sum::<f64>().abs();
    let extreme = |sum: f64| sum.abs() >= observed * (1.0 - 1e-12);
    if n <= 16 {
        let signed =
            |mask: u32| (0..n).map(|i| if mask >> i & 1 == 1 { -differences[i] } else { differences[i] }).sum::<f64>();
        let count = (0..1u32 << n).filter(|m| extreme(signed(*m))).count();
        return count as f64 / (1u32 << n) as f64;
    }
    let draws = 20_000;
    let mut u = vec![0.0; n];
    let mut count = 1;
    for d in 0..draws {
        stream.at(d).uniform(0, &mut u);
        let sum = differences.iter().zip(&u).map(|(x, u)| if *u < 0.5 { -x } else { *x }).sum::<f64>();
        count += usize::from(extreme(sum));
    }
    count as f64 / (draws + 1) as f64
}

/// Wilcoxon's signed rank test (Wilcoxon 1945) of "the paired differences are symmetric about zero", two-sided; zeros are dropped.
///
/// Up to 50 differences without ties the distribution of the rank sum is counted exactly; else it is taken as normal, with the
/// variance corrected for ties. Agrees with `scipy.stats.wilcoxon` of the methods `exact` and `approx`.
pub fn wilcoxon_signed_rank(differences: &[f64]) -> f64 {
    let mut d: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    d.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let n = d.len();
    if n == 0 {
        return 1.0;
    }
    let (ranks, tied) = mean_ranks(&d);
    let plus: f64 = d.iter().zip(&ranks).filter(|(d, _)| **d > 0.0).map(|(_, r)| r).sum();
    if n <= 50 && tied.is_empty() && n == differences.len() {
        let total = n * (n + 1) / 2;
        let smaller = plus.min(total as f64 - plus) as usize;
        return (2.0 * rank_sum_cdf(n, smaller)).min(1.0);
    }
    let n = n as f64;
    let ties: f64 = tied.iter().map(|t| t * t * t - t).sum();
    let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - ties / 48.0;
    let z = (plus - n * (n + 1.0) / 4.0).abs() / variance.sqrt();
    Normal::new(0.0, 1.0).map_or(f64::NAN, |normal| (2.0 * normal.cdf(-z)).min(1.0))
}

/// P(W <= w) for the sum W of the ranks with a positive sign, all `2^n` signs equally likely: counted rank by rank.
fn rank_sum_cdf(n: usize, w: usize) -> f64 {
    let total = n * (n + 1) / 2;
    let mut probability = vec![0.0; total + 1];
    probability[0] = 1.0;
    for rank in 1..=n {
        for sum in (0..=total).rev() {
            let with = if sum >= rank { probability[sum - rank] } else { 0.0 };
            probability[sum] = 0.5 * (probability[sum] + with);
        }
    }
    probability[..=w].iter().sum()
}

/// Ranks of values sorted by size, ties sharing their mean rank; and the size of each group of ties.
fn mean_ranks(sorted: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut ranks, mut tied) = (vec![0.0; sorted.len()], Vec::new());
    let mut start = 0;
    while start < sorted.len() {
        let end = (start..sorted.len()).find(|i| sorted[*i].abs() != sorted[start].abs()).unwrap_or(sorted.len());
        ranks[start..end].fill((start + 1 + end) as f64 / 2.0);
        if end - start > 1 {
            tied.push((end - start) as f64);
        }
        start = end;
    }
    (ranks, tied)
}

/// Holm's step-down adjustment (Holm 1979) of p-values for their number, in the order given.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![0.0; p.len()];
    let mut largest = 0.0f64;
    for (place, index) in order.into_iter().enumerate() {
        largest = largest.max(p[index] * (p.len() - place) as f64).min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }

    #[test]
    fn moments_and_the_t_interval() {
        let x = [98.31, 98.42, 98.37];
        close(mean(&x), 98.366_666_666_666_67);
        close(std(&x), 0.055_075_705_472_861_02);
        // scipy.stats.t.interval(0.95, 2, mean, sem)
        let [lo, hi] = t_interval(&x).unwrap();
        assert!((lo - 98.229_851_030).abs() < 1e-6 && (hi - 98.503_482_304).abs() < 1e-6, "{lo} {hi}");
        assert!(t_interval(&x[..1]).is_none());
        close(quantile(&[4.0, 1.0, 3.0, 2.0], 0.25), 1.75);
        close(median(&[3.0, 1.0, 2.0]), 2.0);
    }

    #[test]
    fn wilcoxon_agrees_with_scipy() {
        // scipy.stats.wilcoxon: all six positive: 2 / 2^6.
        close(wilcoxon_signed_rank(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), 0.03125);
        close(wilcoxon_signed_rank(&[1.5, -0.5, 2.5, 3.5, -1.0, 4.0, 0.7]), 0.109375);
        // Ties: the normal approximation. Zeros: dropped.
        let p = wilcoxon_signed_rank(&[1.0, 1.0, 2.0, -1.0, 3.0, 4.0, 2.0, 5.0]);
        close(p, 0.024_177_059_190_268_253);
        close(wilcoxon_signed_rank(&[0.0, 0.0]), 1.0);
    }

    #[test]
    fn the_rank_sum_distribution_is_symmetric_and_sums_to_one() {
        close(rank_sum_cdf(10, 55), 1.0);
        close(rank_sum_cdf(10, 27), 0.5);
        close(rank_sum_cdf(3, 0), 0.125);
    }

    #[test]
    fn permutation_counts_all_signs() {
        close(paired_permutation(&[1.0, 1.0, 1.0], Stream::new(0)), 0.25);
        let many = [0.3; 40];
        assert!(paired_permutation(&many, Stream::new(0)) < 1e-3);
    }

    #[test]
    fn bootstrap_covers_the_mean() {
        let x: Vec<f64> = (0..50).map(|i| (i % 7) as f64).collect();
        let [lo, hi] = bootstrap(&x, mean, 500, Stream::new(1)).unwrap();
        assert!(lo < mean(&x) && mean(&x) < hi && hi - lo < 2.0);
    }

    #[test]
    fn holm_is_monotone() {
        let adjusted = holm(&[0.01, 0.04, 0.03]);
        for (a, b) in adjusted.iter().zip([0.03, 0.06, 0.06]) {
            close(*a, b);
        }
        assert_eq!(holm(&[0.9, 0.8]), vec![1.0, 1.0]);
    }
}
