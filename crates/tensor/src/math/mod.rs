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

/// What level [`vectorize`] chooses on this processor.
pub fn cpu_level() -> &'static str {
    "baseline"
}

/// What [`Scalar`] needs from this module; not for use by name.
#[doc(hidden)]
pub trait Native: Copy {
    fn v_exp(self) -> Self;
    fn v_exp_m1(self) -> Self;
    fn v_log(self) -> Self;
    fn v_log_1p(self) -> Self;
    fn v_tanh(self) -> Self;
    fn v_sigmoid(self) -> Self;
    fn v_erf(self) -> Self;
    fn v_softplus(self) -> Self;
}

macro_rules! native {
    ($t:ty) => {
        impl Native for $t {
            fn v_exp(self) -> Self {
                self.exp()
            }
            fn v_exp_m1(self) -> Self {
                self.exp_m1()
            }
            fn v_log(self) -> Self {
                self.ln()
            }
            fn v_log_1p(self) -> Self {
                self.ln_1p()
            }
            fn v_tanh(self) -> Self {
                self.tanh()
            }
            fn v_sigmoid(self) -> Self {
                1.0 / (1.0 + (-self).exp())
            }
            fn v_erf(self) -> Self {
                self.tanh()
            }
            fn v_softplus(self) -> Self {
                self.max(0.0) + (-self.abs()).exp().ln_1p()
            }
        }
    };
}
native!(f32);
native!(f64);
