//! The working memory of a thread, allocated at its first product and never again.

use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::cell::RefCell;
use std::ptr::NonNull;

/// Longest chunk of a sum: a panel of so many terms stays in the innermost cache.
const DEPTH: usize = 256;
/// Most rows of `A` that are packed at a time; they stay in the second cache.
pub(super) const STRIP: usize = 264;

/// Bytes of the packed rows of `A`, of a packed panel of `B`, of a whole packed factor, and of a turned result.
const SIZES: [usize; 4] = [STRIP * DEPTH * 8, DEPTH * PANEL, WHOLE, TURNED];
/// Bytes of a row of a panel of `B`: two vectors at the widest.
const PANEL: usize = 128;
const WHOLE: usize = 1 << 20;
const TURNED: usize = 1 << 18;
const LINE: usize = 64;

/// Length of the chunks of the sums, even but for the last.
#[inline(always)]
pub(super) fn depth(k: usize) -> usize {
    k.div_ceil(k.div_ceil(DEPTH))
}

/// Where a product packs what it reads, in elements of `T`, each place at the start of a line.
#[derive(Clone, Copy)]
pub(super) struct Places<T> {
    /// [`STRIP`] rows of `A`, as long as a chunk.
    pub(super) rows: *mut T,
    /// A panel of `B`.
    pub(super) panel: *mut T,
    /// A whole factor: [`Places::WHOLE`] elements.
    pub(super) whole: *mut T,
    /// A strip of the transposed result: [`Places::TURNED`] elements.
    pub(super) turned: *mut T,
}

impl<T> Places<T> {
    pub(super) const WHOLE: usize = WHOLE / size_of::<T>();
    pub(super) const TURNED: usize = TURNED / size_of::<T>();
}

/// Calls `f` with the memory of this thread.
pub(super) fn with_memory<T, R>(f: impl FnOnce(Places<T>) -> R) -> R {
    thread_local! {
        static MEMORY: RefCell<Memory> = RefCell::new(Memory::new());
    }
    MEMORY.with(|memory| {
        // Borrowed as long as `f` runs: a product inside of a product would panic, not write over it.
        let memory = memory.borrow_mut();
        let (start, mut at) = (memory.start(), 0);
        let [rows, panel, whole, turned] = SIZES.map(|size| {
            // SAFETY: the sizes add up to that of the memory.
            let place = unsafe { start.add(at) };
            at += size;
            place.cast().as_ptr()
        });
        f(Places { rows, panel, whole, turned })
    })
}

struct Memory(NonNull<u8>);

impl Memory {
    /// A line more, to begin at the start of one: memory of this alignment comes without a page touched, of a higher one it does not.
    fn layout() -> Layout {
        let size = SIZES.iter().sum::<usize>() + LINE;
        Layout::from_size_align(size, 1).unwrap_or_else(|_| unreachable!("a constant of some megabytes"))
    }

    fn new() -> Self {
        let layout = Self::layout();
        // Zeroed, since then the system hands over no page before it is used.
        // SAFETY: the size is not zero.
        let place = unsafe { alloc_zeroed(layout) };
        Self(NonNull::new(place).unwrap_or_else(|| handle_alloc_error(layout)))
    }

    /// The start of the first line.
    fn start(&self) -> NonNull<u8> {
        // SAFETY: the memory is longer than the sizes by a line.
        unsafe { self.0.add(self.0.as_ptr().align_offset(LINE)) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { std::alloc::dealloc(self.0.as_ptr(), Self::layout()) }
    }
}
