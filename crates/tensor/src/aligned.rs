//! A vector whose values begin at the start of a cache line.

use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::kernel::pages::in_huge_pages;
use crate::scalar::Scalar;

/// Bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

/// A growable buffer like a [`Vec`] whose first value lies at the start of a cache line.
///
/// An allocator gives a `Vec<f32>` sixteen bytes of alignment at most, so a vector of 64 bytes straddles two lines wherever it is read:
/// a product of one row with a matrix takes 1.7 times as long then, a whole training step up to 1.1 times. Parameters, gradients,
/// the state of optimizers and the slots of a tape lie in such buffers. From two megabytes on memory is asked for in huge pages, where the
/// system hands them out on request (Linux).
///
/// ```
/// use layerwise_tensor::AlignedVec;
/// let mut x = AlignedVec::from(vec![1.0f32, 2.0]);
/// x.resize(3, 5.0);
/// assert_eq!(x[..], [1.0, 2.0, 5.0]);
/// assert!(x.as_ptr().addr().is_multiple_of(64));
/// ```
pub struct AlignedVec<T> {
    /// All of it initialised; the values are `memory[start..start + len]`.
    memory: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Scalar> AlignedVec<T> {
    /// An empty buffer; allocates nothing.
    pub const fn new() -> Self {
        Self { memory: Vec::new(), start: 0, len: 0 }
    }

    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let mut values = Self::new();
        values.resize(len, T::zero());
        values
    }

    /// Makes it `len` values long; new ones are `value`. Memory is kept when it gets shorter.
    pub fn resize(&mut self, len: usize, value: T) {
        if self.start + len > self.memory.len() {
            self.grow(len);
        }
        if len > self.len {
            self.memory[self.start + self.len..self.start + len].fill(value);
        }
        self.len = len;
    }

    /// Takes all values out; keeps the memory.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Moves to new memory for `len` values.
    #[cold]
    fn grow(&mut self, len: usize) {
        let slack = LINE / size_of::<T>();
        // Zeros, since an allocator has them ready.
        let mut memory = vec![T::zero(); len + slack];
        // An offset that cannot be found would cost speed, nothing else.
        let start = memory.as_ptr().align_offset(LINE).min(slack);
        in_huge_pages(&mut memory);
        memory[start..start + self.len].copy_from_slice(self);
        (self.memory, self.start) = (memory, start);
    }
}

impl<T: Scalar> Default for AlignedVec<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Deref for AlignedVec<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        &self.memory[self.start..self.start + self.len]
    }
}

impl<T> DerefMut for AlignedVec<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.start..self.start + self.len]
    }
}

/// A copy lies elsewhere, so it is aligned anew.
impl<T: Scalar> Clone for AlignedVec<T> {
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.len);
        copy.copy_from_slice(self);
        copy
    }
}

impl<T: Scalar> From<Vec<T>> for AlignedVec<T> {
    fn from(values: Vec<T>) -> Self {
        let mut aligned = Self::zeros(values.len());
        aligned.copy_from_slice(&values);
        aligned
    }
}

impl<T: Scalar> FromIterator<T> for AlignedVec<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Vec::from_iter(values).into()
    }
}

impl<T: Scalar> Extend<T> for AlignedVec<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        let values = values.into_iter();
        let expected = self.len + values.size_hint().0;
        if self.start + expected > self.memory.len() {
            self.grow(expected);
        }
        for value in values {
            if self.start + self.len == self.memory.len() {
                self.grow(2 * self.len + LINE);
            }
            self.memory[self.start + self.len] = value;
            self.len += 1;
        }
    }
}

impl<'a, T> IntoIterator for &'a AlignedVec<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut AlignedVec<T> {
    type Item = &'a mut T;
    type IntoIter = std::slice::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<T: PartialEq> PartialEq for AlignedVec<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: fmt::Debug> fmt::Debug for AlignedVec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aligned<T: Scalar>(values: &AlignedVec<T>) -> bool {
        values.is_empty() || values.as_ptr().addr().is_multiple_of(LINE)
    }

    #[test]
    fn values_stay_and_lines_are_kept_through_every_change() {
        let mut found = AlignedVec::<f32>::new();
        let mut wanted = Vec::new();
        for (step, len) in [0, 1, 15, 16, 17, 5, 300, 300, 299, 4096, 1, 10_000].into_iter().enumerate() {
            found.resize(len, step as f32);
            wanted.resize(len, step as f32);
            assert!(found[..] == wanted[..] && aligned(&found), "{len}");
            let copy = found.clone();
            assert!(copy == found && aligned(&copy));
        }
        found.clear();
        wanted.clear();
        for n in [3, 0, 40, 1000] {
            // A filter hides how many there will be.
            found.extend((0..2 * n).filter(|i| i % 2 == 0).map(|i| i as f32));
            wanted.extend((0..2 * n).filter(|i| i % 2 == 0).map(|i| i as f32));
            assert!(found[..] == wanted[..] && aligned(&found));
        }
        assert!(aligned(&AlignedVec::from(vec![1.0f64; 9])) && aligned(&AlignedVec::from_iter([1.0f64])));
        assert_eq!(format!("{:?}", AlignedVec::from(vec![1.5f64])), "[1.5]");
    }

    /// Many pages of each size, asked for in several ways.
    #[test]
    fn megabytes_stay_what_they_are() {
        let mut values = AlignedVec::<f64>::zeros(3 << 18);
        assert!(values.iter().all(|v| *v == 0.0) && aligned(&values));
        values.iter_mut().enumerate().for_each(|(i, v)| *v = i as f64);
        values.resize(3 << 19, -1.0);
        assert!(values[..3 << 18].iter().enumerate().all(|(i, v)| *v == i as f64));
        assert!(values[3 << 18..].iter().all(|v| *v == -1.0) && aligned(&values));
    }

    #[test]
    fn shrinking_and_growing_again_allocates_nothing() {
        let mut values = AlignedVec::<f64>::zeros(100);
        let before = values.as_ptr();
        values.resize(10, 0.0);
        values.resize(100, 1.0);
        assert_eq!((values.as_ptr(), values[9], values[10]), (before, 0.0, 1.0));
    }
}
