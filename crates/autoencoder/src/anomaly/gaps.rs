//! What becomes of missing values, and training on rows that miss some.

use layerwise_autograd::{Graph, Var};
use layerwise_nn_layers::Module;
use layerwise_tensor::{Mode, Scalar};
use serde::{Deserialize, Serialize};

use crate::autoencoder::Autoencoder;

/// What a detector does with values that are missing (NaN in a table or an array).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Gaps {
    /// They are an error.
    #[default]
    Refuse,
    /// The network sees the mean of the training rows in their place; loss and score are means over the values that are there.
    Mean,
    /// The same, and the network is told which values are there: it has a second input for each feature, 1 where there is a value, else 0.
    MeanAndMask,
}

/// The share of values hidden in training unless another is set.
pub const DEFAULT_HIDDEN_SHARE: f64 = 0.15;

/// An autoencoder that in training sees each value only with probability `1 - share`, all levels of a category together.
///
/// The target stays whole, so it learns to say what stands in the gaps.
#[derive(Debug)]
pub(super) struct Hiding<'a> {
    pub(super) model: &'a Autoencoder,
    pub(super) share: f64,
    /// How many features each column of the table has.
    pub(super) widths: &'a [usize],
}

impl<T: Scalar> Module<T> for Hiding<'_>
where
    Autoencoder: Module<T>,
{
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        if g.mode() == Mode::Eval || self.share == 0.0 {
            return self.model.forward(g, x);
        }
        let (rows, cols) = g.shape(x);
        let stream = g.next_stream().child("gaps");
        let (columns, features) = (self.widths.len(), self.widths.iter().sum::<usize>());
        let kept = g.input_from(rows, cols, |out| {
            for (i, out) in out.chunks_exact_mut(cols).enumerate() {
                stream.bernoulli((i * columns) as u64, 1.0 - self.share, 1.0, &mut out[..columns]);
                // One number for each column becomes one for each feature, from behind, where nothing is overwritten that is still read.
                let mut end = features;
                for (column, width) in self.widths.iter().enumerate().rev() {
                    let keep = out[column];
                    out[end - width..end].fill(keep);
                    end -= width;
                }
                // A second half says which features are there.
                out.copy_within(..cols - features, features);
            }
        });
        let x = g.mul(x, kept);
        self.model.forward(g, x)
    }
}
