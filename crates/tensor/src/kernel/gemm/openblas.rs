//! The system's OpenBLAS, by the feature `openblas`: plain calls of its C interface.

use std::ffi::{CStr, c_char, c_int};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Once, OnceLock};

use super::{Block, Form};

/// # Safety
/// As [`super::Product::product`].
pub(super) unsafe fn sgemm(b: &Block<f32>) {
    one_thread();
    let [m, n, k, lda, ldb, ldc] = sizes(b);
    let ((ta, tb), beta) = (transposed(b.form), if b.add { 1.0 } else { 0.0 });
    // SAFETY: by the caller's promise pointers, sizes and strides describe matrices that are alive and `C` is ours alone.
    unsafe { cblas_sgemm(ROW_MAJOR, ta, tb, m, n, k, 1.0, b.a, lda, b.b, ldb, beta, b.c, ldc) }
}

/// # Safety
/// As [`super::Product::product`].
pub(super) unsafe fn dgemm(b: &Block<f64>) {
    one_thread();
    let [m, n, k, lda, ldb, ldc] = sizes(b);
    let ((ta, tb), beta) = (transposed(b.form), if b.add { 1.0 } else { 0.0 });
    // SAFETY: by the caller's promise pointers, sizes and strides describe matrices that are alive and `C` is ours alone.
    unsafe { cblas_dgemm(ROW_MAJOR, ta, tb, m, n, k, 1.0, b.a, lda, b.b, ldb, beta, b.c, ldc) }
}

/// Version and core, such as `openblas 0.3.21 Haswell`.
pub(super) fn name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        // SAFETY: both functions take nothing and return strings that end in zero and live as long as the library.
        let (config, core) =
            unsafe { (CStr::from_ptr(openblas_get_config()), CStr::from_ptr(openblas_get_corename())) };
        let (config, core) = (config.to_string_lossy(), core.to_string_lossy());
        let version = config.split_whitespace().nth(1).unwrap_or("of unknown version");
        format!("openblas {version} {core}")
    })
}

/// From now on the number of threads is left alone.
pub(super) fn keep_threads() {
    KEEP.store(true, Ordering::Relaxed);
}

/// Sets OpenBLAS to one thread, once: its own threads would fight with the pool's, and cut sums by their number.
fn one_thread() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if KEEP.load(Ordering::Relaxed) {
            log::warn!("{} keeps its own threads: results may depend on their number", name());
            return;
        }
        // SAFETY: an ordinary setter of the library, called once, before the first product.
        unsafe { openblas_set_num_threads(1) };
        log::info!("{} set to one thread: the tiles of a product are shared by the caller's pool", name());
    });
}

fn sizes<T>(b: &Block<T>) -> [c_int; 6] {
    [b.m, b.n, b.k, b.lda, b.ldb, b.ldc].map(|v| {
        c_int::try_from(v).unwrap_or_else(|_| panic!("a matrix with an edge of {v} is too large for this BLAS"))
    })
}

fn transposed(form: Form) -> (c_int, c_int) {
    match form {
        Form::Nn => (PLAIN, PLAIN),
        Form::Tn => (TRANSPOSED, PLAIN),
        Form::Nt => (PLAIN, TRANSPOSED),
    }
}

static KEEP: AtomicBool = AtomicBool::new(false);

const ROW_MAJOR: c_int = 101;
const PLAIN: c_int = 111;
const TRANSPOSED: c_int = 112;

unsafe extern "C" {
    fn cblas_sgemm(
        order: c_int,
        trans_a: c_int,
        trans_b: c_int,
        m: c_int,
        n: c_int,
        k: c_int,
        alpha: f32,
        a: *const f32,
        lda: c_int,
        b: *const f32,
        ldb: c_int,
        beta: f32,
        c: *mut f32,
        ldc: c_int,
    );
    fn cblas_dgemm(
        order: c_int,
        trans_a: c_int,
        trans_b: c_int,
        m: c_int,
        n: c_int,
        k: c_int,
        alpha: f64,
        a: *const f64,
        lda: c_int,
        b: *const f64,
        ldb: c_int,
        beta: f64,
        c: *mut f64,
        ldc: c_int,
    );
    fn openblas_set_num_threads(threads: c_int);
    fn openblas_get_config() -> *const c_char;
    fn openblas_get_corename() -> *const c_char;
}
