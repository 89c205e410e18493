//! Elementary functions as branch-free polynomials, one element at a time, that vectorise in plain loops.
//!
//! Each function is generic over [`Scalar`](crate::Scalar), inlined, made of fused multiply-adds, selections and bit operations only, and never calls
//! the system's mathematics library: the bits of a result depend neither on the platform nor on the vector level nor on the place of an
//! element in a slice. Put the loop into [`vectorize`].
//!
//! Errors are in units in the last place (ulp): of the exact result's distance to the next value of the type. Tests hold those of `f32`
//! over every value there is, those of `f64` on samples of the whole range, against references that err by up to 1 ulp.

mod coefficients;
mod erf;
mod exp;
mod level;
mod log;
mod native;
mod sigmoid;
#[cfg(test)]
mod tests;
mod trig;

pub use erf::{erf, normal, normal_cdf, normal_pdf};
pub use exp::{exp, exp_m1};
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
pub(crate) use level::{avx2, avx512};
pub use level::{cpu_level, limit_to_avx2, vectorize};
pub use log::{log, log_1p, softplus};
#[doc(hidden)]
pub use native::Native;
pub use sigmoid::{sigmoid, tanh};
pub(crate) use trig::sin_cos_of_turn;
