//! Who executes what: tiles with fixed edges, handed to the workers of the current pool.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::team::{Helpers, helpers, share};

/// Whether a kernel may use the other workers of the current pool.
///
/// The answer never changes a bit of the result: tile edges depend on shapes and element type only, and every sum has a fixed order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Par {
    /// Stay on the calling thread.
    Seq,
    /// Use the rayon pool the caller runs in, where the work is above a cut-over. Outside any pool the caller works alone: wrap the
    /// training loop in [`rayon::ThreadPool::install`](https://docs.rs/rayon/latest/rayon/struct.ThreadPool.html#method.install).
    #[default]
    Auto,
}

impl Par {
    /// Whether to hand the tiles of a pass over so many values to other workers.
    pub(crate) fn splits(self, values: usize) -> bool {
        self.shares(values, CUT_OVER_VALUES)
    }

    /// Whether work of this size is worth sharing: from `least` on with a team, which is awake, else from eight times as much.
    pub(super) fn shares(self, size: usize, least: usize) -> bool {
        self == Par::Auto
            && size >= least
            && match helpers() {
                Helpers::Nobody => false,
                Helpers::Team(_) => true,
                Helpers::Pool => size >= 8 * least,
            }
    }
}

/// Buffers that are cut at the same places: the pieces of a parallel pass.
///
/// Slices are cut element by element, [`Rows`] and [`RowsMut`] row by row, tuples and arrays part by part. An *empty* buffer stays
/// empty on both sides: it stands for one that was not asked for.
pub trait Parts: Send + Sized {
    /// The first `at` places, and the rest.
    fn cut(self, at: usize) -> (Self, Self);
}

/// A matrix that is cut between rows.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T> {
    /// Length of a row.
    pub cols: usize,
    /// Row-major values.
    pub data: &'a [T],
}

/// A matrix to change, cut between rows.
#[derive(Debug)]
pub struct RowsMut<'a, T> {
    /// Length of a row.
    pub cols: usize,
    /// Row-major values.
    pub data: &'a mut [T],
}

impl Parts for () {
    fn cut(self, _at: usize) -> (Self, Self) {
        ((), ())
    }
}

impl<T: Sync> Parts for &[T] {
    fn cut(self, at: usize) -> (Self, Self) {
        if self.is_empty() { (self, self) } else { self.split_at(at) }
    }
}

impl<T: Send> Parts for &mut [T] {
    fn cut(self, at: usize) -> (Self, Self) {
        if self.is_empty() { (self, &mut []) } else { self.split_at_mut(at) }
    }
}

impl<T: Sync> Parts for Rows<'_, T> {
    fn cut(self, at: usize) -> (Self, Self) {
        let (a, b) = self.data.cut(at * self.cols);
        (Rows { cols: self.cols, data: a }, Rows { cols: self.cols, data: b })
    }
}

impl<T: Send> Parts for RowsMut<'_, T> {
    fn cut(self, at: usize) -> (Self, Self) {
        let (a, b) = self.data.cut(at * self.cols);
        (RowsMut { cols: self.cols, data: a }, RowsMut { cols: self.cols, data: b })
    }
}

impl<P: Parts> Parts for Option<P> {
    fn cut(self, at: usize) -> (Self, Self) {
        self.map_or((None, None), |p| {
            let (a, b) = p.cut(at);
            (Some(a), Some(b))
        })
    }
}

impl<A: Parts, B: Parts> Parts for (A, B) {
    fn cut(self, at: usize) -> (Self, Self) {
        let ((a, c), (b, d)) = (self.0.cut(at), self.1.cut(at));
        ((a, b), (c, d))
    }
}

impl<A: Parts, B: Parts, C: Parts> Parts for (A, B, C) {
    fn cut(self, at: usize) -> (Self, Self) {
        let ((a, d), (b, e), (c, f)) = (self.0.cut(at), self.1.cut(at), self.2.cut(at));
        ((a, b, c), (d, e, f))
    }
}

impl<A: Parts, B: Parts, C: Parts, D: Parts> Parts for (A, B, C, D) {
    fn cut(self, at: usize) -> (Self, Self) {
        let (((a, b), (e, f)), ((c, d), (g, h))) = ((self.0, self.1).cut(at), (self.2, self.3).cut(at));
        ((a, b, c, d), (e, f, g, h))
    }
}

impl<P: Parts, const N: usize> Parts for [P; N] {
    fn cut(self, at: usize) -> (Self, Self) {
        let mut rest = [const { None }; N];
        let mut slots = rest.iter_mut();
        let first = self.map(|p| {
            let (a, b) = p.cut(at);
            if let Some(slot) = slots.next() {
                *slot = Some(b);
            }
            a
        });
        (first, rest.map(|p| p.unwrap_or_else(|| unreachable!("as many rests as parts"))))
    }
}

/// `f(first row, rows)` for tiles of whole rows of `data`, `(rows, cols)`.
///
/// # Panics
/// If `data` is not made of whole rows.
#[track_caller]
pub fn for_tiles<T: Send>(cols: usize, data: &mut [T], par: Par, f: impl Fn(usize, &mut [T]) + Sync) {
    let rows = whole_rows("for_tiles", cols, data.len());
    for_row_parts(rows, cols, RowsMut { cols, data }, par, |rows, part| f(rows.start, part.data));
}

/// `f(first row, rows of a, rows of b)` for the same tiles of whole rows of two buffers of one shape.
///
/// # Panics
/// If the buffers differ in length or are not made of whole rows.
#[track_caller]
pub fn for_tiles2<T: Send>(
    cols: usize,
    a: &mut [T],
    b: &mut [T],
    par: Par,
    f: impl Fn(usize, &mut [T], &mut [T]) + Sync,
) {
    assert_eq!(a.len(), b.len(), "for_tiles2: a holds {} values, b {}", a.len(), b.len());
    let rows = whole_rows("for_tiles2", cols, a.len());
    let parts = (RowsMut { cols, data: a }, RowsMut { cols, data: b });
    for_row_parts(rows, cols, parts, par, |rows, (a, b)| f(rows.start, a.data, b.data));
}

/// `f(range, parts)` for tiles of `rows` rows; the height of a tile follows from `cols`, the width of the widest buffer.
pub fn for_row_parts<P: Parts>(rows: usize, cols: usize, parts: P, par: Par, f: impl Fn(Range<usize>, P) + Sync) {
    let step = (TILE_VALUES / cols.max(1)).max(1);
    run(0..rows, step, par.splits(rows * cols), parts, &f);
}

/// `f(range)` for the fixed chunks of `0..n`: a flat pass that only reads.
pub fn for_chunks(par: Par, n: usize, f: impl Fn(Range<usize>) + Sync) {
    for_chunks_mut(par, n, (), |range, ()| f(range));
}

/// `f(range, parts)` for the fixed chunks of `0..n`, with each buffer of `parts` cut at the same places.
///
/// ```
/// use layerwise_tensor::kernel::{Par, for_chunks_mut};
/// let (mut w, g) = (vec![1.0f32; 100], vec![0.5f32; 100]);
/// for_chunks_mut(Par::Auto, w.len(), (&mut w[..], &g[..]), |_, (w, g)| {
///     for (w, g) in w.iter_mut().zip(g) {
///         *w -= 0.1 * g;
///     }
/// });
/// assert_eq!(w[99], 0.95);
/// ```
pub fn for_chunks_mut<P: Parts>(par: Par, n: usize, parts: P, f: impl Fn(Range<usize>, P) + Sync) {
    run(0..n, TILE_VALUES, par.splits(n), parts, &f);
}

/// Tiles executed since the start of the program or the last [`reset_work_log`], by each worker of the pool.
///
/// It shows that several workers really took part; it is no measure of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkLog {
    /// Number of tiles by index of the worker (the last place counts all workers from there on).
    pub tiles: [u64; WORKERS],
}

impl WorkLog {
    /// How many workers executed at least one tile.
    pub fn workers(&self) -> usize {
        self.tiles.iter().filter(|n| **n > 0).count()
    }

    /// Tiles of all workers together.
    pub fn total(&self) -> u64 {
        self.tiles.iter().sum()
    }
}

/// The tiles executed by each worker so far; work outside any pool is not counted.
pub fn work_log() -> WorkLog {
    WorkLog { tiles: std::array::from_fn(|i| EXECUTED[i].0.load(Ordering::Relaxed)) }
}

/// Sets all counts of [`work_log`] to zero.
pub fn reset_work_log() {
    for n in &EXECUTED {
        n.0.store(0, Ordering::Relaxed);
    }
}

/// Places of a [`WorkLog`].
pub const WORKERS: usize = 64;

/// Values of a tile in passes over memory: some two microseconds of a core.
pub(super) const TILE_VALUES: usize = 4 * 1024;
/// From here on a pass over memory is shared among the members of a team.
const CUT_OVER_VALUES: usize = 2 * TILE_VALUES;

/// A count on a cache line of its own, so that workers do not wait for each other.
#[repr(align(64))]
struct Count(AtomicU64);

static EXECUTED: [Count; WORKERS] = [const { Count(AtomicU64::new(0)) }; WORKERS];

/// Calls `f` for the tiles of `range`, `step` places each (the last may be smaller); other workers take part if `split`.
///
/// Allocates nothing. The edges are `range.start + i * step` whoever works.
pub(super) fn run<P: Parts, F: Fn(Range<usize>, P) + Sync>(
    range: Range<usize>,
    step: usize,
    split: bool,
    parts: P,
    f: &F,
) {
    if split && range.len() > step {
        shared(range, step, parts, f);
    } else {
        one_by_one(range, step, parts, f);
    }
}

/// All tiles on this thread, in order. Not inlined, since every pass would hold it twice.
#[inline(never)]
fn one_by_one<P: Parts, F: Fn(Range<usize>, P)>(range: Range<usize>, step: usize, parts: P, f: &F) {
    let mut rest = parts;
    let mut start = range.start;
    while start < range.end {
        let end = range.end.min(start + step);
        let (tile, after) = rest.cut(end - start);
        count_tile();
        f(start..end, tile);
        rest = after;
        start = end;
    }
}

/// Shares that the work is cut into at most, each some tiles side by side. Room for more costs every pass: with 64 a step of many small
/// passes took up to 1 % longer.
const SHARES: usize = 32;

/// The tiles by all workers there are, in shares that each of them takes as it comes to them.
fn shared<P: Parts, F: Fn(Range<usize>, P) + Sync>(range: Range<usize>, step: usize, parts: P, f: &F) {
    let tiles = range.len().div_ceil(step);
    let count = shares_of(tiles);
    let edge = |share: usize| range.len().min(tiles * share / count * step);
    let mut rest = Some(parts);
    let shares: [Mutex<Option<P>>; SHARES] = std::array::from_fn(|share| {
        let cut = if share < count { rest.take().map(|r| r.cut(edge(share + 1) - edge(share))) } else { None };
        Mutex::new(cut.map(|(mine, after)| {
            rest = Some(after);
            mine
        }))
    });
    each_share(count, &|share| {
        // Never contended for longer than a `take`.
        let mine = shares[share].lock().map_or(None, |mut s| s.take());
        if let Some(mine) = mine {
            one_by_one(range.start + edge(share)..range.start + edge(share + 1), step, mine, f);
        }
    });
}

// What follows knows nothing of the parts of a pass, so that it is compiled once and not for every pass of every crate.

/// How many shares so many tiles are cut into: some for each worker, so that one who is late holds nobody up for long.
fn shares_of(tiles: usize) -> usize {
    let workers = match helpers() {
        Helpers::Team(workers) => workers,
        Helpers::Pool => rayon::current_num_threads(),
        Helpers::Nobody => 1,
    };
    tiles.min(4 * workers).min(SHARES)
}

/// `work(share)` for every share; it may be called for a share again, by another worker.
fn each_share(count: usize, work: &(dyn Fn(usize) + Sync)) {
    match helpers() {
        // Each begins with the shares of its own place, the same in every pass over the same buffers, and goes on with what others
        // have left.
        Helpers::Team(workers) => share(&|place| {
            for i in 0..count {
                work((place * count / workers + i) % count);
            }
        }),
        Helpers::Pool => halves(0..count, work),
        Helpers::Nobody => (0..count).for_each(work),
    }
}

/// `work` for every share, halves of them offered to idle workers of the pool.
fn halves(shares: Range<usize>, work: &(dyn Fn(usize) + Sync)) {
    let middle = usize::midpoint(shares.start, shares.end);
    if middle == shares.start {
        shares.for_each(work);
    } else {
        rayon::join(|| halves(shares.start..middle, work), || halves(middle..shares.end, work));
    }
}

/// Counts a tile for the worker of the pool that this thread is.
fn count_tile() {
    if let Some(worker) = rayon::current_thread_index() {
        EXECUTED[worker.min(WORKERS - 1)].0.fetch_add(1, Ordering::Relaxed);
    }
}

#[track_caller]
fn whole_rows(op: &str, cols: usize, len: usize) -> usize {
    let rows = len.checked_div(cols).unwrap_or(0);
    assert!(rows * cols == len, "{op}: {len} values are not whole rows of {cols}");
    rows
}
