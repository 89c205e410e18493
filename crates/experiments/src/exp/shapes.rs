//! Pictures of shapes and of curves, drawn by program: Shapeset-3x2 and CURVES as far as their papers describe them.

use layerwise::datasets::Labelled;
use layerwise::tensor::Stream;
use layerwise::tensor::ndarray::Array2;

/// Side of a picture of shapes.
const SIDE: usize = 32;
/// Side of a picture of a curve.
const CURVE: usize = 28;

/// One convex shape: a pixel is in it where all its inequalities hold.
enum Shape {
    /// Corners in order.
    Polygon(Vec<[f64; 2]>),
    /// Centre, half axes, turn.
    Ellipse([f64; 2], [f64; 2], f64),
}

impl Shape {
    /// Triangle, parallelogram or ellipse (0, 1, 2) with random lengths, angles, size, turn and place.
    fn draw(kind: usize, u: &[f64]) -> Self {
        let centre = [8.0 + 16.0 * u[0], 8.0 + 16.0 * u[1]];
        let size = 5.0 + 6.0 * u[2];
        let turn = std::f64::consts::TAU * u[3];
        let place = |(x, y): (f64, f64)| {
            [centre[0] + size * (x * turn.cos() - y * turn.sin()), centre[1] + size * (x * turn.sin() + y * turn.cos())]
        };
        let (long, angle) = (0.6 + 0.8 * u[4], 0.9 + 1.3 * u[5]);
        match kind {
            0 => Self::Polygon([(-long, -0.6), (long, -0.6), (long * (angle - 1.5), 0.9)].map(place).to_vec()),
            1 => {
                let lean = 0.8 * (angle - 1.55);
                let corners = [(-long - lean, -0.6), (long - lean, -0.6), (long + lean, 0.6), (-long + lean, 0.6)];
                Self::Polygon(corners.map(place).to_vec())
            }
            _ => Self::Ellipse(centre, [size * long, size * 0.6], turn),
        }
    }

    fn contains(&self, x: f64, y: f64) -> bool {
        match self {
            Self::Polygon(corners) => {
                let side = |i: usize| {
                    let ([ax, ay], [bx, by]) = (corners[i], corners[(i + 1) % corners.len()]);
                    (bx - ax) * (y - ay) - (by - ay) * (x - ax)
                };
                let first = side(0) >= 0.0;
                (1..corners.len()).all(|i| (side(i) >= 0.0) == first)
            }
            Self::Ellipse([cx, cy], [a, b], turn) => {
                let (dx, dy) = (x - cx, y - cy);
                let (p, q) = (dx * turn.cos() + dy * turn.sin(), dy * turn.cos() - dx * turn.sin());
                (p / a).powi(2) + (q / b).powi(2) <= 1.0
            }
        }
    }

    fn pixels(&self) -> Vec<usize> {
        (0..SIDE * SIDE).filter(|i| self.contains((i % SIDE) as f64 + 0.5, (i / SIDE) as f64 + 0.5)).collect()
    }
}

/// `n` pictures of 32 x 32 pixels with one or two of triangle, parallelogram and ellipse: nine classes, three of one shape and six of
/// two; the second covers at most half of the first. Grey levels of background and shapes are drawn too.
pub(super) fn shapeset(n: usize, stream: &Stream) -> Labelled<f32> {
    const KINDS: [&[usize]; 9] = [&[0], &[1], &[2], &[0, 0], &[0, 1], &[0, 2], &[1, 1], &[1, 2], &[2, 2]];
    let mut x = Array2::zeros((n, SIDE * SIDE));
    let mut y = Vec::with_capacity(n);
    let mut u = [0.0f64; 32];
    for (i, mut row) in x.rows_mut().into_iter().enumerate() {
        let own = stream.at(i as u64);
        own.uniform(0, &mut u);
        let class = ((u[31] * 9.0) as usize).min(8);
        let (ground, levels) = (u[30], [u[29], u[28]]);
        // Apart from the ground, so that no shape is invisible.
        let level = |v: f64| (ground + 0.25 + 0.5 * v) % 1.0;
        row.fill(ground as f32);
        let mut first: Vec<usize> = Vec::new();
        for (k, kind) in KINDS[class].iter().enumerate() {
            // Twenty tries to cover at most half of the first; then as it is.
            let mut pixels = Vec::new();
            for attempt in 1..=20 {
                own.uniform(32 * (1 + attempt + 20 * k as u64), &mut u);
                pixels = Shape::draw(*kind, &u).pixels();
                let covered = pixels.iter().filter(|p| first.contains(p)).count();
                if pixels.len() > 12 && 2 * covered <= first.len() {
                    break;
                }
            }
            for p in &pixels {
                row[*p] = level(levels[k]) as f32;
            }
            first = pixels;
        }
        y.push(class as u32);
    }
    Labelled::new("shapeset", x, y, 9)
}

/// `n` pictures of 28 x 28 pixels of a curve of second degree through three points drawn in the inner box, in ink of about one pixel.
pub(super) fn curves(n: usize, stream: &Stream) -> Array2<f32> {
    let mut x = Array2::zeros((n, CURVE * CURVE));
    let mut u = [0.0f64; 6];
    for (i, mut row) in x.rows_mut().into_iter().enumerate() {
        stream.at(i as u64).uniform(0, &mut u);
        let p = |k: usize| [3.0 + 22.0 * u[2 * k], 3.0 + 22.0 * u[2 * k + 1]];
        let (a, b, c) = (p(0), p(1), p(2));
        // The Bezier curve that meets b half-way.
        let control = [2.0 * b[0] - 0.5 * (a[0] + c[0]), 2.0 * b[1] - 0.5 * (a[1] + c[1])];
        for step in 0..=120 {
            let t = f64::from(step) / 120.0;
            let at = |k: usize| (1.0 - t).powi(2) * a[k] + 2.0 * t * (1.0 - t) * control[k] + t * t * c[k];
            let (px, py) = (at(0), at(1));
            for dy in -2i32..=2 {
                for dx in -2i32..=2 {
                    let (cx, cy) = (px as i32 + dx, py as i32 + dy);
                    if (0..CURVE as i32).contains(&cx) && (0..CURVE as i32).contains(&cy) {
                        let far = (f64::from(cx) + 0.5 - px).powi(2) + (f64::from(cy) + 0.5 - py).powi(2);
                        let ink = (-far / 0.8).exp() as f32;
                        let place: &mut f32 = &mut row[cy as usize * CURVE + cx as usize];
                        *place = place.max(ink);
                    }
                }
            }
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_drawn_with_more_than_one_level() {
        let set = shapeset(300, &Stream::new(1));
        assert!(set.counts().iter().all(|c| *c > 10), "{:?}", set.counts());
        for row in set.x.rows() {
            let mut levels: Vec<u32> = row.iter().map(|v| v.to_bits()).collect();
            levels.sort_unstable();
            levels.dedup();
            assert!((2..=3).contains(&levels.len()), "{levels:?}");
        }
    }

    #[test]
    fn curves_are_thin_and_inked() {
        let x = curves(50, &Stream::new(2));
        for row in x.rows() {
            let ink: f32 = row.sum();
            assert!(ink > 3.0 && ink < 180.0 && row.iter().all(|v| (0.0..=1.0).contains(v)), "{ink}");
        }
    }
}
