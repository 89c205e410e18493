//! How long an element takes: `cargo test --release -p layerwise-tensor speed -- --ignored --nocapture` on a machine at rest.

use std::hint::black_box;
use std::time::Instant;

use super::*;
use crate::scalar::Scalar;
use crate::stream::Stream;

/// The best of many passes over a slice that stays in the first cache, in ns per element.
fn measure<T: Scalar>(mut pass: impl FnMut(&mut [T])) -> f64 {
    let mut x = vec![T::of(0.3); 2048];
    let mut best = f64::INFINITY;
    for _ in 0..400 {
        let start = Instant::now();
        for _ in 0..8 {
            pass(black_box(&mut x));
        }
        best = best.min(start.elapsed().as_nanos() as f64 / (8 * x.len()) as f64);
    }
    best
}

fn map<T: Scalar>(name: &str, f: impl Fn(T) -> T) {
    let mut source = vec![T::zero(); 2048];
    Stream::new(1).normal(0, &mut source);
    let ns = measure::<T>(|x| {
        vectorize(
            #[inline(always)]
            || {
                for (y, x) in x.iter_mut().zip(&source) {
                    *y = f(*x);
                }
            },
        );
    });
    println!("{name:10} {:?} {ns:.3} ns", T::DTYPE);
}

fn both<T: Scalar>() {
    map::<T>("exp", exp);
    map::<T>("exp_m1", exp_m1);
    map::<T>("log", log);
    map::<T>("log_1p", log_1p);
    map::<T>("tanh", tanh);
    map::<T>("sigmoid", sigmoid);
    map::<T>("erf", erf);
    map::<T>("softplus", softplus);
    map::<T>("normal_cdf", normal_cdf);
    let s = Stream::new(3);
    println!("uniform    {:?} {:.3} ns", T::DTYPE, measure::<T>(|x| s.uniform(0, x)));
    println!("normal     {:?} {:.3} ns", T::DTYPE, measure::<T>(|x| s.normal(0, x)));
    println!("bernoulli  {:?} {:.3} ns", T::DTYPE, measure::<T>(|x| s.bernoulli(0, 0.8, 1.25, x)));
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    println!("{}", cpu_level());
    both::<f32>();
    both::<f64>();
    let p = Stream::new(3).permutation(60_000);
    let start = Instant::now();
    let sum: usize = (0..60_000).map(|i| p.get(i)).sum();
    println!("permutation {:.1} ns ({sum})", start.elapsed().as_nanos() as f64 / 6e4);
}
