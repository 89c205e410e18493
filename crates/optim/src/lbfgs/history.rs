//! What L-BFGS remembers of the curvature.

use layerwise_tensor::Scalar;

use super::vectors::{Sums, add, scale};

/// The last pairs of a step `s` and the change `y` of the gradient along it; a pair says `H y = s` of the inverse Hessian `H`.
///
/// The memory of a pair is taken when it first comes and used again by later ones: once the history is full, nothing is allocated.
#[derive(Clone, Debug)]
pub(super) struct History<T> {
    /// A ring.
    pairs: Vec<Pair<T>>,
    capacity: usize,
    first: usize,
    len: usize,
    /// The inverse Hessian before any pair speaks: `(s . y) / (y . y)` of the last pair, times the identity.
    scale: f64,
}

#[derive(Clone, Debug)]
struct Pair<T> {
    step: Vec<T>,
    change: Vec<T>,
    /// `1 / (s . y)`.
    inverse: f64,
    /// How much of `y` the first loop of [`History::direction`] took off.
    taken: f64,
}

/// A pair whose curvature `s . y` is not above this would make `H` indefinite, or blow it up; PyTorch's bound.
const LEAST_CURVATURE: f64 = 1e-10;

impl<T: Scalar> History<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { pairs: Vec::new(), capacity, first: 0, len: 0, scale: 1.0 }
    }

    /// Forgets everything but keeps the memory.
    pub(super) fn clear(&mut self) {
        (self.first, self.len, self.scale) = (0, 0, 1.0);
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Steps and changes, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[T], &[T])> {
        (0..self.len).map(|k| &self.pairs[self.place(k)]).map(|p| (p.step.as_slice(), p.change.as_slice()))
    }

    /// Takes a pair into the history, in place of the oldest if it is full, unless its curvature is not positive enough.
    pub(super) fn push(&mut self, step: &[T], change: &[T], sums: &mut Sums) {
        let curvature = sums.dot(change, step);
        if !curvature.is_finite() || curvature <= LEAST_CURVATURE {
            return;
        }
        let place = if self.len < self.capacity {
            self.len += 1;
            self.place(self.len - 1)
        } else {
            let oldest = self.first;
            self.first = (self.first + 1) % self.capacity;
            oldest
        };
        if place == self.pairs.len() {
            self.pairs.push(Pair { step: step.to_vec(), change: change.to_vec(), inverse: 0.0, taken: 0.0 });
        }
        let pair = &mut self.pairs[place];
        pair.step.copy_from_slice(step);
        pair.change.copy_from_slice(change);
        pair.inverse = 1.0 / curvature;
        self.scale = curvature / sums.dot(change, change);
    }

    /// `d = H d`: the two loops of Nocedal.
    pub(super) fn direction(&mut self, d: &mut [T], sums: &mut Sums) {
        for k in (0..self.len).rev() {
            let place = self.place(k);
            let pair = &mut self.pairs[place];
            pair.taken = sums.dot(&pair.step, d) * pair.inverse;
            add(d, -pair.taken, &pair.change);
        }
        scale(d, self.scale);
        for k in 0..self.len {
            let pair = &self.pairs[self.place(k)];
            let along = sums.dot(&pair.change, d) * pair.inverse;
            add(d, pair.taken - along, &pair.step);
        }
    }

    fn place(&self, k: usize) -> usize {
        (self.first + k) % self.capacity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three pairs `y = A s` of a quadratic, the third of which pushes out the first.
    fn remembered() -> (History<f64>, [[f64; 4]; 2]) {
        let curvature = [1.0, 3.0, 0.5, 20.0];
        let steps = [[1.0, 0.2, -0.3, 0.4], [0.1, -1.0, 0.7, 0.2], [0.3, 0.4, 1.0, -0.6]];
        let changes = steps.map(|s| std::array::from_fn(|i| curvature[i] * s[i]));
        let (mut history, mut sums) = (History::new(2), Sums::new(4));
        for (s, y) in steps.iter().zip(&changes) {
            history.push(s, y, &mut sums);
        }
        (history, [steps[2], changes[2]])
    }

    #[test]
    fn the_last_pair_holds() {
        let (mut history, [step, mut d]) = remembered();
        assert_eq!(history.len(), 2);
        history.direction(&mut d, &mut Sums::new(4));
        assert!(d.iter().zip(step).all(|(d, s)| (d - s).abs() < 1e-14), "{d:?} {step:?}");
    }

    #[test]
    fn the_inverse_hessian_is_symmetric_and_positive() {
        let (mut history, _) = remembered();
        let mut sums = Sums::new(4);
        let columns: [[f64; 4]; 4] = std::array::from_fn(|j| {
            let mut d = std::array::from_fn(|i| f64::from(u8::from(i == j)));
            history.direction(&mut d, &mut sums);
            d
        });
        for i in 0..4 {
            assert!(columns[i][i] > 0.0);
            assert!((0..4).all(|j| (columns[i][j] - columns[j][i]).abs() < 1e-13), "{columns:?}");
        }
    }

    #[test]
    fn a_pair_without_curvature_is_left_out() {
        let (mut history, _) = remembered();
        let before = history.scale;
        for change in [[-1.0, 0.0, 0.0, 0.0], [0.0; 4], [f64::NAN; 4]] {
            history.push(&[1.0, 0.0, 0.0, 0.0], &change, &mut Sums::new(4));
        }
        assert_eq!((history.len(), history.scale), (2, before));
        history.clear();
        let mut d = [1.0, 2.0, 3.0, 4.0];
        history.direction(&mut d, &mut Sums::new(4));
        assert_eq!(d, [1.0, 2.0, 3.0, 4.0]);
    }
}
