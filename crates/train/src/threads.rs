//! How many threads a fit or a prediction has.

use layerwise_tensor::kernel::team;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::TrainError;

/// The threads that work runs on: those of the pool the caller is in, a pool of its own, or the caller alone.
#[derive(Debug)]
pub(crate) struct Threads(Option<ThreadPool>);

impl Threads {
    /// `count` threads; 0 for those of the rayon pool the caller is in or, outside any pool, one for each core.
    pub(crate) fn new(count: usize) -> Result<Self, TrainError> {
        // Outside a pool rayon must not be asked for its number of threads: that would start its global pool.
        let here = rayon::current_thread_index().map_or(1, |_| rayon::current_num_threads());
        let count = match count {
            0 if rayon::current_thread_index().is_some() => here,
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        if count == here {
            return Ok(Self(None));
        }
        let pool = ThreadPoolBuilder::new().num_threads(count).thread_name(|i| format!("layerwise-{i}")).build();
        pool.map(|p| Self(Some(p))).map_err(|e| TrainError::Setting {
            name: "threads",
            problem: format!(
                "{count} threads could not be started ({e}); choose fewer, or 1 to use none but the caller's"
            ),
        })
    }

    /// `f` on these threads, as a team that stays awake until it ends.
    pub(crate) fn run<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        match &self.0 {
            Some(pool) => pool.install(|| team(f)),
            None => team(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(count: usize) -> Option<usize> {
        Threads::new(count).unwrap().run(|| rayon::current_thread_index().map(|_| rayon::current_num_threads()))
    }

    #[test]
    fn outside_a_pool_all_cores_or_as_many_as_asked_for() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        assert_eq!(seen(0).unwrap_or(1), cores);
        assert_eq!(seen(1), None, "one thread is the caller's own");
        assert_eq!(seen(3), Some(3));
    }

    #[test]
    fn inside_a_pool_its_threads_unless_asked_for_others() {
        let pool = ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        assert_eq!(pool.install(|| [seen(0), seen(1), seen(2), seen(3)]), [Some(2), Some(1), Some(2), Some(3)]);
    }
}
