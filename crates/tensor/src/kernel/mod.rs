//! Kernels over slices (stub).

/// What [`crate::Scalar`] needs from the kernels; not for use by name.
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

/// Sum of squares in `f64`, in a fixed order.
pub fn sum_of_squares<T: crate::Scalar>(x: &[T]) -> f64 {
    x.iter().map(|v| v.as_f64() * v.as_f64()).sum()
}
