//! Swap noise.

use layerwise_autograd::{Backward, Forward, Graph, Inputs, Op, Var};
use layerwise_nn_layers::layer::{BuildLayer, Built, LayerTraits, Sample, Shelf};
use layerwise_nn_layers::{ConfigError, Module};
use layerwise_tensor::{Accum, Mode, Scalar, Scope, kernel};
use serde::{Deserialize, Serialize};

use super::check;

/// Configuration of [`Swap`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SwapConfig {
    /// The probability with which a value is replaced, within `[0, 1]`.
    pub share: f64,
}

impl SwapConfig {
    /// Replaces this share of the values.
    pub fn new(share: f64) -> Self {
        Self { share }
    }
}

/// In training each value is replaced, with probability `share`, by the value of the same column in another row of the batch, each row
/// equally likely; `y = x` in use, and for a batch of one row. The gradient goes where the value came from.
///
/// Every column keeps its own distribution, whatever its kind, so only the relations between columns tell what was replaced.
///
/// # Shapes
/// `(batch, features)` in and out. Rows depend on each other in training.
///
/// Source: M. Jahrer, the winning solution of the competition *Porto Seguro's safe driver prediction* (2017), which drew from all rows
/// of the table; here from those of the batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Swap {
    share: f64,
}

impl<T: Scalar> Module<T> for Swap {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        let (rows, cols) = g.shape(x);
        if g.mode() == Mode::Eval || self.share == 0.0 || rows < 2 {
            return x;
        }
        let stream = g.next_stream().child("swap");
        g.push_with(Taken { x }, rows, cols, |saved| {
            let from = &mut saved.indices;
            from.clear();
            from.extend((0..rows * cols).map(|i| (i / cols) as u32));
            let (which, others) = (stream.child("which"), stream.child("row"));
            check::for_uniform(&others, 0, rows * cols, |i, u| {
                // Among the rows without this one.
                let other = check::whole(u, rows - 1);
                from[i] = (other + usize::from(other >= i / cols)) as u32;
            });
            check::for_uniform(&which, 0, rows * cols, |i, u| {
                if u >= self.share {
                    from[i] = (i / cols) as u32;
                }
            });
        })
    }
}

/// `y_ij = x_kj` with `k` among the slot's indices.
#[derive(Clone, Copy, Debug)]
struct Taken {
    x: Var,
}

impl<T: Scalar> Op<T> for Taken {
    fn name(&self) -> &'static str {
        "swap"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (x, from, cols) = (f.values.get(self.x), &f.saved.indices, f.cols);
        kernel::for_tiles(cols, f.y, f.par, |first, y| {
            for (i, y) in y.iter_mut().enumerate() {
                *y = x[from[first * cols + i] as usize * cols + i % cols];
            }
        });
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let cols = b.cols;
        let Some((dx, accum)) = b.grads.get(self.x) else { return };
        if accum == Accum::Replace {
            dx.fill(T::zero());
        }
        // In the order of the elements, so that sums have one.
        for (i, (from, dy)) in b.saved.indices.iter().zip(&*b.dy).enumerate() {
            dx[*from as usize * cols + i % cols] += *dy;
        }
    }
}

impl BuildLayer for SwapConfig {
    const NAME: &'static str = "swap";
    const DOC: &'static str =
        "each value is replaced by that of another row, with probability `share`, in training; y = x in use";
    const SAMPLES: &'static [Sample] =
        &[Sample { inputs: 5, options: r#"{"share": 0.3}"# }, Sample { inputs: 1, options: r#"{"share": 1.0}"# }];
    type Layer = Swap;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<Built<Swap>, ConfigError> {
        Ok((Swap { share: check::share(scope.path(), self.share)? }, inputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        let mut traits = LayerTraits::PLAIN;
        traits.stochastic = self.share > 0.0;
        traits.row_independent = false;
        traits
    }
}
