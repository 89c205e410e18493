//! A function of each output and its target, and its mean as one operation: what most losses are.

use std::marker::PhantomData;

use layerwise_autograd::{Backward, Forward, Graph, Inputs, Op, Var};
use layerwise_tensor::{Accum, Scalar, kernel, math};

use super::weights::Terms;
use crate::options::Args;

/// What one output `y` and its target `t` add to a loss, with the derivatives by either; branch-free, as an activation.
pub(super) trait Term: Copy + Send + Sync + 'static {
    /// Name in panics and diagnostics.
    const OP: &'static str;

    /// `l(y, t)`.
    fn value<T: Scalar>(args: [T; 2], y: T, t: T) -> T;

    /// `dl/dy`.
    fn d_output<T: Scalar>(args: [T; 2], y: T, t: T) -> T;

    /// `dl/dt`.
    fn d_target<T: Scalar>(args: [T; 2], y: T, t: T) -> T;
}

/// What the sum of the terms is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Per {
    /// The number of values.
    Value,
    /// The number of rows.
    Row,
}

/// `sum_ij l(y_ij, t_ij) / n`, `1 x 1`, summed in `f64`; NaN for an empty batch, as PyTorch.
///
/// Gradient: `dy_ij = dl/dy / n`, `dt_ij = dl/dt / n`.
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub(super) fn mean<F: Term, T: Scalar>(g: &mut Graph<'_, T>, args: Args, per: Per, y: Var, target: Var) -> Var {
    let same = g.shape(y) == g.shape(target);
    g.require(same, F::OP, &[y, target], "output and target differ in shape");
    g.push(MeanOfTerms { y, target, args, per, term: PhantomData::<F> }, 1, 1)
}

/// The terms `l(y_ij, t_ij)` themselves, in the shape of `y`.
///
/// Gradient: `dy_ij = dl/dy dl_ij`, `dt_ij = dl/dt dl_ij`.
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub(super) fn each<F: Term, T: Scalar>(g: &mut Graph<'_, T>, args: Args, per: Per, y: Var, target: Var) -> Terms {
    let (rows, cols) = g.shape(y);
    let same = (rows, cols) == g.shape(target);
    g.require(same, F::OP, &[y, target], "output and target differ in shape");
    let terms = Terms::new(g.push(EachTerm { y, target, args, term: PhantomData::<F> }, rows, cols));
    match per {
        Per::Value => terms,
        Per::Row => terms.counting(1.0 / cols as f64),
    }
}

#[derive(Clone, Copy, Debug)]
struct EachTerm<F> {
    y: Var,
    target: Var,
    args: Args,
    term: PhantomData<F>,
}

impl<T: Scalar, F: Term> Op<T> for EachTerm<F> {
    fn name(&self) -> &'static str {
        F::OP
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.y, self.target])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (y, t) = (f.values.get(self.y), f.values.get(self.target));
        let args = self.args.map(T::of);
        kernel::for_tiles(f.cols, f.y, f.par, |first, terms| {
            derive(
                first * f.cols,
                terms,
                Accum::Replace,
                y,
                t,
                #[inline(always)]
                |y, t| F::value(args, y, t),
            );
        });
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (y, t) = (b.values.get(self.y), b.values.get(self.target));
        let (args, cols) = (self.args.map(T::of), b.cols);
        let dl = &*b.dy;
        if let Some((dy, accum)) = b.grads.get(self.y) {
            kernel::for_tiles(cols, dy, b.par, |first, dy| {
                chain(
                    first * cols,
                    dy,
                    accum,
                    [dl, y, t],
                    #[inline(always)]
                    |y, t| F::d_output(args, y, t),
                );
            });
        }
        if let Some((dt, accum)) = b.grads.get(self.target) {
            kernel::for_tiles(cols, dt, b.par, |first, dt| {
                chain(
                    first * cols,
                    dt,
                    accum,
                    [dl, y, t],
                    #[inline(always)]
                    |y, t| F::d_target(args, y, t),
                );
            });
        }
    }
}

/// `out (+)= dl f(y, t)`, where `out` begins at value `first`.
fn chain<T: Scalar>(first: usize, out: &mut [T], accum: Accum, [dl, y, t]: [&[T]; 3], f: impl Fn(T, T) -> T) {
    let place = first..first + out.len();
    let (dl, y, t) = (&dl[place.clone()], &y[place.clone()], &t[place]);
    math::vectorize(
        #[inline(always)]
        || {
            for (((out, dl), y), t) in out.iter_mut().zip(dl).zip(y).zip(t) {
                // A term that does not count has no gradient, even where its slope overflows.
                let d = if *dl == T::zero() { T::zero() } else { *dl * f(*y, *t) };
                *out = if accum == Accum::Add { *out + d } else { d };
            }
        },
    );
}

#[derive(Clone, Copy, Debug)]
struct MeanOfTerms<F> {
    y: Var,
    target: Var,
    args: Args,
    per: Per,
    term: PhantomData<F>,
}

impl<F: Term> MeanOfTerms<F> {
    fn count(&self, (rows, cols): (usize, usize)) -> f64 {
        match self.per {
            Per::Value => (rows * cols) as f64,
            Per::Row => rows as f64,
        }
    }
}

impl<T: Scalar, F: Term> Op<T> for MeanOfTerms<F> {
    fn name(&self) -> &'static str {
        F::OP
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.y, self.target])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (y, t) = (f.values.get(self.y), f.values.get(self.target));
        let (args, shape) = (self.args.map(T::of), f.values.shape(self.y));
        f.scratch.clear();
        f.scratch.resize(y.len(), T::zero());
        let cols = shape.1;
        kernel::for_tiles(cols, f.scratch, f.par, |first, terms| {
            let place = first * cols..first * cols + terms.len();
            let (y, t) = (&y[place.clone()], &t[place]);
            math::vectorize(
                #[inline(always)]
                || {
                    for ((l, y), t) in terms.iter_mut().zip(y).zip(t) {
                        *l = F::value(args, *y, *t);
                    }
                },
            );
        });
        f.y[0] = T::of(kernel::sum(f.scratch) / self.count(shape));
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (y, t) = (b.values.get(self.y), b.values.get(self.target));
        let (args, shape) = (self.args.map(T::of), b.values.shape(self.y));
        let factor = T::of(b.dy[0].as_f64() / self.count(shape));
        // Asked for one after the other: output and target may be one variable.
        if let Some((dy, accum)) = b.grads.get(self.y) {
            kernel::for_tiles(shape.1, dy, b.par, |first, dy| {
                derive(
                    first * shape.1,
                    dy,
                    accum,
                    y,
                    t,
                    #[inline(always)]
                    |y, t| factor * F::d_output(args, y, t),
                );
            });
        }
        if let Some((dt, accum)) = b.grads.get(self.target) {
            kernel::for_tiles(shape.1, dt, b.par, |first, dt| {
                derive(
                    first * shape.1,
                    dt,
                    accum,
                    y,
                    t,
                    #[inline(always)]
                    |y, t| factor * F::d_target(args, y, t),
                );
            });
        }
    }
}

/// `out (+)= f(y, t)`, where `out` begins at value `first`.
fn derive<T: Scalar>(first: usize, out: &mut [T], accum: Accum, y: &[T], t: &[T], f: impl Fn(T, T) -> T) {
    let place = first..first + out.len();
    let (y, t) = (&y[place.clone()], &t[place]);
    math::vectorize(
        #[inline(always)]
        || {
            for ((out, y), t) in out.iter_mut().zip(y).zip(t) {
                let d = f(*y, *t);
                *out = if accum == Accum::Add { *out + d } else { d };
            }
        },
    );
}
