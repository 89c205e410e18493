//! Digits drawn by program.

use super::draw;
use crate::labelled::Labelled;
use layerwise_tensor::Stream;
use ndarray::Array2;

/// Side of an image.
const SIDE: usize = 28;

/// `n` grey images of 28 x 28 of the digits 0 to 9 (in turn), drawn by program: for clones without MNIST.
///
/// Each digit is a few strokes; every image bends them (each knot moves), turns by up to 15 degrees, slants, stretches, shifts by up to
/// 3 pixels, draws with a pen of its own width and brightness and adds noise. Values lie in `0..=1`. Harder for a linear model than for a
/// network, as handwriting is, but it is not handwriting: report results on it under its own name.
pub fn digits(n: usize, stream: &Stream) -> Labelled<f32> {
    let mut x = Array2::zeros((n, SIDE * SIDE));
    for (i, mut image) in x.rows_mut().into_iter().enumerate() {
        let own = stream.at(i as u64);
        let pen = draw::uniform(&own, "pen", 2, 0.0, 1.0);
        let (radius, ink) = (0.7 + 0.9 * pen[0], 0.75 + 0.25 * pen[1]);
        let noise = draw::normal(&own, "noise", SIDE * SIDE, 0.0, 0.08);
        let nearest = distances(&written(i % 10, &own), radius + 0.5);
        for (place, value) in image.iter_mut().enumerate() {
            // One pixel of soft edge.
            let cover = (radius + 0.5 - nearest[place]).clamp(0.0, 1.0);
            *value = (ink * cover + noise[place]).clamp(0.0, 1.0) as f32;
        }
    }
    Labelled::new("digits", x, (0..n).map(|i| (i % 10) as u32).collect(), 10)
}

type Point = [f64; 2];

/// How far the middle of each pixel is from the nearest stroke; infinite beyond `reach`.
fn distances(strokes: &[Vec<Point>], reach: f64) -> Vec<f64> {
    let mut nearest = vec![f64::INFINITY; SIDE * SIDE];
    let pixels = |a: f64, b: f64| {
        let pixel = |v: f64| v.clamp(0.0, SIDE as f64) as usize;
        pixel(a.min(b) - reach)..pixel(a.max(b) + reach + 1.0)
    };
    for w in strokes.iter().flat_map(|s| s.windows(2)) {
        for row in pixels(w[0][1], w[1][1]) {
            for col in pixels(w[0][0], w[1][0]) {
                let distance = to_segment([col as f64 + 0.5, row as f64 + 0.5], w[0], w[1]);
                let at = &mut nearest[row * SIDE + col];
                *at = at.min(distance);
            }
        }
    }
    nearest
}

/// The strokes of one image, in pixels.
fn written(digit: usize, stream: &Stream) -> Vec<Vec<Point>> {
    let u = draw::uniform(stream, "shape", 6, -1.0, 1.0);
    let (sin, cos) = (15.0 * u[0]).to_radians().sin_cos();
    let slant = 0.25 * u[1];
    let (wide, high) = (8.0 * (1.0 + 0.2 * u[2]), 10.0 * (1.0 + 0.15 * u[3]));
    let shift = [14.0 + 3.0 * u[4], 14.0 + 3.0 * u[5]];
    let knots = strokes(digit);
    let count = knots.iter().map(Vec::len).sum::<usize>();
    let mut bent = draw::normal(stream, "bend", 2 * count, 0.0, 0.06).into_iter();
    let place = |[x, y]: Point| {
        let (x, y) = ((x - slant * y) * wide, y * high);
        [shift[0] + cos * x - sin * y, shift[1] + sin * x + cos * y]
    };
    let mut bend = |p: Point| [p[0] + bent.next().unwrap_or(0.0), p[1] + bent.next().unwrap_or(0.0)];
    knots
        .iter()
        .map(|stroke| smooth(&stroke.iter().map(|&p| bend(p)).collect::<Vec<_>>()).into_iter().map(place).collect())
        .collect()
}

/// The knots of a digit in `[-1, 1]^2`, y downwards.
fn strokes(digit: usize) -> Vec<Vec<Point>> {
    const RING: [Point; 9] = [
        [0.0, -1.0],
        [0.55, -0.7],
        [0.75, 0.0],
        [0.55, 0.7],
        [0.0, 1.0],
        [-0.55, 0.7],
        [-0.75, 0.0],
        [-0.55, -0.7],
        [0.0, -1.0],
    ];
    let half = |center: f64, height: f64, width: f64| -> Vec<Point> {
        RING.iter().map(|p| [p[0] * width, center + height * p[1]]).collect()
    };
    match digit {
        0 => vec![RING.to_vec()],
        1 => vec![vec![[-0.35, -0.6], [0.05, -1.0], [0.05, 0.0], [0.05, 1.0]]],
        2 => vec![
            vec![[-0.6, -0.6], [-0.2, -1.0], [0.4, -0.9], [0.6, -0.5], [0.3, 0.0], [-0.2, 0.5], [-0.65, 1.0]],
            vec![[-0.65, 1.0], [0.0, 0.97], [0.7, 1.0]],
        ],
        3 => vec![
            vec![[-0.6, -0.8], [0.0, -1.0], [0.5, -0.8], [0.5, -0.3], [0.1, -0.05], [-0.15, 0.0]],
            vec![[-0.15, 0.0], [0.35, 0.05], [0.65, 0.4], [0.5, 0.85], [0.0, 1.0], [-0.6, 0.8]],
        ],
        4 => vec![
            vec![[0.1, -1.0], [-0.3, -0.3], [-0.7, 0.3], [0.0, 0.3], [0.75, 0.3]],
            vec![[0.35, -0.4], [0.35, 0.3], [0.3, 1.0]],
        ],
        5 => vec![
            vec![[0.6, -1.0], [0.0, -1.0], [-0.5, -1.0]],
            vec![[-0.5, -1.0], [-0.55, -0.5], [-0.55, -0.1]],
            vec![[-0.55, -0.1], [0.1, -0.25], [0.6, 0.1], [0.6, 0.65], [0.1, 1.0], [-0.6, 0.8]],
        ],
        6 => vec![vec![
            [0.5, -0.95],
            [-0.1, -0.75],
            [-0.5, -0.2],
            [-0.6, 0.45],
            [-0.2, 0.95],
            [0.4, 0.85],
            [0.6, 0.4],
            [0.25, 0.0],
            [-0.3, 0.1],
            [-0.58, 0.45],
        ]],
        7 => vec![vec![[-0.65, -0.95], [0.0, -0.95], [0.65, -0.95]], vec![[0.65, -0.95], [0.25, -0.2], [-0.15, 1.0]]],
        8 => vec![half(-0.5, 0.5, 0.7), half(0.5, 0.5, 0.85)],
        _ => vec![vec![
            [0.55, -0.45],
            [0.25, 0.0],
            [-0.3, 0.0],
            [-0.6, -0.4],
            [-0.4, -0.85],
            [0.15, -1.0],
            [0.55, -0.7],
            [0.6, -0.1],
            [0.4, 0.5],
            [0.05, 1.0],
        ]],
    }
}

/// A curve through the knots (Catmull and Rom 1974), a few points between each two.
fn smooth(knots: &[Point]) -> Vec<Point> {
    const STEPS: usize = 5;
    let last = knots.len() - 1;
    let mut curve = Vec::with_capacity(knots.len() * STEPS + 1);
    for i in 0..last {
        let [a, b, c, d] = [i.saturating_sub(1), i, i + 1, (i + 2).min(last)].map(|k| knots[k]);
        for step in 0..STEPS {
            let t = step as f64 / STEPS as f64;
            let axis = |k: usize| {
                let (m, n) = ((c[k] - a[k]) / 2.0, (d[k] - b[k]) / 2.0);
                let rise = c[k] - b[k];
                b[k] + t * (m + t * ((3.0 * rise - 2.0 * m - n) + t * (m + n - 2.0 * rise)))
            };
            curve.push([axis(0), axis(1)]);
        }
    }
    curve.extend(knots.last());
    curve
}

fn to_segment(p: Point, a: Point, b: Point) -> f64 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let squared = dx * dx + dy * dy;
    let along = if squared > 0.0 { (((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / squared).clamp(0.0, 1.0) } else { 0.0 };
    (p[0] - a[0] - along * dx).hypot(p[1] - a[1] - along * dy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Axis, s};

    #[test]
    fn images_are_grey_and_more_of_them_begin_alike() {
        let data = digits(40, &Stream::new(1));
        assert_eq!((data.cols(), data.counts()), (784, vec![4; 10]));
        assert!(data.x.iter().all(|v| (0.0..=1.0).contains(v)));
        let ink = data.x.mean_axis(Axis(1)).unwrap();
        assert!(ink.iter().all(|v| (0.05..0.45).contains(v)), "{ink}");
        assert_eq!(digits(20, &Stream::new(1)), data.head(20));
        assert_ne!(digits(20, &Stream::new(2)).x, data.head(20).x);
    }

    /// The share of new images that a network of these widths gets wrong: ReLU, softmax, plain gradient descent with momentum.
    fn error(widths: &[usize], epochs: u64) -> f64 {
        const BATCH: usize = 50;
        const RATE: f32 = 0.05;
        let (train, test) = (digits(5000, &Stream::new(3)), digits(1000, &Stream::new(4)));
        let stream = Stream::new(5);
        let weight = |l: usize, n: usize, m: usize| {
            let w = draw::normal(&stream, &format!("w{l}"), n * m, 0.0, (2.0 / n as f64).sqrt());
            Array2::from_shape_fn((n, m), |(i, j)| w[i * m + j] as f32)
        };
        let layers = || widths.windows(2).enumerate();
        let mut w: Vec<Array2<f32>> = layers().map(|(l, p)| weight(l, p[0], p[1])).collect();
        let mut b: Vec<Array1<f32>> = layers().map(|(_, p)| Array1::zeros(p[1])).collect();
        let mut speed: Vec<Array2<f32>> = w.iter().map(|w| Array2::zeros(w.raw_dim())).collect();
        let forward = |w: &[Array2<f32>], b: &[Array1<f32>], x: Array2<f32>| {
            let mut y = vec![x];
            for l in 0..w.len() {
                let z = y[l].dot(&w[l]) + &b[l];
                y.push(if l + 1 < w.len() { z.mapv(|v| v.max(0.0)) } else { z });
            }
            y
        };
        let mut batches = crate::Batches::new(train.rows(), BATCH, stream.child("batches"));
        for epoch in 0..epochs {
            for rows in batches.epoch(epoch) {
                let y = forward(&w, &b, train.x.select(Axis(0), rows));
                let mut dz = y[w.len()].clone();
                for (mut z, &row) in dz.rows_mut().into_iter().zip(rows) {
                    let most = z.fold(f32::MIN, |m, &v| m.max(v));
                    z.mapv_inplace(|v| (v - most).exp());
                    let sum = z.sum();
                    z.mapv_inplace(|v| v / sum / BATCH as f32);
                    z[train.y[row] as usize] -= 1.0 / BATCH as f32;
                }
                for l in (0..w.len()).rev() {
                    let (dw, db) = (y[l].t().dot(&dz), dz.sum_axis(Axis(0)));
                    let mut dx = dz.dot(&w[l].t());
                    ndarray::Zip::from(&mut dx).and(&y[l]).for_each(|d, &v| *d = if v > 0.0 { *d } else { 0.0 });
                    dz = dx;
                    speed[l] = &speed[l] * 0.9 + dw;
                    w[l].scaled_add(-RATE, &speed[l]);
                    b[l].scaled_add(-RATE * 10.0, &db);
                }
            }
        }
        let z = forward(&w, &b, test.x.slice(s![.., ..]).to_owned()).pop().unwrap();
        let best = |r: ndarray::ArrayView1<'_, f32>| (0..10).max_by(|&i, &j| r[i].total_cmp(&r[j])).unwrap();
        let wrong = z.rows().into_iter().zip(&test.y).filter(|(r, y)| best(*r) != **y as usize);
        wrong.count() as f64 / test.rows() as f64
    }

    #[test]
    fn a_linear_model_errs_where_a_network_does_not() {
        let (linear, network) = (error(&[784, 10], 12), error(&[784, 128, 10], 12));
        println!("errors: linear {linear}, one hidden layer {network}");
        assert!(linear > 0.04, "linear model: {linear}");
        assert!(network < 0.03 && network < linear / 2.0, "network: {network}, linear model: {linear}");
    }
}
