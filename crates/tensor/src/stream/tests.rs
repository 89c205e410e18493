//! Known answers, statistics and independence of the streams.

use std::collections::BTreeSet;

use ndarray::Array2;
use ndarray_rand::RandomExt;
use ndarray_rand::rand_distr::{Beta, Exp1, Normal, Uniform};
use proptest::prelude::*;
use rand::RngCore;

use super::*;
use crate::math::normal_cdf;

const N: usize = 100_000;

fn stream() -> Stream {
    Stream::new(2026).child("tests")
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

/// The distance of Kolmogorov and Smirnov from the distribution function `f`, times `sqrt n`; above 1.95 once in a thousand.
fn kolmogorov(mut x: Vec<f64>, f: impl Fn(f64) -> f64) -> f64 {
    x.sort_by(f64::total_cmp);
    let n = x.len() as f64;
    let mut distance = 0.0f64;
    for (i, v) in x.iter().enumerate() {
        let p = f(*v);
        distance = distance.max(p - i as f64 / n).max((i + 1) as f64 / n - p);
    }
    distance * n.sqrt()
}

/// Chi-square of counts that should be equal, as standard deviations from its mean.
fn chi_square(counts: &[u64]) -> f64 {
    let expected = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    let chi: f64 = counts.iter().map(|c| (*c as f64 - expected).powi(2) / expected).sum();
    let freedom = (counts.len() - 1) as f64;
    (chi - freedom) / (2.0 * freedom).sqrt()
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let (ma, mb) = (mean(a), mean(b));
    let product =
        |x: &[f64], mx: f64, y: &[f64], my: f64| x.iter().zip(y).map(|(p, q)| (p - mx) * (q - my)).sum::<f64>();
    product(a, ma, b, mb) / (product(a, ma, a, ma) * product(b, mb, b, mb)).sqrt()
}

#[test]
fn uniform_numbers_are_uniform() {
    let mut x = vec![0.0; N];
    stream().uniform(0, &mut x);
    assert!(x.iter().all(|v| (0.0..1.0).contains(v)));
    assert!((mean(&x) - 0.5).abs() < 4.0 * (1.0 / 12.0 / N as f64).sqrt());
    let squares: Vec<f64> = x.iter().map(|v| (v - 0.5).powi(2)).collect();
    assert!((mean(&squares) - 1.0 / 12.0).abs() < 1e-3);
    assert!(kolmogorov(x, |v| v) < 1.95);
}

#[test]
fn normal_numbers_are_normal() {
    let mut x = vec![0.0f64; N];
    stream().normal(0, &mut x);
    let moment = |k: i32| mean(&x.iter().map(|v| v.powi(k)).collect::<Vec<_>>());
    let scale = 4.0 / (N as f64).sqrt();
    assert!(moment(1).abs() < scale && (moment(2) - 1.0).abs() < scale * 2f64.sqrt());
    assert!(moment(3).abs() < scale * 15f64.sqrt() && (moment(4) - 3.0).abs() < scale * 96f64.sqrt());
    let beyond = x.iter().filter(|v| v.abs() > 3.0).count() as f64;
    assert!((beyond - 0.0027 * N as f64).abs() < 4.0 * (0.0027 * N as f64).sqrt());
    assert!(kolmogorov(x, normal_cdf) < 1.95);
}

#[test]
fn bernoulli_numbers_have_their_probability() {
    for keep in [0.1, 0.5, 0.8, 1.0 / 3.0] {
        let mut x = vec![0.0f32; N];
        stream().bernoulli(0, keep, 1.0 / keep, &mut x);
        let kept = x.iter().filter(|v| **v != 0.0).count() as f64;
        assert!((kept - keep * N as f64).abs() < 4.0 * (keep * (1.0 - keep) * N as f64).sqrt());
        assert!(x.iter().all(|v| *v == 0.0 || *v == (1.0 / keep) as f32));
    }
    let mut x = [3.0; 70];
    stream().bernoulli(5, 1.0, 2.0, &mut x);
    assert_eq!(x, [2.0; 70]);
    stream().bernoulli(5, 0.0, 2.0, &mut x);
    assert_eq!(x, [0.0; 70]);
}

#[test]
#[should_panic(expected = "a probability lies within 0..=1, got 1.5")]
fn bernoulli_refuses_what_is_no_probability() {
    stream().bernoulli::<f32>(0, 1.5, 1.0, &mut []);
}

#[test]
fn neighbouring_streams_and_elements_are_independent() {
    let near = |a: &[f64], b: &[f64]| correlation(a, b).abs() < 4.0 / (a.len() as f64).sqrt();
    let draw = |s: Stream| {
        let (mut u, mut z, mut k) = (vec![0.0; N], vec![0.0; N], vec![0.0; N]);
        s.uniform(0, &mut u);
        s.normal(0, &mut z);
        s.bernoulli(0, 0.3, 1.0, &mut k);
        [u, z, k]
    };
    let first = draw(stream().at(0));
    for other in
        [stream().at(1), stream().at(1 << 32), stream().child("a"), Stream::new(2027).child("tests").at(0), stream()]
    {
        for (a, b) in first.iter().zip(&draw(other)) {
            assert!(near(a, b));
        }
    }
    let [u, z, k] = &first;
    assert!(near(u, z) && near(u, k) && near(z, k));
    for x in &first {
        for lag in [1, 2, 3, 4, 15, 16, 17, 31, 32, 48, 64] {
            assert!(near(&x[lag..], &x[..N - lag]), "lag {lag}");
        }
    }
    // The two normals of one block: independent in size too, not only uncorrelated.
    let squares: Vec<f64> = z.iter().map(|v| v * v).collect();
    assert!(near(&squares[16..], &squares[..N - 16]));
    // The first element of many neighbouring streams.
    let heads: Vec<f64> = (0..N as u64)
        .map(|i| {
            let mut u = [0.0];
            stream().at(i).uniform(0, &mut u);
            u[0]
        })
        .collect();
    assert!(near(&heads[1..], &heads[..N - 1]) && kolmogorov(heads, |v| v) < 1.95);
}

#[test]
fn paths_do_not_collide() {
    let mut seen = BTreeSet::new();
    let mut fresh = |s: Stream| assert!(seen.insert((s.key, s.place)));
    for seed in 0..100 {
        let root = Stream::new(seed);
        fresh(root);
        for name in [
            "",
            "a",
            "b",
            "ab",
            "ba",
            "a\0",
            "\0",
            "dropout",
            "dropout1",
            "a long name of a layer",
            "a long name of a layes",
        ] {
            fresh(root.child(name));
            fresh(root.child(name).child("a"));
        }
        fresh(root.child("a").child("b"));
        for i in (0..50).chain([u64::MAX, 1 << 32, 1 << 63]) {
            fresh(root.at(i));
            fresh(root.at(i).at(0));
            fresh(root.at(i).child("a"));
            fresh(root.child("a").at(i));
        }
    }
}

#[test]
fn the_numbers_stay_what_they_are() {
    let mut u = [0.0f64; 2];
    stream().at(3).uniform(40, &mut u);
    let [mut z, mut k] = [[0.0f64; 2], [0.0f64; 2]];
    stream().at(3).normal(40, &mut z);
    stream().at(3).bernoulli(40, 0.5, 1.0, &mut k);
    let order: Vec<usize> = (0..8).map(|i| stream().permutation(8).get(i)).collect();
    assert_eq!(format!("{u:?} {z:?} {k:?} {order:?} {}", stream().rng().next_u64()), GOLDEN);
}
const GOLDEN: &str = "[0.8081064718091369, 0.9448139022329181] [-0.521826717279853, -0.01809348211587355] [1.0, 1.0] [7, 5, 6, 2, 0, 3, 1, 4] 3717059117988446690";

#[test]
fn permutations_of_few_elements_are_equally_likely() {
    for (n, orders) in [(2usize, 2), (3, 6), (4, 24), (5, 120)] {
        let mut counts = vec![0u64; n.pow(n as u32)];
        for i in 0..200 * orders {
            let p = stream().at(i).permutation(n);
            counts[(0..n).fold(0, |code, k| code * n + p.get(k))] += 1;
        }
        counts.retain(|c| *c > 0);
        assert_eq!(counts.len() as u64, orders);
        assert!(chi_square(&counts).abs() < 4.0, "{n}: {}", chi_square(&counts));
    }
}

#[test]
fn permutations_put_every_element_everywhere() {
    for n in [10, 37, 64, 100] {
        let (mut places, mut steps, mut pairs) = (vec![0u64; n * n], vec![0u64; n - 1], vec![0u64; n * n]);
        for i in 0..4000 {
            let p = stream().at(i).permutation(n);
            let order: Vec<usize> = (0..n).map(|k| p.get(k)).collect();
            for (k, v) in order.iter().enumerate() {
                places[k * n + v] += 1;
                pairs[v * n + order[(k + n / 2) % n]] += 1;
            }
            for w in order.windows(2) {
                steps[(w[1] + n - w[0]) % n - 1] += 1;
            }
        }
        pairs.retain(|c| *c > 0);
        assert_eq!(pairs.len(), n * (n - 1));
        for counts in [&places, &steps, &pairs] {
            assert!(chi_square(counts) < 4.5, "{n}: {}", chi_square(counts));
        }
    }
}

#[test]
fn a_generator_gives_the_words_of_philox() {
    let s = stream();
    let mut other = rand_philox::Philox::new([s.key as u32, (s.key >> 32) as u32], u128::from(s.place) << 64);
    let mut rng = s.rng();
    for _ in 0..1000 {
        assert_eq!(rng.next_u32(), other.next_u32());
    }
    let (mut bytes, mut again) = ([0; 13], [0; 13]);
    s.rng().fill_bytes(&mut bytes);
    s.rng().fill_bytes(&mut again);
    assert_eq!(bytes, again);
}

#[test]
fn distributions_of_ndarray_rand_accept_a_generator() {
    let mut rng = stream().rng();
    let shape = (200, 100);
    let normal = Array2::<f64>::random_using(shape, Normal::new(3.0, 2.0).unwrap(), &mut rng);
    assert!((normal.mean().unwrap() - 3.0).abs() < 0.06 && (normal.std(0.0) - 2.0).abs() < 0.05);
    let beta = Array2::<f32>::random_using(shape, Beta::new(2.0f32, 2.0).unwrap(), &mut rng);
    assert!((beta.mean().unwrap() - 0.5).abs() < 0.01);
    let exponential = Array2::<f64>::random_using(shape, Exp1, &mut rng);
    assert!((exponential.mean().unwrap() - 1.0).abs() < 0.03);
    let uniform = Array2::<u8>::random_using(shape, Uniform::new(0, 10).unwrap(), &mut rng);
    assert!(uniform.iter().all(|v| *v < 10));
}

proptest! {
    #[test]
    fn slices_do_not_change_a_value(first in prop_oneof![0u64..200, any::<u64>().prop_map(|v| v >> 1)], cut in 0usize..300, len in 0usize..300, seed: u64) {
        let s = Stream::new(seed);
        let cut = cut.min(len);
        fn check<T: crate::Scalar>(draw: impl Fn(u64, &mut [T]), first: u64, cut: usize, len: usize) -> bool {
            let (mut whole, mut parts) = (vec![T::zero(); len], vec![T::zero(); len]);
            draw(first, &mut whole);
            let (a, b) = parts.split_at_mut(cut);
            draw(first, a);
            draw(first + cut as u64, b);
            whole == parts
        }
        prop_assert!(check::<f32>(|f, x| s.uniform(f, x), first, cut, len));
        prop_assert!(check::<f64>(|f, x| s.uniform(f, x), first, cut, len));
        prop_assert!(check::<f32>(|f, x| s.normal(f, x), first, cut, len));
        prop_assert!(check::<f64>(|f, x| s.normal(f, x), first, cut, len));
        prop_assert!(check::<f32>(|f, x| s.bernoulli(f, 0.7, 2.0, x), first, cut, len));
        prop_assert!(check::<f64>(|f, x| s.bernoulli(f, 0.7, 2.0, x), first, cut, len));
    }

    #[test]
    fn both_types_agree(first in 0u64..1000, seed: u64) {
        let s = Stream::new(seed);
        let (mut single, mut double) = ([0.0f32; 150], [0.0f64; 150]);
        s.uniform(first, &mut single);
        s.uniform(first, &mut double);
        for (a, b) in single.iter().zip(&double) {
            prop_assert!(f64::from(*a) <= *b && b - f64::from(*a) < 2f64.powi(-24));
        }
        s.normal(first, &mut single);
        s.normal(first, &mut double);
        prop_assert_eq!(single.to_vec(), double.map(|v| v as f32).to_vec());
        s.bernoulli(first, 0.4, 1.0, &mut single);
        s.bernoulli(first, 0.4, 1.0, &mut double);
        prop_assert_eq!(single.map(f64::from), double);
    }

    #[test]
    fn a_permutation_is_a_bijection(n in 0usize..3000, seed: u64) {
        let p = Stream::new(seed).permutation(n);
        prop_assert_eq!((p.len(), p.is_empty()), (n, n == 0));
        let mut seen = vec![false; n];
        for i in 0..n {
            let v = p.get(i);
            prop_assert!(v < n && !seen[v]);
            seen[v] = true;
        }
    }
}
