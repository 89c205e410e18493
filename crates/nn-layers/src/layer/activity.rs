//! A penalty on the size of the activations that pass.

use layerwise_autograd::{Backward, Forward, Graph, Inputs, Op, Var};
use layerwise_tensor::{Accum, Scalar, Scope, kernel, math};
use serde::{Deserialize, Serialize};

use super::check;
use super::entry::{BuildLayer, LayerTraits, Sample, Shelf};
use crate::error::ConfigError;
use crate::module::Module;

/// Configuration of [`Activity`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ActivityConfig {
    /// Strength of the absolute values, at least 0; by default 0.
    pub l1: f64,
    /// Strength of the squares, at least 0; by default 0.
    pub l2: f64,
}

impl ActivityConfig {
    /// A layer that asks for nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this strength of the absolute values.
    pub fn l1(self, l1: f64) -> Self {
        Self { l1, ..self }
    }

    /// With this strength of the squares.
    pub fn l2(self, l2: f64) -> Self {
        Self { l2, ..self }
    }

    /// The layer; it has no parameters, the scope only names it in messages.
    ///
    /// # Errors
    /// If a strength is negative or not finite.
    pub fn build(&self, scope: &mut Scope<'_>) -> Result<Activity, ConfigError> {
        let l1 = check::strength(scope.path(), "`l1`", self.l1)?;
        Ok(Activity { l1, l2: check::strength(scope.path(), "`l2`", self.l2)? })
    }
}

/// Activity penalty: `y = x`, and the loss of the step grows by `(1 / r) sum_ij (l1 |x_ij| + l2 x_ij^2)` over `r` rows and all features.
///
/// So the penalty is the mean over the batch of the sum over the features. That is the scale of Keras' `ActivityRegularization`, which
/// divides by the rows too; PyTorch has no such layer, and `l1 * h.abs().mean()`, as it is often written there, is smaller by the number
/// of features. The squares have no factor of one half, as in Keras. A batch without rows costs nothing.
///
/// It counts in training and where a loss is evaluated, not where a model only predicts ([`Graph::penalize`]).
///
/// # Gradient
/// `dx = dy + (dp / r) (l1 sign(x) + 2 l2 x)` with `sign(0) = 0`, where `dp` is the gradient of the loss.
///
/// # Example
/// ```
/// use layerwise_autograd::Tape;
/// use layerwise_nn_layers::{ActivityConfig, Module};
/// use layerwise_tensor::{Accum, Gradients, Layout, Mode, Params, Stream, ndarray::arr2};
///
/// let mut layout = Layout::new();
/// let penalty = ActivityConfig::new().l1(0.1).build(&mut layout.scope())?;
/// let params = Params::<f64>::init(layout, &Stream::new(0));
/// let (mut tape, mut grads) = (Tape::new(), Gradients::new(&params));
/// let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
/// let x = g.leaf(arr2(&[[1.0, -2.0], [0.0, 5.0]]).view());
/// let y = penalty.forward(&mut g, x);
/// let loss = g.mean_all(y);
/// // The mean is 1, and the absolute values sum up to 8 in 2 rows.
/// assert_eq!(g.backward(loss, &mut grads, Accum::Replace), 1.0 + 0.1 * 8.0 / 2.0);
/// # Ok::<(), layerwise_nn_layers::ConfigError>(())
/// ```
///
/// As a penalty on the codes of an autoencoder: A. Ng, "Sparse autoencoder", CS294A lecture notes, 2011; X. Glorot, A. Bordes and
/// Y. Bengio, "Deep sparse rectifier neural networks", 2011, penalise rectified units by their absolute values.
#[derive(Clone, Copy, Debug)]
pub struct Activity {
    l1: f64,
    l2: f64,
}

impl Activity {
    /// Its configuration.
    pub fn config(&self) -> ActivityConfig {
        ActivityConfig { l1: self.l1, l2: self.l2 }
    }
}

impl<T: Scalar> Module<T> for Activity {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        if (self.l1 > 0.0 || self.l2 > 0.0) && g.wants_penalties() {
            let penalty = g.push(ActivityOp { x, l1: self.l1, l2: self.l2 }, 1, 1);
            g.penalize(penalty);
        }
        x
    }
}

#[derive(Clone, Copy, Debug)]
struct ActivityOp {
    x: Var,
    l1: f64,
    l2: f64,
}

impl<T: Scalar> Op<T> for ActivityOp {
    fn name(&self) -> &'static str {
        ActivityConfig::NAME
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (x, (rows, cols)) = (f.values.get(self.x), f.values.shape(self.x));
        let (l1, l2) = (T::of(self.l1), T::of(self.l2));
        f.scratch.resize(x.len(), T::zero());
        kernel::for_tiles(cols, f.scratch, f.par, |first, terms| {
            let x = &x[first * cols..][..terms.len()];
            math::vectorize(
                #[inline(always)]
                || terms.iter_mut().zip(x).for_each(|(t, x)| *t = l1 * x.abs() + l2 * *x * *x),
            );
        });
        f.y[0] = T::of(kernel::sum(f.scratch) / rows.max(1) as f64);
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (x, (rows, cols)) = (b.values.get(self.x), b.values.shape(self.x));
        let factor = b.dy[0].as_f64() / rows.max(1) as f64;
        let (l1, l2) = (T::of(factor * self.l1), T::of(factor * 2.0 * self.l2));
        if let Some((dx, accum)) = b.grads.get(self.x) {
            kernel::for_tiles(cols, dx, b.par, |first, dx| {
                let x = &x[first * cols..][..dx.len()];
                math::vectorize(
                    #[inline(always)]
                    || {
                        for (dx, x) in dx.iter_mut().zip(x) {
                            let sign = if *x > T::zero() {
                                l1
                            } else if *x < T::zero() {
                                -l1
                            } else {
                                T::zero()
                            };
                            let d = sign + l2 * *x;
                            *dx = if accum == Accum::Add { *dx + d } else { d };
                        }
                    },
                );
            });
        }
    }
}

impl BuildLayer for ActivityConfig {
    const NAME: &'static str = "activity";
    const DOC: &'static str = "y = x, with the penalty (1 / r) sum (l1 |x| + l2 x^2) over r rows";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 1, options: r#"{"l1": 0.3}"# },
        Sample { inputs: 15, options: r#"{"l2": 0.2}"# },
        Sample { inputs: 17, options: r#"{"l1": 0.5, "l2": 0.1}"# },
    ];
    type Layer = Activity;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<(Activity, usize), ConfigError> {
        check::width(scope.path(), "`inputs`", inputs)?;
        Ok((self.build(scope)?, inputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits { kinks: if self.l1 > 0.0 { vec![0.0] } else { Vec::new() }, ..LayerTraits::PLAIN }
    }
}
