//! Normal clouds.

use super::draw;
use crate::labelled::Labelled;
use layerwise_tensor::{Scalar, Stream};
use ndarray::Array2;

/// `classes` normal clouds of standard deviation `std` in `dims` dimensions, their centres uniform in `[-10, 10]`, classes in
/// turn; as scikit-learn's `make_blobs`. The centres depend on the stream alone, so more points of the same stream come
/// from the same clouds.
///
/// # Panics
/// When `classes` is 0.
#[track_caller]
pub fn blobs<T: Scalar>(n: usize, classes: usize, dims: usize, std: f64, stream: &Stream) -> Labelled<T> {
    assert!(classes > 0, "blobs: at least one class is wanted");
    let centers = draw::uniform(stream, "centers", classes * dims, -10.0, 10.0);
    let moved = draw::normal(stream, "points", n * dims, 0.0, std);
    let x = Array2::from_shape_fn((n, dims), |(i, j)| T::of(centers[i % classes * dims + j] + moved[i * dims + j]));
    Labelled::new("blobs", x, (0..n).map(|i| (i % classes) as u32).collect(), classes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Axis;

    #[test]
    fn each_class_is_a_cloud_of_the_spread_asked_for() {
        let data = blobs::<f64>(3000, 3, 4, 0.5, &Stream::new(9));
        assert_eq!(data.counts(), [1000; 3]);
        for class in 0..3 {
            let members: Vec<usize> = (0..3000).filter(|i| i % 3 == class).collect();
            let cloud = data.x.select(Axis(0), &members);
            assert!(cloud.std_axis(Axis(0), 0.0).iter().all(|s| (s - 0.5).abs() < 0.05));
        }
    }
}
