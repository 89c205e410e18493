//! Which rows a step sees: shuffled anew in each epoch, found at once.

use layerwise_tensor::Stream;
use std::slice::Chunks;

/// The batches of every epoch: which rows, in which order.
///
/// The order of epoch `e` is the permutation of the stream's place `e`, so it depends on nothing that happened before, and
/// [`Batches::fill`] finds any batch of any epoch at once (a run resumed in the middle sees the rows it would have seen).
///
/// ```
/// use layerwise_datasets::Batches;
/// use layerwise_tensor::Stream;
/// let mut batches = Batches::new(10, 4, Stream::new(0).child("shuffle"));
/// let sizes: Vec<usize> = batches.epoch(0).map(<[usize]>::len).collect();
/// assert_eq!(sizes, [4, 4, 2]);
/// assert_eq!(batches.drop_last(true).epoch(0).count(), 2);
/// ```
#[derive(Clone, Debug)]
pub struct Batches {
    rows: usize,
    batch: usize,
    stream: Stream,
    shuffled: bool,
    drop_last: bool,
    order: Vec<usize>,
}

impl Batches {
    /// Batches of `batch` rows out of `rows`, shuffled anew in each epoch.
    ///
    /// # Panics
    /// When `batch` is 0.
    #[track_caller]
    pub fn new(rows: usize, batch: usize, stream: Stream) -> Self {
        assert!(batch > 0, "batches: a batch must have at least one row");
        Self { rows, batch, stream, shuffled: true, drop_last: false, order: Vec::new() }
    }

    /// Batches in the order of the rows.
    ///
    /// # Panics
    /// When `batch` is 0.
    #[track_caller]
    pub fn in_order(rows: usize, batch: usize) -> Self {
        Self { shuffled: false, ..Self::new(rows, batch, Stream::new(0)) }
    }

    /// Whether a last batch of fewer rows is left out.
    #[must_use]
    pub fn drop_last(mut self, drop: bool) -> Self {
        self.drop_last = drop;
        self
    }

    /// Batches in one epoch.
    pub fn per_epoch(&self) -> usize {
        if self.drop_last { self.rows / self.batch } else { self.rows.div_ceil(self.batch) }
    }

    /// Number of rows that one epoch visits.
    pub fn rows_per_epoch(&self) -> usize {
        (self.per_epoch() * self.batch).min(self.rows)
    }

    /// The largest number of rows in a batch.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// The batches of epoch `epoch`, as slices of row numbers. Allocates in the first epoch only.
    pub fn epoch(&mut self, epoch: u64) -> Chunks<'_, usize> {
        let n = self.rows_per_epoch();
        self.order.clear();
        if self.shuffled {
            let permutation = self.stream.at(epoch).permutation(self.rows);
            self.order.extend((0..n).map(|i| permutation.get(i)));
        } else {
            self.order.extend(0..n);
        }
        self.order.chunks(self.batch)
    }

    /// Writes the rows of batch `index` of epoch `epoch` into `rows`, whatever was asked for before; empty when there is
    /// no such batch.
    pub fn fill(&self, epoch: u64, index: usize, rows: &mut Vec<usize>) {
        let first = index.saturating_mul(self.batch).min(self.rows_per_epoch());
        let last = first.saturating_add(self.batch).min(self.rows_per_epoch());
        rows.clear();
        if self.shuffled {
            let permutation = self.stream.at(epoch).permutation(self.rows);
            rows.extend((first..last).map(|i| permutation.get(i)));
        } else {
            rows.extend(first..last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_visits_each_row_once_and_epochs_differ() {
        let mut batches = Batches::new(97, 10, Stream::new(7));
        let mut orders = Vec::new();
        for epoch in 0..3 {
            let order: Vec<usize> = batches.epoch(epoch).flatten().copied().collect();
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..97).collect::<Vec<_>>());
            orders.push(order);
        }
        assert!(orders[0] != orders[1] && orders[1] != orders[2]);
    }

    #[test]
    fn any_batch_is_found_at_once() {
        let mut batches = Batches::new(97, 10, Stream::new(7)).drop_last(true);
        let seeker = batches.clone();
        let mut rows = Vec::new();
        for (index, batch) in batches.epoch(5).enumerate() {
            seeker.fill(5, index, &mut rows);
            assert_eq!(rows, batch);
        }
        seeker.fill(5, 9, &mut rows);
        assert!(rows.is_empty());
    }

    #[test]
    fn in_order_is_in_order_and_empty_is_empty() {
        let mut plain = Batches::in_order(5, 2);
        assert_eq!(plain.epoch(3).collect::<Vec<_>>(), [&[0, 1][..], &[2, 3], &[4]]);
        assert_eq!(Batches::new(0, 4, Stream::new(0)).epoch(0).count(), 0);
        assert_eq!(Batches::new(3, 4, Stream::new(0)).drop_last(true).epoch(0).count(), 0);
    }
}
