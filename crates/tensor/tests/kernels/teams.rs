//! A team: who works, what a panic does, and what becomes of the pool afterwards.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use layerwise_tensor::kernel::{Par, for_chunks, for_chunks_mut, team};

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a small pool")
}

/// One pass after the other, each over what the last one left.
#[test]
fn every_value_is_touched_once_in_each_pass() {
    for threads in [1, 2, 3, 8] {
        let mut values = vec![0u32; 300_001];
        pool(threads).install(|| {
            team(|| {
                for pass in 0..200 {
                    for_chunks_mut(Par::Auto, values.len(), &mut values[..], |_, part| {
                        part.iter_mut().for_each(|v| *v += u32::from(*v == pass));
                    });
                }
            });
        });
        assert!(values.iter().all(|v| *v == 200), "{threads} threads");
    }
}

/// Whoever is first to execute a tile waits there for the other one: on a busy machine a thread may begin late, but it must come.
#[test]
fn both_workers_take_part_in_one_pass() {
    let seen = [const { AtomicUsize::new(0) }; 2];
    let both = || seen.iter().all(|n| n.load(Ordering::Relaxed) > 0);
    let begun = Instant::now();
    pool(2).install(|| {
        team(|| {
            for_chunks(Par::Auto, 100_000, |_| {
                let worker = rayon::current_thread_index().expect("a worker of the pool");
                seen[worker].fetch_add(1, Ordering::Relaxed);
                while !both() && begun.elapsed() < Duration::from_secs(60) {
                    std::thread::yield_now();
                }
            });
        });
    });
    assert!(both(), "only one worker executed tiles of the pass, though its first tile waited a minute for the other");
}

#[test]
fn a_panic_of_any_tile_comes_out_and_the_pool_lives_on() {
    let pool = pool(3);
    for tile in [0, 5, 24] {
        let result = catch_unwind(AssertUnwindSafe(|| {
            pool.install(|| {
                team(|| {
                    for_chunks(Par::Auto, 100_000, |range| assert!(range.start / 4096 != tile, "tile {tile} fails"));
                });
            });
        }));
        let panic = result.expect_err("a tile panicked");
        assert_eq!(panic.downcast_ref::<String>().map(String::as_str), Some(&*format!("tile {tile} fails")));
        assert_eq!(pool.install(|| team(|| rayon::join(|| 1, || 2))), (1, 2));
    }
}

#[test]
fn teams_and_passes_nest() {
    let sum = AtomicUsize::new(0);
    let count = |n: usize| {
        sum.fetch_add(n, Ordering::Relaxed);
    };
    pool(2).install(|| {
        team(|| {
            team(|| for_chunks(Par::Auto, 100_000, |outer| for_chunks(Par::Auto, outer.len(), |r| count(r.len()))))
        });
    });
    assert_eq!(sum.into_inner(), 100_000);
    assert_eq!(team(|| 5), 5, "outside any pool");
}
