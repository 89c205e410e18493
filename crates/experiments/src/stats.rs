//! The statistics behind the verdicts.

use layerwise_tensor::Stream;
use statrs::distribution::{ContinuousCDF, FisherSnedecor, Normal, StudentsT};

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

/// Spearman's rank correlation: Pearson's of the ranks, ties sharing their mean rank.
pub fn spearman(x: &[f64], y: &[f64]) -> f64 {
    let (a, b) = (ranks(x), ranks(y));
    let (ma, mb) = (mean(&a), mean(&b));
    let sum = |f: &dyn Fn(usize) -> f64| (0..a.len()).map(f).sum::<f64>();
    let both = sum(&|i| (a[i] - ma) * (b[i] - mb));
    let spread = (sum(&|i| (a[i] - ma).powi(2)) * sum(&|i| (b[i] - mb).powi(2))).sqrt();
    if spread > 0.0 { both / spread } else { 0.0 }
}

/// Ranks from 1, in the order given, ties sharing their mean rank.
fn ranks(x: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|a, b| x[*a].total_cmp(&x[*b]));
    let mut ranks = vec![0.0; x.len()];
    let mut start = 0;
    while start < order.len() {
        let end = (start..order.len()).find(|i| x[order[*i]] != x[order[start]]).unwrap_or(order.len());
        order[start..end].iter().for_each(|i| ranks[*i] = (start + 1 + end) as f64 / 2.0);
        start = end;
    }
    ranks
}

/// What Friedman's test says of several methods on several tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct Friedman {
    /// Mean rank of each method, 1 the best.
    pub mean_ranks: Vec<f64>,
    /// The probability of ranks so unlike if all methods were alike.
    pub p: f64,
    /// Nemenyi's critical difference at 5 %: methods whose mean ranks are nearer are not told apart. Infinite for more than ten methods.
    pub critical_difference: f64,
}

/// Friedman's test (Friedman 1937) in the form of Iman and Davenport (1980), with Nemenyi's critical difference (Demsar 2006).
///
/// Each row holds the scores of all methods on one task; larger is better.
pub fn friedman(rows: &[Vec<f64>]) -> Friedman {
    // Studentised range at 5 % over sqrt 2, for 2 to 10 methods (Demsar 2006, Table 5a).
    const Q: [f64; 9] = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164];
    let (n, k) = (rows.len() as f64, rows.first().map_or(0, Vec::len));
    let mut mean_ranks = vec![0.0; k];
    for row in rows {
        let down: Vec<f64> = row.iter().map(|v| -v).collect();
        mean_ranks.iter_mut().zip(ranks(&down)).for_each(|(sum, r)| *sum += r / n);
    }
    let kf = k as f64;
    let square = mean_ranks.iter().map(|r| r * r).sum::<f64>() - kf * (kf + 1.0).powi(2) / 4.0;
    let chi = 12.0 * n / (kf * (kf + 1.0)) * square;
    let f = (n - 1.0) * chi / (n * (kf - 1.0) - chi);
    let p = match FisherSnedecor::new(kf - 1.0, (kf - 1.0) * (n - 1.0)) {
        // All rows in the same order: the statistic is infinite.
        Ok(_) if f.is_infinite() || f < 0.0 => 0.0,
        Ok(law) => 1.0 - law.cdf(f),
        Err(_) => 1.0,
    };
    let q = k.checked_sub(2).and_then(|i| Q.get(i)).copied().unwrap_or(f64::INFINITY);
    Friedman { mean_ranks, p, critical_difference: q * (kf * (kf + 1.0) / (6.0 * n)).sqrt() }
}

/// Two-sided p-value of Student's test that the mean is `threshold`, from the mean's distance in standard errors.
pub fn t_test(distance: f64, n: usize) -> Option<f64> {
    let law = StudentsT::new(0.0, 1.0, n.checked_sub(1).filter(|d| *d > 0)? as f64).ok()?;
    Some(2.0 * law.cdf(-distance.abs()))
}

/// Half the width of the 95 % interval of a mean over `n` values, in standard errors.
pub fn t_half(n: usize) -> Option<f64> {
    Some(StudentsT::new(0.0, 1.0, n.checked_sub(1).filter(|d| *d > 0)? as f64).ok()?.inverse_cdf(0.975))
}

/// How many values it takes until the 95 % interval of a mean `effect` standard deviations from a threshold leaves it out; none up to 10 000.
pub fn seeds_needed(effect: f64) -> Option<usize> {
    (2..=10_000).find(|n| t_half(*n).is_some_and(|t| t < effect.abs() * (*n as f64).sqrt()))
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
    fn rank_correlation_agrees_with_scipy() {
        // scipy.stats.spearmanr
        close(spearman(&[1.0, 2.0, 3.0, 4.0, 5.0], &[5.0, 6.0, 7.0, 8.0, 7.0]), 0.820_782_681_668_123_4);
        close(spearman(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), -1.0);
        close(spearman(&[1.0, 2.0, 3.0], &[2.0, 2.0, 2.0]), 0.0);
    }

    #[test]
    fn friedman_by_hand() {
        // Three methods on four tasks, ranks 1 2 3 | 1 2 3 | 1 3 2 | 2 1 3: means 1.25, 2, 2.75; chi squared 4.5; F = 3 * 4.5 / (8 - 4.5).
        let rows = [[3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [3.0, 1.0, 2.0], [2.0, 3.0, 1.0]].map(|r| r.to_vec());
        let test = friedman(&rows);
        for (a, b) in test.mean_ranks.iter().zip([1.25, 2.0, 2.75]) {
            close(*a, b);
        }
        let f: f64 = 3.0 * 4.5 / 3.5;
        // With 2 and 6 degrees of freedom the tail is (1 + f / 3)^-3.
        assert!((test.p - (1.0 + f / 3.0).powi(-3)).abs() < 1e-9, "{}", test.p);
        close(test.critical_difference, 2.343 * (12.0f64 / 24.0).sqrt());
    }

    #[test]
    fn seeds_that_are_needed() {
        // An effect of one standard deviation: the interval of seven values has a half width of 0.92, of six 1.05.
        assert_eq!(seeds_needed(1.0), Some(7));
        assert_eq!(seeds_needed(-1.0), Some(7));
        assert_eq!(seeds_needed(0.0), None);
        close(t_test(0.0, 5).unwrap(), 1.0);
        assert!(t_test(2.0, 1).is_none());
    }

    #[test]
    fn an_interval_is_rarely_beyond_a_true_mean() {
        // The rule of verdicts on data without effect: the whole 95 % interval above the threshold counts as "holds".
        const RUNS: usize = 20_000;
        for (n, law) in [(3, 0), (5, 0), (10, 0), (3, 1), (5, 1), (3, 2), (5, 2)] {
            let mut z = vec![0.0f64; n];
            let holds = (0..RUNS).filter(|i| {
                let stream = Stream::new(1908 + law).child("null").at(*i as u64);
                stream.normal(0, &mut z);
                match law {
                    // Heavy tails, and a skewed law with mean 0.
                    1 => z.iter_mut().for_each(|z| *z = z.powi(3)),
                    2 => z.iter_mut().for_each(|z| *z = (0.5 * *z).exp() - 0.125f64.exp()),
                    _ => {}
                }
                t_interval(&z).is_some_and(|[low, _]| low > 0.0)
            });
            let rate = holds.count() as f64 / RUNS as f64;
            let allowed = 0.05 + 2.0 * (0.05f64 * 0.95 / RUNS as f64).sqrt();
            assert!(rate <= allowed, "n = {n}, law {law}: {rate}");
        }
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
