//! What theory says of the size of signals: moments that travel through a network of random weights.

use layerwise_autograd::{Act, Needs};

/// Mean and mean square of the values of a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moments {
    pub(crate) mean: f64,
    pub(crate) square: f64,
}

impl Moments {
    pub(crate) fn variance(self) -> f64 {
        (self.square - self.mean * self.mean).max(0.0)
    }

    /// Those of `x w + b`: the sum over `inputs` terms of independent weights, whose law of large numbers makes it normal.
    ///
    /// `q = inputs E[w²] E[x²] + E[b²]`, with mean `inputs E[w] E[x] + E[b]`.
    pub(crate) fn linear(self, inputs: usize, w: Moments, b: Moments) -> Moments {
        let n = inputs as f64;
        Moments { mean: n * w.mean * self.mean + b.mean, square: n * w.square * self.square + b.square }
    }

    /// Those of `f(z)` for a normal `z` with these moments, and `E[f'(z)²]`.
    pub(crate) fn through(self, act: Act) -> (Moments, f64) {
        let std = self.variance().sqrt();
        let mut z: Vec<f64> = (0..POINTS).map(|i| self.mean + std * node(i)).collect();
        let mut y = z.clone();
        act.forward(&mut y);
        let mut slopes = vec![1.0; POINTS];
        if act.needs() == Needs::Output {
            z.copy_from_slice(&y);
        }
        act.backward(&z, &mut slopes);
        let expect = |f: &dyn Fn(usize) -> f64| (0..POINTS).map(|i| weight(i) * f(i)).sum::<f64>();
        let moments = Moments { mean: expect(&|i| y[i]), square: expect(&|i| y[i] * y[i]) };
        (moments, expect(&|i| slopes[i] * slopes[i]))
    }
}

/// Points of the midpoint rule within ten standard deviations: kinks at the mean lie between two of them, so that the error is of second
/// order there too (1e-5), and for smooth functions it is below 1e-12.
const POINTS: usize = 4000;
const STEP: f64 = 20.0 / POINTS as f64;

fn node(i: usize) -> f64 {
    (i as f64 + 0.5) * STEP - 10.0
}

fn weight(i: usize) -> f64 {
    STEP * (-0.5 * node(i) * node(i)).exp() / std::f64::consts::TAU.sqrt()
}

#[cfg(test)]
mod tests {
    use layerwise_nn_layers::Activation;

    use super::*;

    const STANDARD: Moments = Moments { mean: 0.0, square: 1.0 };

    #[test]
    fn integrals_that_are_known() {
        let (relu, slope) = STANDARD.through(Activation::RELU.act());
        assert!((relu.mean - 1.0 / std::f64::consts::TAU.sqrt()).abs() < 1e-5, "{relu:?}");
        assert!((relu.square - 0.5).abs() < 1e-5 && (slope - 0.5).abs() < 1e-5);
        // SELU is made so that the standard normal is its fixed point.
        let (selu, _) = STANDARD.through(Activation::SELU.act());
        assert!(selu.mean.abs() < 1e-5 && (selu.square - 1.0).abs() < 1e-5, "{selu:?}");
        // PyTorch's gain of tanh, 5/3, is no fixed point: E[tanh²] = 0.3943 by numerical integration to many digits.
        let (tanh, slope) = STANDARD.through(Activation::TANH.act());
        assert!((tanh.square - 0.394_294_4).abs() < 1e-6, "{tanh:?}");
        // E[(1 - tanh²)²] lies between 1 - 2 E[tanh²] and 1.
        assert!(slope > 1.0 - 2.0 * tanh.square && slope < 1.0);
    }

    #[test]
    fn a_linear_layer_adds_up_variances() {
        let x = Moments { mean: 0.5, square: 1.0 };
        let z = x.linear(10, Moments { mean: 0.0, square: 0.2 }, Moments { mean: 1.0, square: 1.5 });
        assert_eq!((z.mean, z.square), (1.0, 3.5));
        assert_eq!(z.variance(), 2.5);
    }
}
