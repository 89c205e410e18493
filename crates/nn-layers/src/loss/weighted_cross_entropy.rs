//! Cross-entropy of a softmax with weights of the classes and smoothed labels.

use std::sync::Arc;

use layerwise_autograd::{Backward, Forward, Graph, Inputs, Op, Trans, Var};
use layerwise_tensor::{Accum, Scalar, kernel, math};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::entry::Loss;
use super::target::{Target, TargetKind};
use super::weights::Terms;
use crate::error::ConfigError;
use crate::options;

const NAME: &str = "softmax_cross_entropy";
const OWNER: &str = "loss `softmax_cross_entropy`";

/// Cross-entropy of a softmax with a weight `w` for each class and labels of which a share `s` is spread over all `k` classes:
/// with `p = softmax(z)` and the label `c` of each row, `L = sum((1 - s) w_c (-ln p_c) + s / k sum_j w_j (-ln p_j)) / sum(w_c)`;
/// PyTorch's `CrossEntropyLoss(weight=w, label_smoothing=s)`, which divides by the sum of the weights of the labels, not by their number.
///
/// `dL/dz_j = (((1 - s) w_c + s / k sum_i w_i) p_j - s / k w_j - (1 - s) w_c [j = c]) / sum(w_c)`.
///
/// Made by [`super::SoftmaxCrossEntropy::class_weights`] and [`super::SoftmaxCrossEntropy::label_smoothing`].
///
/// # Shapes
/// Logits are `(batch, classes)`, one label below `classes` for each row, one weight for each class.
///
/// C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens and Z. Wojna, "Rethinking the Inception architecture", 2015, arXiv:1512.00567
/// (smoothing).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WeightedSoftmaxCrossEntropy {
    weights: Option<Arc<[f64]>>,
    smoothing: f64,
}

/// As a configuration has them, unchecked.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Options {
    class_weights: Option<Vec<f64>>,
    label_smoothing: f64,
}

impl WeightedSoftmaxCrossEntropy {
    /// All weights 1, no smoothing: what [`super::SoftmaxCrossEntropy`] computes faster.
    pub fn new() -> Self {
        Self::default()
    }

    /// With these weights, one for each class.
    ///
    /// # Errors
    /// If there is none, or one is not finite and at least 0.
    pub fn class_weights(self, weights: &[f64]) -> Result<Self, ConfigError> {
        let what = format!("`class_weights` of {OWNER}");
        let remedy = "give one weight for each class, such as the inverse of its frequency";
        if weights.is_empty() {
            return Err(ConfigError::bad_value("", what, "at least one number", "none", remedy));
        }
        match weights.iter().find(|w| !w.is_finite() || **w < 0.0) {
            Some(w) => Err(ConfigError::bad_value("", what, "finite and at least 0", w, remedy)),
            None => Ok(Self { weights: Some(weights.into()), ..self }),
        }
    }

    /// With this share of each label spread evenly over all classes.
    ///
    /// # Errors
    /// If `share` is not in `[0, 1]`.
    pub fn label_smoothing(self, share: f64) -> Result<Self, ConfigError> {
        if (0.0..=1.0).contains(&share) {
            return Ok(Self { smoothing: share, ..self });
        }
        let what = format!("`label_smoothing` of {OWNER}");
        Err(ConfigError::bad_value("", what, "in [0, 1]", share, "leave it out for 0; 0.1 is common"))
    }

    #[track_caller]
    fn check<T: Scalar>(&self, g: &Graph<'_, T>, output: Var, labels: &[u32]) {
        let (rows, cols) = g.shape(output);
        g.require(labels.len() == rows, NAME, &[output], "one label for each row is needed");
        g.require(labels.iter().all(|l| (*l as usize) < cols), NAME, &[output], "a label is no column");
        let fits = self.weights.as_ref().is_none_or(|w| w.len() == cols);
        g.require(fits, NAME, &[output], "one class weight for each column is needed");
    }

    pub(super) fn from_options(options: &Map<String, Value>) -> Result<Self, ConfigError> {
        let Options { class_weights, label_smoothing } = options::from_map("", OWNER, options)?;
        let loss = Self::new().label_smoothing(label_smoothing)?;
        class_weights.map_or(Ok(loss.clone()), |weights| loss.class_weights(&weights))
    }
}

impl<T: Scalar> Loss<T> for WeightedSoftmaxCrossEntropy {
    fn target(&self) -> TargetKind {
        TargetKind::Labels
    }

    fn width(&self) -> Option<usize> {
        self.weights.as_ref().map(|w| w.len())
    }

    fn terms(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Terms {
        let labels = target.labels(NAME);
        self.check(g, output, labels);
        let (rows, cols) = g.shape(output);
        let weight = |class: usize| T::of(self.weights.as_ref().map_or(1.0, |w| w[class]));
        let log_p = g.log_softmax(output);
        // Each row counts what its label weighs.
        let counts = g.input_from(rows, 1, |out| {
            out.iter_mut().zip(labels).for_each(|(out, label)| *out = weight(*label as usize));
        });
        let own = g.gather_cols(log_p, labels);
        let own = g.mul(own, counts);
        let own = g.scale(own, self.smoothing - 1.0);
        let every = g.input_from(cols, 1, |out| out.iter_mut().enumerate().for_each(|(j, out)| *out = weight(j)));
        let spread = g.matmul(log_p, Trans::No, every, Trans::No);
        let spread = g.scale(spread, -self.smoothing / cols as f64);
        Terms::new(g.add(own, spread)).counting_by_row(counts)
    }

    fn loss(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Var {
        let labels = target.labels(NAME);
        self.check(g, output, labels);
        let cols = g.shape(output).1;
        g.push_with(WeightedCrossEntropyOp { z: output, smoothing: self.smoothing }, 1, 1, |saved| {
            saved.indices.clear();
            saved.indices.extend_from_slice(labels);
            saved.values[1].clear();
            match &self.weights {
                Some(weights) => saved.values[1].extend(weights.iter().map(|w| T::of(*w))),
                None => saved.values[1].resize(cols, T::one()),
            }
        })
    }
}

/// Its slot keeps the log-probabilities, the weights and the labels.
#[derive(Clone, Copy, Debug)]
struct WeightedCrossEntropyOp {
    z: Var,
    smoothing: f64,
}

impl<T: Scalar> Op<T> for WeightedCrossEntropyOp {
    fn name(&self) -> &'static str {
        NAME
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.z])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (rows, cols) = f.values.shape(self.z);
        let [log_p, weights, _] = f.saved.values.each_mut();
        log_p.resize(rows * cols, T::zero());
        kernel::log_softmax(rows, cols, f.values.get(self.z), log_p, f.par);
        let spread = self.smoothing / cols as f64;
        let mut sum = 0.0;
        for (log_p, label) in log_p.chunks_exact(cols.max(1)).zip(&f.saved.indices) {
            let label = *label as usize;
            sum -= (1.0 - self.smoothing) * weights[label].as_f64() * log_p[label].as_f64();
            if spread > 0.0 {
                sum -= spread * kernel::dot(log_p, weights);
            }
        }
        f.y[0] = T::of(sum / total(weights, &f.saved.indices));
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let cols = b.values.shape(self.z).1;
        let ([log_p, weights, _], labels) = (b.saved.get(), b.saved.indices.as_slice());
        let factor = b.dy[0].as_f64() / total(weights, labels);
        let spread = factor * self.smoothing / cols as f64;
        let everywhere = spread * kernel::sum(weights);
        let Some((dz, accum)) = b.grads.get(self.z) else { return };
        kernel::for_tiles(cols, dz, b.par, |first, dz| {
            for (i, dz) in dz.chunks_mut(cols.max(1)).enumerate() {
                let row = first + i;
                let (log_p, label) = (&log_p[row * cols..][..cols], labels[row] as usize);
                let own = factor * (1.0 - self.smoothing) * weights[label].as_f64();
                let (own, everywhere, spread) = (T::of(own), T::of(everywhere), T::of(spread));
                math::vectorize(
                    #[inline(always)]
                    || {
                        for ((dz, p), w) in dz.iter_mut().zip(log_p).zip(weights) {
                            let p = math::exp(*p);
                            let d = own * p + (everywhere * p - spread * *w);
                            *dz = if accum == Accum::Add { *dz + d } else { d };
                        }
                    },
                );
                dz[label] -= own;
            }
        });
    }
}

/// The sum of the weights of the labels.
fn total<T: Scalar>(weights: &[T], labels: &[u32]) -> f64 {
    labels.iter().map(|l| weights[*l as usize].as_f64()).sum()
}
