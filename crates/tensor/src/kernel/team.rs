//! A team: workers of the pool that stay awake between the parallel passes of a training loop.

#![allow(unsafe_code)]

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Runs `f` while the other workers of the current pool wait, awake, for its parallel passes.
///
/// Waking a sleeping worker can cost as much as a small pass takes; a member of a team looks for work all the time. Wrap a training loop in it, inside of the pool: [`layerwise-train`'s `Trainer`] does. Members that find
/// nothing for some milliseconds nap, and nobody waits for a member that has not begun. Meanwhile the pool does nothing else on these
/// workers. Outside any pool, in a pool of one and inside another team it is just `f()`. The bits do not depend on it.
///
/// [`layerwise-train`'s `Trainer`]: https://docs.rs/layerwise-train
///
/// ```
/// use layerwise_tensor::kernel::{Par, for_chunks_mut, team};
/// let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
/// let mut w = vec![1.0f32; 100_000];
/// pool.install(|| {
///     team(|| {
///         for _ in 0..10 {
///             for_chunks_mut(Par::Auto, w.len(), &mut w[..], |_, w| w.iter_mut().for_each(|w| *w *= 0.5));
///         }
///     })
/// });
/// assert_eq!(w[99_999], 0.5f32.powi(10));
/// # Ok::<(), rayon::ThreadPoolBuildError>(())
/// ```
///
/// # Panics
/// If `f` does, or a pass of it on another worker.
pub fn team<R>(f: impl FnOnce() -> R) -> R {
    let (Some(leader), Role::None) = (rayon::current_thread_index(), ROLE.get()) else { return f() };
    let workers = rayon::current_num_threads();
    if workers < 2 {
        return f();
    }
    let team = Team {
        workers,
        state: AtomicU64::new(0),
        job: UnsafeCell::new(None),
        end: AtomicBool::new(false),
        panic: Mutex::new(None),
    };
    rayon::in_place_scope(|scope| {
        let team = &team;
        scope.spawn_broadcast(move |_, context| {
            if context.index() != leader {
                // Places in the order of the workers, the leader first.
                team.serve(if context.index() < leader { context.index() + 1 } else { context.index() });
            }
        });
        // Also where `f` panics: the members must go home, or the scope would wait for them for ever.
        let _end = OnDrop(|| {
            ROLE.set(Role::None);
            team.end.store(true, Ordering::Release);
        });
        ROLE.set(Role::Leader(team));
        f()
    })
}

/// What the current thread is to the teams.
#[derive(Clone, Copy)]
enum Role {
    None,
    Leader(*const Team),
    /// At work on a pass, as leader or member: passes within stay on this thread.
    Busy,
}

thread_local! {
    static ROLE: Cell<Role> = const { Cell::new(Role::None) };
}

/// Who may take part in a pass that the current thread begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Helpers {
    /// Nobody.
    Nobody,
    /// The members of a team of so many workers.
    Team(usize),
    /// Idle workers of the pool.
    Pool,
}

/// Whom the current thread can share a pass with.
pub(super) fn helpers() -> Helpers {
    match ROLE.get() {
        Role::Busy => Helpers::Nobody,
        // SAFETY: the role ends before the team does.
        Role::Leader(team) => Helpers::Team(unsafe { (*team).workers }),
        Role::None if rayon::current_thread_index().is_some() && rayon::current_num_threads() > 1 => Helpers::Pool,
        Role::None => Helpers::Nobody,
    }
}

/// `job(place)` by the leader and by every member that comes in time; returns when all who began have ended.
///
/// The job itself must see to it that the leader alone would finish the work.
pub(super) fn share(job: &(dyn Fn(usize) + Sync)) {
    let Role::Leader(team) = ROLE.get() else { return job(0) };
    // SAFETY: the role ends before the team does.
    let team = unsafe { &*team };
    // SAFETY: no pass is open, so nobody reads the job; `finish` below outlives every use of it.
    unsafe { *team.job.get() = Some(std::mem::transmute::<*const (dyn Fn(usize) + Sync), Job>(job)) };
    let pass = (team.state.load(Ordering::Relaxed) & PASS).wrapping_add(ONE_PASS);
    team.state.store(pass | OPEN, Ordering::Release);
    {
        let _finish = OnDrop(|| {
            team.finish();
            ROLE.set(Role::Leader(team));
        });
        ROLE.set(Role::Busy);
        job(0);
    }
    let panic = team.panic.lock().map_or(None, |mut panic| panic.take());
    if let Some(panic) = panic {
        resume_unwind(panic);
    }
}

type Job = *const (dyn Fn(usize) + Sync);

struct Team {
    workers: usize,
    /// The number of the pass, whether it is open, and how many members are at work on it.
    state: AtomicU64,
    /// The open pass; written while none is open, read by those who have entered.
    job: UnsafeCell<Option<Job>>,
    end: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: `job` is guarded by `state` as its comment says; what it points to may be called from any thread.
unsafe impl Sync for Team {}

const ONE_PASS: u64 = 1 << 32;
const PASS: u64 = !(ONE_PASS - 1);
const OPEN: u64 = 1 << 31;

/// So many looks in vain cost some 20 µs.
const SPINS: u32 = 400;
/// After that a member lets others run between its looks, and after this naps.
const AWAKE: Duration = Duration::from_millis(3);
const NAP: Duration = Duration::from_micros(200);

impl Team {
    /// Closes the pass and waits for those at work on it.
    fn finish(&self) {
        self.state.fetch_and(!OPEN, Ordering::AcqRel);
        let mut spins = 0;
        while self.state.load(Ordering::Acquire) & (OPEN - 1) > 0 {
            pause(&mut spins);
        }
    }

    /// A member's life: look for an open pass, take part, look again.
    fn serve(&self, place: usize) {
        let (mut seen, mut spins, mut idle) = (0, 0, None);
        while !self.end.load(Ordering::Acquire) {
            let state = self.state.load(Ordering::Acquire);
            if state & OPEN == 0 || state & PASS == seen {
                if spins < SPINS {
                    pause(&mut spins);
                } else if idle.get_or_insert_with(Instant::now).elapsed() < AWAKE {
                    std::thread::yield_now();
                } else {
                    std::thread::sleep(NAP);
                }
                continue;
            }
            if self.state.compare_exchange(state, state + 1, Ordering::AcqRel, Ordering::Relaxed).is_err() {
                continue;
            }
            (seen, spins, idle) = (state & PASS, 0, None);
            ROLE.set(Role::Busy);
            // SAFETY: having entered an open pass, we read its job, which lives until we have left.
            let job = unsafe { (*self.job.get()).map(|job| &*job) };
            let result = catch_unwind(AssertUnwindSafe(|| job.map(|job| job(place))));
            ROLE.set(Role::None);
            if let (Err(panic), Ok(mut place)) = (result, self.panic.lock()) {
                place.get_or_insert(panic);
            }
            self.state.fetch_sub(1, Ordering::Release);
        }
    }
}

/// A short wait; a long one, once it has been short many times, lets another thread run.
fn pause(spins: &mut u32) {
    *spins += 1;
    if *spins < 4 * SPINS { std::hint::spin_loop() } else { std::thread::yield_now() }
}

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
