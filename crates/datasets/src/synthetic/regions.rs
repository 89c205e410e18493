//! Sets in the plane by how hard they are to tell apart.

use super::draw;
use crate::labelled::Labelled;
use layerwise_tensor::{Scalar, Stream};
use ndarray::Array2;
use std::fmt;

/// A set in the square `[-1, 1]^2` that covers half of it: the sets that networks of 0, 1 and 2 hidden layers can tell
/// apart (R. P. Lippmann, "An introduction to computing with neural nets", 1987).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Region {
    /// One side of an oblique line: no hidden layer is needed.
    HalfPlane,
    /// Between two parallel lines: convex and open.
    Strip,
    /// A triangle: convex and closed.
    Triangle,
    /// A disc.
    Disc,
    /// The union of two discs apart: not convex.
    TwoDiscs,
    /// Between two circles: has a hole.
    Ring,
    /// Where the coordinates have opposite signs.
    Xor,
}

impl Region {
    /// All of them, the simplest first.
    pub const ALL: [Self; 7] =
        [Self::HalfPlane, Self::Strip, Self::Triangle, Self::Disc, Self::TwoDiscs, Self::Ring, Self::Xor];

    /// Its name in configurations and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::HalfPlane => "half_plane",
            Self::Strip => "strip",
            Self::Triangle => "triangle",
            Self::Disc => "disc",
            Self::TwoDiscs => "two_discs",
            Self::Ring => "ring",
            Self::Xor => "xor",
        }
    }

    /// Whether it is convex.
    pub fn is_convex(self) -> bool {
        matches!(self, Self::HalfPlane | Self::Strip | Self::Triangle | Self::Disc)
    }

    /// Whether the point lies in it.
    pub fn contains(self, x: f64, y: f64) -> bool {
        // Radii such that the area is 2, half of the square's.
        let disc = (2.0 / std::f64::consts::PI).sqrt();
        let small = disc / 2f64.sqrt();
        let r = x.hypot(y);
        match self {
            Self::HalfPlane => x + 0.5 * y > 0.0,
            Self::Strip => (x + 0.5 * y).abs() < 0.5,
            Self::Triangle => y < 1.0 - 2.0 * x.abs(),
            Self::Disc => r < disc,
            Self::TwoDiscs => (x - 0.43).hypot(y - 0.43) < small || (x + 0.43).hypot(y + 0.43) < small,
            Self::Ring => r > 0.45 && r < 0.45f64.hypot(disc),
            Self::Xor => (x < 0.0) != (y < 0.0),
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `n` points uniform in `[-1, 1]^2`, class 1 inside the region; afterwards each coordinate is moved by a normal number of
/// standard deviation `noise`.
///
/// ```
/// use layerwise_datasets::synthetic::{regions, Region};
/// use layerwise_tensor::Stream;
/// let data = regions::<f32>(Region::Ring, 500, 0.0, &Stream::new(0));
/// assert_eq!((data.rows(), data.cols(), data.classes), (500, 2, 2));
/// ```
pub fn regions<T: Scalar>(region: Region, n: usize, noise: f64, stream: &Stream) -> Labelled<T> {
    let points = draw::uniform(stream, "points", 2 * n, -1.0, 1.0);
    let moved = draw::normal(stream, "noise", 2 * n, 0.0, noise);
    let y = points.chunks(2).map(|p| u32::from(region.contains(p[0], p[1]))).collect();
    let x = Array2::from_shape_fn((n, 2), |(i, j)| T::of(points[2 * i + j] + moved[2 * i + j]));
    Labelled::new(region.name(), x, y, 2)
}

/// The four corners `(-1, -1)`, `(-1, 1)`, `(1, -1)`, `(1, 1)`, `n` points in turn with normal noise; class 1 where the signs
/// differ.
pub fn xor<T: Scalar>(n: usize, noise: f64, stream: &Stream) -> Labelled<T> {
    let moved = draw::normal(stream, "noise", 2 * n, 0.0, noise);
    let sign = |bit: usize| if bit == 0 { -1.0 } else { 1.0 };
    let x =
        Array2::from_shape_fn((n, 2), |(i, j)| T::of(sign(if j == 0 { i / 2 % 2 } else { i % 2 }) + moved[2 * i + j]));
    let y = (0..n).map(|i| u32::from(i / 2 % 2 != i % 2)).collect();
    Labelled::new("xor", x, y, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_covers_half_of_the_square() {
        for region in Region::ALL {
            let data = regions::<f64>(region, 20_000, 0.0, &Stream::new(1));
            let share = data.counts()[1] as f64 / 20_000.0;
            assert!((share - 0.5).abs() < 0.02, "{region}: {share}");
            assert!(data.x.iter().all(|v| v.abs() <= 1.0));
        }
    }

    #[test]
    fn convex_means_that_no_midpoint_leaves() {
        for region in Region::ALL {
            let data = regions::<f64>(region, 2_000, 0.0, &Stream::new(2));
            let inside: Vec<_> =
                data.x.rows().into_iter().zip(&data.y).filter(|(_, y)| **y == 1).map(|(x, _)| x).collect();
            let left =
                inside.windows(2).filter(|w| !region.contains((w[0][0] + w[1][0]) / 2.0, (w[0][1] + w[1][1]) / 2.0));
            assert_eq!(left.count() == 0, region.is_convex(), "{region}");
        }
    }

    #[test]
    fn noise_moves_points_and_not_labels() {
        let (plain, noisy) = (xor::<f64>(8, 0.0, &Stream::new(0)), xor::<f64>(8, 0.1, &Stream::new(0)));
        assert_eq!(plain.y, [0, 1, 1, 0, 0, 1, 1, 0]);
        assert_eq!(plain.y, noisy.y);
        assert_ne!(plain.x, noisy.x);
        assert_eq!(noisy, xor(8, 0.1, &Stream::new(0)));
    }
}
