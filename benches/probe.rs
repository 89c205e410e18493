//! What this machine can do: the most multiply-adds a second and the bytes a second out of each level of memory.

use std::hint::black_box;
use std::time::{Duration, Instant};

use fearless_simd::{Level, Simd, SimdBase, SimdFloat, dispatch};
use layerwise_tensor::AlignedVec;
use rayon::prelude::*;

/// What so many threads reach together.
#[derive(Clone, Debug)]
pub struct Limits {
    /// 10⁹ operations a second in `f32`; a multiply-add is two. `f64` has half of it, as its vectors have half the lanes.
    pub gflops: f64,
    /// Bytes of a working set, over all threads, and 10⁹ bytes a second read from it, from small to large.
    pub bandwidth: Vec<(usize, f64)>,
}

/// Working sets in bytes: from the first cache to far beyond the last.
const SETS: [usize; 10] =
    [16 << 10, 64 << 10, 256 << 10, 1 << 20, 2 << 20, 4 << 20, 16 << 20, 32 << 20, 64 << 20, 256 << 20];

/// How long each measurement lasts.
const WHILE: Duration = Duration::from_millis(60);

/// Repetitions, of which the best counts: a limit is what can be reached, not what others leave.
const REPEATS: usize = 5;

/// Measures with `threads` threads at a time.
///
/// # Errors
/// If the threads cannot be started.
pub fn probe(threads: usize) -> Result<Limits, String> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|e| e.to_string())?;
    let level = Level::new();
    let best = |measure: &(dyn Fn() -> f64 + Sync)| {
        let together = || pool.broadcast(|_| measure()).into_iter().sum::<f64>();
        (0..REPEATS).map(|_| together()).fold(0.0, f64::max)
    };
    let gflops = best(&|| rate(WHILE, || dispatch!(level, s => multiply_adds(s)))) / 1e9;
    let bandwidth = SETS.iter().map(|bytes| {
        let len = bytes / 4 / threads;
        let sets: Vec<AlignedVec<f32>> = (0..threads).into_par_iter().map(|_| vec![1.0; len].into()).collect();
        let read = || {
            let set = &sets[rayon::current_thread_index().unwrap_or(0).min(threads - 1)];
            rate(WHILE, || {
                black_box(dispatch!(level, s => sum(s, black_box(set))));
                (4 * len) as f64
            })
        };
        (*bytes, best(&read) / 1e9)
    });
    Ok(Limits { gflops, bandwidth: bandwidth.collect() })
}

/// Units a second of `work`, which says how many it did.
fn rate(time: Duration, mut work: impl FnMut() -> f64) -> f64 {
    work();
    let (start, mut done) = (Instant::now(), 0.0);
    while start.elapsed() < time {
        done += work();
    }
    done / start.elapsed().as_secs_f64()
}

/// Chains of multiply-adds that do not wait for each other: enough for two units with a latency of four to six.
const CHAINS: usize = 12;

/// Some microseconds of multiply-adds in registers; returns their operations.
#[inline(always)]
fn multiply_adds<S: Simd>(simd: S) -> f64 {
    const TURNS: usize = 2000;
    simd.vectorize(
        #[inline(always)]
        || {
            let mut chains = [S::f32s::splat(simd, black_box(1.0)); CHAINS];
            let (a, b) = (S::f32s::splat(simd, black_box(0.5)), S::f32s::splat(simd, black_box(0.25)));
            for _ in 0..TURNS {
                for c in &mut chains {
                    *c = c.mul_add(a, b);
                }
            }
            black_box(chains.map(|c| c.as_slice()[0]));
        },
    );
    (2 * TURNS * CHAINS * S::f32s::LEN) as f64
}

/// The sum of `x`, as fast as it can be read.
#[inline(always)]
fn sum<S: Simd>(simd: S, x: &[f32]) -> f32 {
    simd.vectorize(
        #[inline(always)]
        || {
            let lanes = S::f32s::LEN;
            let [mut p, mut q, mut r, mut t] = [S::f32s::splat(simd, 0.0); 4];
            for chunk in x.chunks_exact(4 * lanes) {
                let (near, far) = chunk.split_at(2 * lanes);
                let ((a, b), (c, d)) = (near.split_at(lanes), far.split_at(lanes));
                p += S::f32s::from_slice(simd, a);
                q += S::f32s::from_slice(simd, b);
                r += S::f32s::from_slice(simd, c);
                t += S::f32s::from_slice(simd, d);
            }
            let total = (p + q) + (r + t);
            total.as_slice().iter().sum()
        },
    )
}
