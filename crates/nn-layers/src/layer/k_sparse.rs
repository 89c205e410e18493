//! Keeps the largest activations of each row.

use std::cmp::Ordering;

use layerwise_autograd::{Backward, Forward, Graph, Inputs, Op, Var};
use layerwise_tensor::{Accum, Mode, Scalar, Scope, kernel};
use serde::{Deserialize, Serialize};

use super::check;
use super::entry::{BuildLayer, LayerTraits, Sample, Shelf};
use crate::error::ConfigError;
use crate::module::Module;

/// Configuration of [`KSparse`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct KSparseConfig {
    /// How many values of a row are kept in training, at least 1 and at most as many as there are.
    pub k: usize,
    /// In use `alpha k` are kept, rounded to a whole number and at most all; at least 1, by default 1.
    #[serde(default = "one")]
    pub alpha: f64,
}

fn one() -> f64 {
    1.0
}

impl KSparseConfig {
    /// Keeps the `k` largest values of each row.
    pub fn new(k: usize) -> Self {
        Self { k, alpha: one() }
    }

    /// With `alpha k` values kept in use; the source finds 1 to 3 good.
    pub fn alpha(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }

    /// The layer; it has no parameters, the scope only names it in messages.
    ///
    /// # Errors
    /// If `k` is 0 or more than `inputs`, or `alpha` is below 1 or not finite.
    pub fn build(&self, scope: &mut Scope<'_>, inputs: usize) -> Result<KSparse, ConfigError> {
        check::width(scope.path(), "`inputs`", inputs)?;
        if self.k == 0 || self.k > inputs {
            let (expected, remedy) =
                (format!("at least 1 and at most the width ({inputs})"), "keep some of the values");
            return Err(ConfigError::bad_value(scope.path(), "`k`", expected, self.k, remedy));
        }
        if !(self.alpha.is_finite() && self.alpha >= 1.0) {
            let remedy = "leave it out for 1";
            return Err(ConfigError::bad_value(scope.path(), "`alpha`", "finite and at least 1", self.alpha, remedy));
        }
        let in_use = ((self.alpha * self.k as f64).round() as usize).min(inputs);
        Ok(KSparse { config: self.clone(), inputs, in_use })
    }
}

/// k-sparse layer: `y = x` for the `k` largest values of each row, else 0; in use `alpha k` are kept.
///
/// Largest is meant with the sign. Of equal values the one with the lower index is kept; NaN counts as larger than any number, so that it
/// is not lost. Usual behind a linear layer, as the only non-linearity of an encoder.
///
/// # Gradient
/// `dx = dy` where the value was kept, else 0: which values are kept is taken as given.
///
/// # Example
/// ```
/// use layerwise_autograd::Tape;
/// use layerwise_nn_layers::{KSparseConfig, Module};
/// use layerwise_tensor::{Layout, Mode, Params, Stream, ndarray::arr2};
///
/// let mut layout = Layout::new();
/// let sparse = KSparseConfig::new(1).alpha(2.0).build(&mut layout.scope(), 3)?;
/// let params = Params::<f64>::init(layout, &Stream::new(0));
/// let mut tape = Tape::new();
/// for (mode, kept) in [(Mode::Train, [[0.0, 3.0, 0.0]]), (Mode::Eval, [[1.0, 3.0, 0.0]])] {
///     let mut g = tape.graph(&params, mode, Stream::new(0));
///     let x = g.input(arr2(&[[1.0, 3.0, -5.0]]).view());
///     let y = sparse.forward(&mut g, x);
///     assert_eq!(g.value(y), arr2(&kept));
/// }
/// # Ok::<(), layerwise_nn_layers::ConfigError>(())
/// ```
///
/// A. Makhzani and B. Frey, "k-sparse autoencoders", 2013, arXiv:1312.5663.
#[derive(Clone, Debug)]
pub struct KSparse {
    config: KSparseConfig,
    inputs: usize,
    in_use: usize,
}

impl KSparse {
    /// Its configuration.
    pub fn config(&self) -> &KSparseConfig {
        &self.config
    }

    /// How many values of a row are kept in `mode`.
    pub fn kept(&self, mode: Mode) -> usize {
        match mode {
            Mode::Train => self.config.k,
            Mode::Eval => self.in_use,
        }
    }
}

impl<T: Scalar> Module<T> for KSparse {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        let (rows, cols) = g.shape(x);
        let fits = cols == self.inputs;
        g.require(fits, KSparseConfig::NAME, &[x], "the input has another width than the layer was built for");
        let k = self.kept(g.mode());
        if k == cols { x } else { g.push(KSparseOp { x, k }, rows, cols) }
    }
}

/// Its slot keeps which values were kept, as ones and zeros.
#[derive(Clone, Copy, Debug)]
struct KSparseOp {
    x: Var,
    k: usize,
}

impl<T: Scalar> Op<T> for KSparseOp {
    fn name(&self) -> &'static str {
        KSparseConfig::NAME
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (x, cols, k) = (f.values.get(self.x), f.cols, self.k);
        let [mask, ..] = f.saved.sized([x.len(), 0, 0]);
        kernel::for_tiles2(cols, f.y, mask, f.par, |first, y, mask| {
            let rows = x[first * cols..].chunks_exact(cols);
            for ((x, y), mask) in rows.zip(y.chunks_exact_mut(cols)).zip(mask.chunks_exact_mut(cols)) {
                keep(k, x, y, mask);
            }
        });
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let cols = b.cols;
        let [mask, ..] = b.saved.get();
        if let Some((dx, accum)) = b.grads.get(self.x) {
            kernel::for_tiles2(cols, b.dy, dx, b.par, |first, dy, dx| {
                let mask = &mask[first * cols..][..dy.len()];
                for ((dx, dy), m) in dx.iter_mut().zip(dy).zip(mask) {
                    let d = if *m == T::zero() { T::zero() } else { *dy };
                    *dx = if accum == Accum::Add { *dx + d } else { d };
                }
            });
        }
    }
}

/// One row: `y` and `mask` for the `k` largest values of `x`, `k` at least 1 and below their number.
fn keep<T: Scalar>(k: usize, x: &[T], y: &mut [T], mask: &mut [T]) {
    // The place of the result serves as working space first: the k-th largest value, and how many lie above it.
    y.copy_from_slice(x);
    let (above, kth, _) = y.select_nth_unstable_by(k - 1, |a, b| order(*b, *a));
    let kth = *kth;
    let above = above.iter().filter(|v| order(**v, kth) == Ordering::Greater).count();
    let mut ties = k - above;
    for ((x, y), m) in x.iter().zip(y).zip(mask) {
        let kept = match order(*x, kth) {
            Ordering::Greater => true,
            Ordering::Equal if ties > 0 => {
                ties -= 1;
                true
            }
            _ => false,
        };
        (*y, *m) = if kept { (*x, T::one()) } else { (T::zero(), T::zero()) };
    }
}

/// The order of numbers, with NaN above all.
fn order<T: Scalar>(a: T, b: T) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

impl BuildLayer for KSparseConfig {
    const NAME: &'static str = "k_sparse";
    const DOC: &'static str = "y = x for the k largest values of each row (alpha k in use), else 0";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 1, options: r#"{"k": 1}"# },
        Sample { inputs: 15, options: r#"{"k": 4, "alpha": 2.0}"# },
        Sample { inputs: 17, options: r#"{"k": 1, "alpha": 1.5}"# },
    ];
    type Layer = KSparse;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<(KSparse, usize), ConfigError> {
        Ok((self.build(scope, inputs)?, inputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits::PLAIN
    }
}
