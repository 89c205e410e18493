//! What an activation's file tells about it.

use std::fmt;

use layerwise_autograd::Pointwise;

use crate::options::{ArgSpec, Args, Entry};

/// A line of the table of activations, or an activation of one's own:
///
/// ```
/// use layerwise_autograd::{Needs, PointwiseFn, gradcheck};
/// use layerwise_nn_layers::activation::ActivationEntry;
/// use layerwise_nn_layers::{Activation, ArgSpec, Domain};
/// use layerwise_tensor::{Layout, Params, Scalar, Stream};
///
/// struct Bent;
///
/// impl PointwiseFn for Bent {
///     const NEEDS: Needs = Needs::Input;
///     fn f<T: Scalar>([a, _]: [T; 2], x: T) -> T {
///         a * x + (x * x + T::one()).sqrt() - T::one()
///     }
///     fn df<T: Scalar>([a, _]: [T; 2], x: T) -> T {
///         a + x / (x * x + T::one()).sqrt()
///     }
/// }
///
/// static BENT: ActivationEntry = ActivationEntry {
///     name: "bent",
///     doc: "y = a x + sqrt(x^2 + 1) - 1",
///     args: &[ArgSpec { name: "a", default: 1.0, domain: Domain::Positive }],
///     function: &Bent,
///     kinks: |_| Vec::new(),
///     gain: |_| 1.0,
/// };
///
/// // Wherever an activation is wanted: in an `MlpConfig`, in `Linear::forward_act`, or alone on a graph.
/// let bent = Activation::new(&BENT).with("a", 0.5)?;
/// let none = Params::init(Layout::new(), &Stream::new(0));
/// let x = gradcheck::random(4, 3, -3.0, 3.0, &Stream::new(1));
/// gradcheck::check(&none, &[x], |g, x| g.activate(x[0], bent.act()));
/// # Ok::<(), layerwise_nn_layers::ConfigError>(())
/// ```
pub struct ActivationEntry {
    /// Its name in configurations.
    pub name: &'static str,
    /// One line for the documentation, with the formula.
    pub doc: &'static str,
    /// The numbers it takes, two at most.
    pub args: &'static [ArgSpec],
    /// The function and its derivative.
    pub function: &'static dyn Pointwise,
    /// Where it is not smooth, given its numbers; gradient checks keep away from there.
    pub kinks: fn(Args) -> Vec<f64>,
    /// The factor by which weights of variance `1 / fan` are to be scaled before it.
    pub gain: fn(Args) -> f64,
}

impl Entry for ActivationEntry {
    const SHELF: &'static str = "activation";

    fn name(&self) -> &'static str {
        self.name
    }

    fn args(&self) -> &'static [ArgSpec] {
        self.args
    }
}

impl fmt::Debug for ActivationEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActivationEntry").field("name", &self.name).finish_non_exhaustive()
    }
}
