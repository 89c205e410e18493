//! Strings composed of parts that are composed of parts, and the same strings labelled by a linear function.

use layerwise::datasets::Labelled;
use layerwise::tensor::Stream;
use layerwise::tensor::ndarray::{Array2, ArrayView1};

/// The random hierarchy model: 8 classes and 8 symbols at each of 3 levels, each with 4 productions of 2 symbols, none shared.
pub(super) struct Hierarchy {
    /// `[level][symbol][production]` is a pair of symbols.
    rules: Vec<Vec<Vec<[usize; 2]>>>,
}

const SYMBOLS: usize = 8;
const PRODUCTIONS: usize = 4;
const LEVELS: usize = 3;

impl Hierarchy {
    pub(super) fn new(stream: &Stream) -> Self {
        let level = |l: usize| {
            let pairs = stream.at(l as u64).permutation(SYMBOLS * SYMBOLS);
            let pair = |s: usize, m: usize| pairs.get(s * PRODUCTIONS + m);
            let of = |s: usize| (0..PRODUCTIONS).map(|m| [pair(s, m) / SYMBOLS, pair(s, m) % SYMBOLS]).collect();
            (0..SYMBOLS).map(of).collect()
        };
        Self { rules: (0..LEVELS).map(level).collect() }
    }

    /// `n` strings of 2^3 symbols, one-hot, each of a class drawn uniformly and productions drawn uniformly.
    pub(super) fn draw(&self, n: usize, stream: &Stream) -> Labelled<f32> {
        let length = 1 << LEVELS;
        let mut x = Array2::zeros((n, length * SYMBOLS));
        let mut y = Vec::with_capacity(n);
        let mut u = vec![0.0f64; 2 * length];
        for i in 0..n {
            stream.at(i as u64).uniform(0, &mut u);
            let mut draws = u.iter();
            let mut choose = |of: usize| ((draws.next().unwrap_or(&0.0) * of as f64) as usize).min(of - 1);
            let class = choose(SYMBOLS);
            let mut string = vec![class];
            for rules in &self.rules {
                string = string.iter().flat_map(|s| rules[*s][choose(PRODUCTIONS)]).collect();
            }
            for (place, symbol) in string.iter().enumerate() {
                x[[i, place * SYMBOLS + symbol]] = 1.0;
            }
            y.push(class as u32);
        }
        Labelled::new("hierarchy", x, y, SYMBOLS)
    }
}

/// The same strings, labelled by the largest of 8 random linear functions.
pub(super) fn by_teacher(data: Labelled<f32>, stream: &Stream) -> Labelled<f32> {
    let mut weights = vec![0.0f32; data.cols() * SYMBOLS];
    stream.normal(0, &mut weights);
    let weights = Array2::from_shape_fn((data.cols(), SYMBOLS), |(i, j)| weights[i * SYMBOLS + j]);
    let scores = data.x.dot(&weights);
    let best = |row: ArrayView1<'_, f32>| {
        row.iter().enumerate().fold((0, f32::NEG_INFINITY), |b, (i, v)| if *v > b.1 { (i, *v) } else { b }).0 as u32
    };
    let y = scores.rows().into_iter().map(best).collect();
    Labelled::new("teacher", data.x, y, SYMBOLS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_production_is_shared_so_a_string_has_one_class() {
        let rules = Hierarchy::new(&Stream::new(3));
        for level in &rules.rules {
            let mut pairs: Vec<_> = level.iter().flatten().collect();
            pairs.sort();
            pairs.dedup();
            assert_eq!(pairs.len(), SYMBOLS * PRODUCTIONS);
        }
        let data = rules.draw(500, &Stream::new(1));
        assert!(data.x.rows().into_iter().all(|r| r.sum() == 8.0));
        assert!(data.counts().iter().all(|c| *c > 30));
    }
}
