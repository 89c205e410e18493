use super::draw;
use crate::labelled::Labelled;
use layerwise_tensor::Stream;
use ndarray::Array2;

/// Side of an image.
const SIDE: usize = 28;

/// `n` grey images of 28 x 28 of the digits 0 to 9 (in turn), drawn by program: for clones without MNIST.
///
/// Each digit is a few strokes; every image bends them (each knot moves), turns by up to 20 degrees, slants, stretches, shifts by up to
/// 3 pixels, draws with a pen of its own width and brightness and adds noise. Values lie in `0..=1`. Harder for a linear model than for a
/// network, as handwriting is, but it is not handwriting: report results on it under its own name.
pub fn digits(n: usize, stream: &Stream) -> Labelled<f32> {
    let mut x = Array2::zeros((n, SIDE * SIDE));
    for (i, mut image) in x.rows_mut().into_iter().enumerate() {
        let own = stream.at(i as u64);
        let strokes = written(i % 10, &own);
        let pen = draw::uniform(&own, "pen", 2, 0.0, 1.0);
        let (radius, ink) = (0.7 + 0.9 * pen[0], 0.75 + 0.25 * pen[1]);
        let noise = draw::normal(&own, "noise", SIDE * SIDE, 0.0, 0.08);
        for (place, value) in image.iter_mut().enumerate() {
            let at = [(place % SIDE) as f64 + 0.5, (place / SIDE) as f64 + 0.5];
            let distance = strokes.iter().flat_map(|s| s.windows(2)).map(|w| to_segment(at, w[0], w[1]));
            let nearest = distance.fold(f64::INFINITY, f64::min);
            // One pixel of soft edge.
            let cover = (radius + 0.5 - nearest).clamp(0.0, 1.0);
            *value = (ink * cover + noise[place]).clamp(0.0, 1.0) as f32;
        }
    }
    Labelled::new("digits", x, (0..n).map(|i| (i % 10) as u32).collect(), 10)
}

type Point = [f64; 2];

/// The strokes of one image, in pixels.
fn written(digit: usize, stream: &Stream) -> Vec<Vec<Point>> {
    let u = draw::uniform(stream, "shape", 6, -1.0, 1.0);
    let (sin, cos) = (20.0 * u[0]).to_radians().sin_cos();
    let slant = 0.25 * u[1];
    let (wide, high) = (8.0 * (1.0 + 0.2 * u[2]), 10.0 * (1.0 + 0.15 * u[3]));
    let shift = [14.0 + 3.0 * u[4], 14.0 + 3.0 * u[5]];
    let knots = strokes(digit);
    let count = knots.iter().map(Vec::len).sum::<usize>();
    let mut bent = draw::normal(stream, "bend", 2 * count, 0.0, 0.07).into_iter();
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
    let knot = |i: usize, back: usize| knots[(i + 1).saturating_sub(back).min(knots.len() - 1)];
    let mut curve = Vec::with_capacity(knots.len() * STEPS + 1);
    for i in 0..knots.len() - 1 {
        let [a, b, c, d] = [knot(i, 2), knot(i, 1), knot(i + 1, 1), knot(i + 2, 1)];
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
