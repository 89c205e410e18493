//! Pointwise functions: what an author writes, and the handle a graph takes.

use std::fmt;

use layerwise_tensor::{Scalar, Slice, SliceMut, math};

/// What a derivative is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// The input `z` of the function: it must be kept for the backward pass.
    Input,
    /// The output `y`: the input need not be kept (sigmoid, tanh, exp).
    Output,
}

/// A function of one element, as its author writes it: once, for `f32` and `f64`, without branches that depend on the element (an `if`
/// that only chooses between two values becomes a selection).
///
/// `args` are up to two numbers fixed when the handle is made (a slope, a scale). Use the functions of
/// [`layerwise_tensor::math`]: the loops around `f` and `df` are compiled for the vector unit at hand.
///
/// ```
/// use layerwise_autograd::{Act, Needs, PointwiseFn};
/// use layerwise_tensor::Scalar;
///
/// struct Leaky;
/// impl PointwiseFn for Leaky {
///     const NEEDS: Needs = Needs::Input;
///     fn f<T: Scalar>(args: [T; 2], x: T) -> T {
///         if x > T::zero() { x } else { args[0] * x }
///     }
///     fn df<T: Scalar>(args: [T; 2], x: T) -> T {
///         if x > T::zero() { T::one() } else { args[0] }
///     }
/// }
/// let act = Act::new(&Leaky, [0.01, 0.0]);
/// let mut x = [2.0f32, -1.0];
/// act.forward(&mut x);
/// assert_eq!(x, [2.0, -0.01]);
/// ```
pub trait PointwiseFn: Send + Sync + 'static {
    /// What [`PointwiseFn::df`] reads.
    const NEEDS: Needs;

    /// Whether [`PointwiseFn::d2f`] is written.
    const HAS_SECOND: bool = false;

    /// The value.
    fn f<T: Scalar>(args: [T; 2], x: T) -> T;

    /// The derivative, from the input or the output as [`PointwiseFn::NEEDS`] says.
    fn df<T: Scalar>(args: [T; 2], saved: T) -> T;

    /// The value and the derivative at an input, to the bits of [`PointwiseFn::f`] and [`PointwiseFn::df`]: written anew where the two
    /// share their costly parts.
    #[inline(always)]
    fn both<T: Scalar>(args: [T; 2], x: T) -> (T, T) {
        let y = Self::f(args, x);
        (y, Self::df(args, if Self::NEEDS == Needs::Input { x } else { y }))
    }

    /// The second derivative, from the same value as [`PointwiseFn::df`]; contractive penalties read it.
    fn d2f<T: Scalar>(_args: [T; 2], _saved: T) -> T {
        T::nan()
    }

    /// Name for diagnostics; the name of the type unless written otherwise.
    fn name() -> &'static str {
        std::any::type_name::<Self>().rsplit("::").next().unwrap_or("pointwise")
    }
}

/// [`PointwiseFn`] behind a pointer: the loops over slices. Implemented for every [`PointwiseFn`].
pub trait Pointwise: Send + Sync + 'static {
    /// As [`PointwiseFn::name`].
    fn name(&self) -> &'static str;
    /// As [`PointwiseFn::NEEDS`].
    fn needs(&self) -> Needs;
    /// As [`PointwiseFn::HAS_SECOND`].
    fn has_second(&self) -> bool;
    /// `x = f(x)` in place.
    fn forward_f32(&self, args: [f64; 2], x: &mut [f32]);
    /// `x = f(x)` in place.
    fn forward_f64(&self, args: [f64; 2], x: &mut [f64]);
    /// `x = f(x)` in place, and `slope = f'` there.
    fn both_f32(&self, args: [f64; 2], x: &mut [f32], slope: &mut [f32]);
    /// `x = f(x)` in place, and `slope = f'` there.
    fn both_f64(&self, args: [f64; 2], x: &mut [f64], slope: &mut [f64]);
    /// `dy *= f'(saved)` in place.
    fn backward_f32(&self, args: [f64; 2], saved: &[f32], dy: &mut [f32]);
    /// `dy *= f'(saved)` in place.
    fn backward_f64(&self, args: [f64; 2], saved: &[f64], dy: &mut [f64]);
    /// `dy *= f''(saved)` in place.
    fn second_f32(&self, args: [f64; 2], saved: &[f32], dy: &mut [f32]);
    /// `dy *= f''(saved)` in place.
    fn second_f64(&self, args: [f64; 2], saved: &[f64], dy: &mut [f64]);
}

impl<P: PointwiseFn> Pointwise for P {
    fn name(&self) -> &'static str {
        <P as PointwiseFn>::name()
    }
    fn needs(&self) -> Needs {
        P::NEEDS
    }
    fn has_second(&self) -> bool {
        P::HAS_SECOND
    }
    fn forward_f32(&self, args: [f64; 2], x: &mut [f32]) {
        forward::<P, f32>(args, x);
    }
    fn forward_f64(&self, args: [f64; 2], x: &mut [f64]) {
        forward::<P, f64>(args, x);
    }
    fn both_f32(&self, args: [f64; 2], x: &mut [f32], slope: &mut [f32]) {
        both::<P, f32>(args, x, slope);
    }
    fn both_f64(&self, args: [f64; 2], x: &mut [f64], slope: &mut [f64]) {
        both::<P, f64>(args, x, slope);
    }
    fn backward_f32(&self, args: [f64; 2], saved: &[f32], dy: &mut [f32]) {
        backward::<P, f32>(args, saved, dy);
    }
    fn backward_f64(&self, args: [f64; 2], saved: &[f64], dy: &mut [f64]) {
        backward::<P, f64>(args, saved, dy);
    }
    fn second_f32(&self, args: [f64; 2], saved: &[f32], dy: &mut [f32]) {
        second::<P, f32>(args, saved, dy);
    }
    fn second_f64(&self, args: [f64; 2], saved: &[f64], dy: &mut [f64]) {
        second::<P, f64>(args, saved, dy);
    }
}

/// A pointwise function with its arguments: a `Copy` handle, so that it fits into an operation on the tape.
#[derive(Clone, Copy)]
pub struct Act {
    f: &'static dyn Pointwise,
    args: [f64; 2],
}

impl Act {
    /// The function `f` with these arguments; unused ones are zero.
    pub const fn new(f: &'static dyn Pointwise, args: [f64; 2]) -> Self {
        Self { f, args }
    }

    /// Name for diagnostics.
    pub fn name(&self) -> &'static str {
        self.f.name()
    }

    /// The arguments.
    pub const fn args(&self) -> [f64; 2] {
        self.args
    }

    /// What the derivative reads.
    pub fn needs(&self) -> Needs {
        self.f.needs()
    }

    /// Whether the second derivative is known.
    pub fn has_second(&self) -> bool {
        self.f.has_second()
    }

    /// `x = f(x)` in place.
    pub fn forward<T: Scalar>(&self, x: &mut [T]) {
        match T::slice_mut(x) {
            SliceMut::F32(x) => self.f.forward_f32(self.args, x),
            SliceMut::F64(x) => self.f.forward_f64(self.args, x),
        }
    }

    /// `x = f(x)` in place, and `slope` the derivative there, to the bits of [`Act::forward`] and [`Act::backward`] of ones.
    ///
    /// # Panics
    /// If the lengths differ.
    #[track_caller]
    pub fn both<T: Scalar>(&self, x: &mut [T], slope: &mut [T]) {
        same_length(x.len(), slope.len());
        match (T::slice_mut(x), T::slice_mut(slope)) {
            (SliceMut::F32(x), SliceMut::F32(slope)) => self.f.both_f32(self.args, x, slope),
            (SliceMut::F64(x), SliceMut::F64(slope)) => self.f.both_f64(self.args, x, slope),
            _ => unreachable!("both are slices of one type"),
        }
    }

    /// `dy *= f'(saved)` in place, where `saved` is the input or the output as [`Act::needs`] says.
    ///
    /// # Panics
    /// If the lengths differ.
    #[track_caller]
    pub fn backward<T: Scalar>(&self, saved: &[T], dy: &mut [T]) {
        same_length(saved.len(), dy.len());
        match (T::slice(saved), T::slice_mut(dy)) {
            (Slice::F32(s), SliceMut::F32(dy)) => self.f.backward_f32(self.args, s, dy),
            (Slice::F64(s), SliceMut::F64(dy)) => self.f.backward_f64(self.args, s, dy),
            _ => unreachable!("both are slices of one type"),
        }
    }

    /// `dy *= f''(saved)` in place; NaN where the second derivative is not written.
    ///
    /// # Panics
    /// If the lengths differ.
    #[track_caller]
    pub fn second<T: Scalar>(&self, saved: &[T], dy: &mut [T]) {
        same_length(saved.len(), dy.len());
        match (T::slice(saved), T::slice_mut(dy)) {
            (Slice::F32(s), SliceMut::F32(dy)) => self.f.second_f32(self.args, s, dy),
            (Slice::F64(s), SliceMut::F64(dy)) => self.f.second_f64(self.args, s, dy),
            _ => unreachable!("both are slices of one type"),
        }
    }
}

impl fmt::Debug for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}, {})", self.name(), self.args[0], self.args[1])
    }
}

#[track_caller]
fn same_length(saved: usize, dy: usize) {
    assert_eq!(saved, dy, "a derivative is read from {saved} values for {dy} gradients");
}

fn cast<T: Scalar>(args: [f64; 2]) -> [T; 2] {
    args.map(T::of)
}

fn forward<P: PointwiseFn, T: Scalar>(args: [f64; 2], x: &mut [T]) {
    let args = cast(args);
    math::vectorize(
        #[inline(always)]
        || {
            for v in x {
                *v = P::f(args, *v);
            }
        },
    );
}

fn both<P: PointwiseFn, T: Scalar>(args: [f64; 2], x: &mut [T], slope: &mut [T]) {
    let args = cast(args);
    math::vectorize(
        #[inline(always)]
        || {
            for (v, s) in x.iter_mut().zip(slope) {
                (*v, *s) = P::both(args, *v);
            }
        },
    );
}

fn backward<P: PointwiseFn, T: Scalar>(args: [f64; 2], saved: &[T], dy: &mut [T]) {
    let args = cast(args);
    math::vectorize(
        #[inline(always)]
        || {
            for (d, s) in dy.iter_mut().zip(saved) {
                *d *= P::df(args, *s);
            }
        },
    );
}

fn second<P: PointwiseFn, T: Scalar>(args: [f64; 2], saved: &[T], dy: &mut [T]) {
    let args = cast(args);
    math::vectorize(
        #[inline(always)]
        || {
            for (d, s) in dy.iter_mut().zip(saved) {
                *d *= P::d2f(args, *s);
            }
        },
    );
}
