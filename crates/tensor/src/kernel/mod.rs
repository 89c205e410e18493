//! Kernels over slices (stub).

/// Sum of squares in `f64`, in a fixed order.
pub fn sum_of_squares<T: crate::Scalar>(x: &[T]) -> f64 {
    x.iter().map(|v| v.as_f64() * v.as_f64()).sum()
}
