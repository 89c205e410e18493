//! Elementary functions (stub: replaced by branch-free polynomials that vectorise).

use crate::scalar::Scalar;

macro_rules! forward {
    ($($(#[$doc:meta])* $name:ident => $method:ident;)*) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub fn $name<T: Scalar>(x: T) -> T {
            x.$method()
        }
    )*};
}

forward! {
    /// `e^x`.
    exp => v_exp;
    /// `e^x - 1`.
    exp_m1 => v_exp_m1;
    /// Natural logarithm.
    log => v_log;
    /// `ln(1 + x)`.
    log_1p => v_log_1p;
    /// Hyperbolic tangent.
    tanh => v_tanh;
    /// `1 / (1 + e^-x)`.
    sigmoid => v_sigmoid;
    /// Error function.
    erf => v_erf;
    /// `ln(1 + e^x)`.
    softplus => v_softplus;
}

/// Runs `f` compiled for the widest vectors this processor has; `f` should be one `#[inline(always)]` loop over slices.
#[inline(always)]
pub fn vectorize<R>(f: impl FnOnce() -> R) -> R {
    f()
}
