//! Medians and the interval of a paired ratio.

/// Resamples of the bootstrap.
const RESAMPLES: usize = 10_000;

/// The seed of every bootstrap: the same figures give the same interval.
const SEED: u64 = 20_240_229;

/// The middle value, or the mean of the two middle ones; of nothing, NaN.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    median_of(&mut sorted)
}

fn median_of(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[half],
        _ => 0.5 * (values[half - 1] + values[half]),
    }
}

/// A median with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) median: f64,
    pub(crate) lo: f64,
    pub(crate) hi: f64,
}

/// The median over rounds of `theirs / ours` in the same round, with the percentile bootstrap over rounds.
pub(crate) fn paired_ratio(theirs: &[f64], ours: &[f64]) -> Estimate {
    let ratios: Vec<f64> = theirs.iter().zip(ours).map(|(theirs, ours)| theirs / ours).collect();
    let mut random = SplitMix64(SEED);
    let mut drawn = vec![0.0; ratios.len()];
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            drawn.fill_with(|| ratios[random.below(ratios.len())]);
            median_of(&mut drawn)
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    let at = |share: f64| medians[((RESAMPLES - 1) as f64 * share).round() as usize];
    Estimate { median: median(&ratios), lo: at(0.025), hi: at(0.975) }
}

/// The generator of Steele, Lea and Flood (2014), here to draw rounds.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`; its bias of `n / 2^64` is nothing here.
    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_numbers() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[5.0]), 5.0);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn the_generator_is_the_published_one() {
        // The first outputs for the seed 1234567, as in the reference implementation's test vector.
        let mut random = SplitMix64(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn a_disturbance_common_to_a_round_cancels() {
        let ours = [1.0, 2.0, 4.0, 1.5, 3.0];
        let theirs: Vec<f64> = ours.iter().map(|x| 1.5 * x).collect();
        assert_eq!(paired_ratio(&theirs, &ours), Estimate { median: 1.5, lo: 1.5, hi: 1.5 });
    }

    #[test]
    fn the_interval_covers_the_true_ratio() {
        // 300 runs of 9 rounds around a true ratio of 2: a bootstrap of the median of nine covers less often than 95 %
        // says, yet far more often than one that is too narrow or off its place.
        let mut random = SplitMix64(7);
        let mut uniform = || random.next() as f64 / u64::MAX as f64;
        let (mut covered, mut wide) = (0, 0.0);
        for _ in 0..300 {
            let ours: Vec<f64> = (0..9).map(|_| 1.0 + 0.2 * uniform()).collect();
            let theirs: Vec<f64> = ours.iter().map(|x| x * (2.0 + 0.4 * (uniform() - 0.5))).collect();
            let estimate = paired_ratio(&theirs, &ours);
            assert!(estimate.lo <= estimate.median && estimate.median <= estimate.hi);
            covered += usize::from(estimate.lo <= 2.0 && 2.0 <= estimate.hi);
            wide += estimate.hi - estimate.lo;
        }
        assert!((265..300).contains(&covered), "{covered} of 300 intervals hold the true ratio");
        assert!(wide / 300.0 < 0.4, "an interval as wide as the noise says nothing: {}", wide / 300.0);
    }
}
