//! Moons and spirals.

use super::draw;
use crate::labelled::Labelled;
use layerwise_tensor::{Scalar, Stream};
use ndarray::Array2;
use std::f64::consts::PI;

/// Two half circles that grip each other, as scikit-learn's `make_moons`: class 0 above, class 1 below, in turn.
pub fn moons<T: Scalar>(n: usize, noise: f64, stream: &Stream) -> Labelled<T> {
    let angle = draw::uniform(stream, "angle", n, 0.0, PI);
    curve("moons", n, noise, stream, |i| {
        let (sin, cos) = angle[i].sin_cos();
        if i % 2 == 0 { [cos, sin] } else { [1.0 - cos, 0.5 - sin] }
    })
}

/// Two spirals of `turns` turns from the origin to radius 1, half a turn apart: class 0 and 1, in turn. After K. J. Lang and M. J. Witbrock,
/// "Learning to tell two spirals apart" (1988), with points equally likely along the radius.
pub fn spirals<T: Scalar>(n: usize, turns: f64, noise: f64, stream: &Stream) -> Labelled<T> {
    let radius = draw::uniform(stream, "radius", n, 0.05, 1.0);
    curve("spirals", n, noise, stream, |i| {
        let (sin, cos) = (2.0 * PI * turns * radius[i] + PI * (i % 2) as f64).sin_cos();
        [radius[i] * cos, radius[i] * sin]
    })
}

/// Points of two classes in turn, with normal noise on each coordinate.
fn curve<T: Scalar>(
    name: &str,
    n: usize,
    noise: f64,
    stream: &Stream,
    point: impl Fn(usize) -> [f64; 2],
) -> Labelled<T> {
    let moved = draw::normal(stream, "noise", 2 * n, 0.0, noise);
    let x = Array2::from_shape_fn((n, 2), |(i, j)| T::of(point(i)[j] + moved[2 * i + j]));
    Labelled::new(name, x, (0..n).map(|i| (i % 2) as u32).collect(), 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moons_lie_on_their_circles() {
        let data = moons::<f64>(200, 0.0, &Stream::new(4));
        for (x, &y) in data.x.rows().into_iter().zip(&data.y) {
            let center = if y == 0 { [0.0, 0.0] } else { [1.0, 0.5] };
            assert!(((x[0] - center[0]).hypot(x[1] - center[1]) - 1.0).abs() < 1e-12);
            assert!(if y == 0 { x[1] >= 0.0 } else { x[1] <= 0.5 });
        }
        assert_eq!(data.counts(), [100, 100]);
    }

    #[test]
    fn the_spirals_are_each_other_turned_by_half() {
        let data = spirals::<f64>(400, 1.5, 0.0, &Stream::new(4));
        for (x, &y) in data.x.rows().into_iter().zip(&data.y) {
            let r = x[0].hypot(x[1]);
            let phase = (x[1].atan2(x[0]) - 3.0 * PI * r - PI * f64::from(y)).rem_euclid(2.0 * PI);
            assert!(phase.min(2.0 * PI - phase) < 1e-9);
        }
    }

    #[test]
    fn noise_has_the_spread_asked_for() {
        let (plain, noisy) = (moons::<f64>(4000, 0.0, &Stream::new(4)), moons::<f64>(4000, 0.2, &Stream::new(4)));
        let d = &noisy.x - &plain.x;
        let std = (d.iter().map(|v| v * v).sum::<f64>() / d.len() as f64).sqrt();
        assert!((std - 0.2).abs() < 0.01, "{std}");
    }
}
