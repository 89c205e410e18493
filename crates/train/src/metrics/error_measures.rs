//! Distances between outputs and values.

use layerwise_tensor::Scalar;
use ndarray::ArrayView2;

use crate::error::TrainError;

/// Mean squared error over all elements: `mean((y - t)^2)`.
///
/// # Errors
/// If the shapes differ, there is no element, or one is NaN.
pub fn mse<T: Scalar>(outputs: ArrayView2<'_, T>, targets: ArrayView2<'_, T>) -> Result<f64, TrainError> {
    mean_of("mse", outputs, targets, |d| d * d)
}

/// Mean absolute error over all elements: `mean(|y - t|)`.
///
/// # Errors
/// If the shapes differ, there is no element, or one is NaN.
pub fn mae<T: Scalar>(outputs: ArrayView2<'_, T>, targets: ArrayView2<'_, T>) -> Result<f64, TrainError> {
    mean_of("mae", outputs, targets, f64::abs)
}

fn mean_of<T: Scalar>(
    metric: &'static str,
    outputs: ArrayView2<'_, T>,
    targets: ArrayView2<'_, T>,
    f: fn(f64) -> f64,
) -> Result<f64, TrainError> {
    if outputs.dim() != targets.dim() {
        let message =
            format!("outputs of shape {:?} were given for targets of shape {:?}", outputs.dim(), targets.dim());
        return Err(TrainError::metric(metric, message));
    }
    if outputs.is_empty() {
        return Err(TrainError::metric(metric, "there is no element, so there is nothing to measure"));
    }
    let mut sum = 0.0;
    for (y, t) in outputs.iter().zip(targets) {
        sum += f(y.as_f64() - t.as_f64());
    }
    if sum.is_nan() {
        return Err(TrainError::metric(metric, "an output or a target is NaN; look for missing values in the data"));
    }
    Ok(sum / outputs.len() as f64)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn by_hand() {
        let (y, t) = (array![[1.0f32, 2.0], [3.0, 4.0]], array![[0.0f32, 2.0], [5.0, 4.0]]);
        assert_eq!(mse(y.view(), t.view()).unwrap(), 1.25);
        assert_eq!(mae(y.view(), t.view()).unwrap(), 0.75);
    }

    #[test]
    fn refuses_what_has_no_mean() {
        let y = array![[1.0, f64::NAN]];
        assert!(mse(y.view(), y.view()).unwrap_err().to_string().contains("NaN"));
        assert!(mse(y.view(), array![[1.0]].view()).unwrap_err().to_string().contains("(1, 2)"));
    }
}
