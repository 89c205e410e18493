//! Memory in huge pages, where the system hands them out on request.

#![allow(unsafe_code)]

/// Bytes of a huge page; one begins at each multiple.
const HUGE: usize = 1 << 21;

/// Asks the system to lay `memory` in huge pages where whole ones fit; that changes speed alone.
///
/// In pages of 4 KiB, each is a fault when it is first written, and the processor's list of pages is too short for some megabytes.
/// To be asked before the first write, since what lies in small pages stays there.
pub(crate) fn in_huge_pages<T>(memory: &mut [T]) {
    let (start, bytes) = (memory.as_mut_ptr().cast::<u8>(), size_of_val(memory));
    let before = start.align_offset(HUGE);
    let whole = bytes.saturating_sub(before) / HUGE * HUGE;
    if whole > 0 {
        advise(start.wrapping_add(before), whole);
    }
}

#[cfg(target_os = "linux")]
fn advise(start: *mut u8, bytes: usize) {
    unsafe extern "C" {
        // Of the C library, which the standard library links.
        fn madvise(start: *mut u8, bytes: usize, advice: std::ffi::c_int) -> std::ffi::c_int;
    }
    /// The same number on all processors that Linux knows.
    const MADV_HUGEPAGE: std::ffi::c_int = 14;
    // Refused, as by a kernel without huge pages, it leaves everything as it was.
    // SAFETY: this advice changes no byte, whatever lies there.
    let _ = unsafe { madvise(start, bytes, MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn advise(_start: *mut u8, _bytes: usize) {}
