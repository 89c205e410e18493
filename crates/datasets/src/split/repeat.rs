//! The same cut again and again, each time with other luck.

use layerwise_tensor::Stream;

/// `repeats` draws of a split, each from a stream of its own below `stream`, so that more repeats leave the first ones as they are.
///
/// ```
/// use layerwise_datasets::split::{k_fold, repeated, shuffle_split};
/// use layerwise_tensor::Stream;
/// let stream = Stream::new(7).child("split");
/// // Monte Carlo: twenty independent quarters to test.
/// let splits = repeated(20, &stream, |stream| shuffle_split(40, 0.25, stream));
/// assert!(splits.iter().all(|s| s.test.len() == 10));
/// // Ten times five folds.
/// let folds: Vec<_> = repeated(10, &stream, |stream| k_fold(40, 5, stream)).into_iter().collect::<Result<_, _>>()?;
/// assert_eq!(folds.concat().len(), 50);
/// # Ok::<(), layerwise_datasets::DataError>(())
/// ```
pub fn repeated<R>(repeats: usize, stream: &Stream, mut draw: impl FnMut(&Stream) -> R) -> Vec<R> {
    let stream = stream.child("repeat");
    (0..repeats as u64).map(|i| draw(&stream.at(i))).collect()
}
