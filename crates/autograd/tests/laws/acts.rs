//! A few activations for the tests: the shelf of real ones lies above this crate.

use layerwise_autograd::{Act, Needs, PointwiseFn};
use layerwise_tensor::{Scalar, math};

/// Reads its input and has a kink at 0.
pub(crate) const LEAKY: Act = Act::new(&Leaky, [0.1, 0.0]);
/// Reads its output.
pub(crate) const TANH: Act = Act::new(&Tanh, [0.0; 2]);
/// Reads its input and is smooth.
pub(crate) const SOFTPLUS: Act = Act::new(&Softplus, [0.0; 2]);

struct Leaky;
impl PointwiseFn for Leaky {
    const NEEDS: Needs = Needs::Input;
    fn f<T: Scalar>(args: [T; 2], x: T) -> T {
        if x > T::zero() { x } else { args[0] * x }
    }
    fn df<T: Scalar>(args: [T; 2], x: T) -> T {
        if x > T::zero() { T::one() } else { args[0] }
    }
}

struct Tanh;
impl PointwiseFn for Tanh {
    const NEEDS: Needs = Needs::Output;
    const HAS_SECOND: bool = true;
    fn f<T: Scalar>(_: [T; 2], x: T) -> T {
        math::tanh(x)
    }
    fn df<T: Scalar>(_: [T; 2], y: T) -> T {
        T::one() - y * y
    }
    fn d2f<T: Scalar>(_: [T; 2], y: T) -> T {
        T::of(-2.0) * y * (T::one() - y * y)
    }
}

struct Softplus;
impl PointwiseFn for Softplus {
    const NEEDS: Needs = Needs::Input;
    const HAS_SECOND: bool = true;
    fn f<T: Scalar>(_: [T; 2], x: T) -> T {
        math::softplus(x)
    }
    fn df<T: Scalar>(_: [T; 2], x: T) -> T {
        math::sigmoid(x)
    }
    fn d2f<T: Scalar>(_: [T; 2], x: T) -> T {
        math::sigmoid(x) * math::sigmoid(-x)
    }
}

#[test]
fn a_handle_knows_its_function() {
    assert_eq!((LEAKY.name(), TANH.name()), ("Leaky", "Tanh"));
    assert!(TANH.has_second() && !LEAKY.has_second());
    let mut d = [1.0f64];
    TANH.second(&[0.5], &mut d);
    assert_eq!(d, [-0.75]);
    LEAKY.second(&[0.5], &mut d);
    assert!(d[0].is_nan(), "an unwritten second derivative must not pass for a number");
}
