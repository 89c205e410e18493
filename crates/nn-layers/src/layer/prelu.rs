//! Rectified linear unit whose slope below zero is learned.

use layerwise_autograd::{Backward, Forward, Graph, Inputs, Op, Var};
use layerwise_tensor::{Accum, Constant, ParamId, ParamKind, Scalar, Scope, kernel, math};
use serde::{Deserialize, Serialize};

use super::check;
use super::entry::{BuildLayer, LayerTraits, Sample, Shelf};
use crate::error::ConfigError;
use crate::module::Module;

/// Configuration of [`PRelu`]; the defaults are those of `torch.nn.PReLU`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PReluConfig {
    /// First value of the slope; by default 0.25.
    pub slope: f64,
    /// A slope for each channel instead of one for all; by default no.
    pub per_channel: bool,
}

impl Default for PReluConfig {
    fn default() -> Self {
        Self { slope: 0.25, per_channel: false }
    }
}

impl PReluConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this first slope.
    pub fn slope(self, slope: f64) -> Self {
        Self { slope, ..self }
    }

    /// One slope for each channel, or one for all.
    pub fn per_channel(self, per_channel: bool) -> Self {
        Self { per_channel, ..self }
    }

    /// Registers `weight`, the slopes, below `scope`. They are of kind [`ParamKind::Scale`], so that decay leaves them alone.
    ///
    /// # Errors
    /// If the slope is not finite or the width is 0.
    pub fn build(&self, scope: &mut Scope<'_>, inputs: usize) -> Result<PRelu, ConfigError> {
        check::width(scope.path(), "`inputs`", inputs)?;
        if !self.slope.is_finite() {
            return Err(ConfigError::bad_value(scope.path(), "`slope`", "finite", self.slope, "leave it out for 0.25"));
        }
        let slopes = if self.per_channel { inputs } else { 1 };
        let a = scope.param("weight", ParamKind::Scale, 1, slopes, Constant(self.slope));
        Ok(PRelu { config: self.clone(), a })
    }
}

/// Parametric rectified linear unit: `y = x` for `x > 0`, else `a x`, with a learned `a`, one or one for each channel.
///
/// # Gradient
/// `dx = dy` for `x > 0`, else `a dy`; `da` is the sum of `dy x` where `x <= 0`.
///
/// K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers", 2015, arXiv:1502.01852.
#[derive(Clone, Debug)]
pub struct PRelu {
    config: PReluConfig,
    a: ParamId,
}

impl PRelu {
    /// Its configuration.
    pub fn config(&self) -> &PReluConfig {
        &self.config
    }

    /// The slopes, `(1, 1)` or `(1, channels)`.
    pub fn slope(&self) -> ParamId {
        self.a
    }
}

impl<T: Scalar> Module<T> for PRelu {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        let a = g.param(self.a);
        let (rows, cols) = g.shape(x);
        let (_, slopes) = g.shape(a);
        g.require(slopes == 1 || slopes == cols, "prelu", &[x, a], "one slope, or one for each column, is needed");
        g.push(PReluOp { x, a }, rows, cols)
    }
}

#[derive(Clone, Copy, Debug)]
struct PReluOp {
    x: Var,
    a: Var,
}

impl<T: Scalar> Op<T> for PReluOp {
    fn name(&self) -> &'static str {
        "prelu"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x, self.a])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (x, a, cols) = (f.values.get(self.x), f.values.get(self.a), f.cols);
        kernel::for_tiles(cols, f.y, f.par, |first, y| {
            let x = &x[first * cols..][..y.len()];
            y.copy_from_slice(x);
            scale_below(cols, a, x, y);
        });
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (x, a, cols) = (b.values.get(self.x), b.values.get(self.a), b.cols);
        if b.grads.wants(self.a) {
            // The terms of all values first, then their sums: in parallel, in a fixed order, in `f64`.
            b.scratch.resize(x.len(), T::zero());
            let (terms, dy) = (&mut b.scratch[..], &*b.dy);
            kernel::for_tiles(cols, terms, b.par, |first, terms| {
                let places = first * cols..first * cols + terms.len();
                terms_below(&x[places.clone()], &dy[places], terms);
            });
            match b.grads.get(self.a) {
                Some(([da], accum)) => {
                    let sum = T::of(kernel::sum(b.scratch));
                    *da = if accum == Accum::Add { *da + sum } else { sum };
                }
                Some((da, accum)) => kernel::sum_over_rows(b.rows, cols, b.scratch, accum, da, b.par),
                None => {}
            }
        }
        if let Some((dx, accum)) = b.grads.get(self.x) {
            kernel::for_tiles2(cols, b.dy, dx, b.par, |first, dy, dx| {
                scale_below(cols, a, &x[first * cols..][..dy.len()], dy);
                match accum {
                    Accum::Replace => dx.copy_from_slice(dy),
                    Accum::Add => dx.iter_mut().zip(dy).for_each(|(dx, d)| *dx += *d),
                }
            });
        }
    }
}

/// `y = a y` where `x <= 0`, with one slope or one for each column.
fn scale_below<T: Scalar>(cols: usize, a: &[T], x: &[T], y: &mut [T]) {
    if let [a] = a {
        scale(x, y, |_| *a);
    } else {
        for (x, y) in x.chunks_exact(cols.max(1)).zip(y.chunks_exact_mut(cols.max(1))) {
            scale(x, y, |j| a[j]);
        }
    }
}

#[inline(always)]
fn scale<T: Scalar>(x: &[T], y: &mut [T], a: impl Fn(usize) -> T) {
    math::vectorize(
        #[inline(always)]
        || {
            for (j, (x, y)) in x.iter().zip(y).enumerate() {
                *y = if *x > T::zero() { *y } else { a(j) * *y };
            }
        },
    );
}

/// `terms = dy x` where `x <= 0`, else 0.
fn terms_below<T: Scalar>(x: &[T], dy: &[T], terms: &mut [T]) {
    math::vectorize(
        #[inline(always)]
        || {
            for ((t, x), dy) in terms.iter_mut().zip(x).zip(dy) {
                *t = if *x > T::zero() { T::zero() } else { *dy * *x };
            }
        },
    );
}

impl BuildLayer for PReluConfig {
    const NAME: &'static str = "prelu";
    const DOC: &'static str = "y = x for x > 0, else a x, with a learned a";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 1, options: "{}" },
        Sample { inputs: 15, options: "{}" },
        Sample { inputs: 17, options: r#"{"per_channel": true, "slope": 0.1}"# },
    ];
    type Layer = PRelu;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<(PRelu, usize), ConfigError> {
        Ok((self.build(scope, inputs)?, inputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits { kinks: vec![0.0], ..LayerTraits::PLAIN }
    }
}
