//! Units of a layer: the columns of a weight `(in, out)`, each of which holds the incoming weights of one unit.

use layerwise_tensor::kernel::{Par, for_chunks_mut, for_row_parts, for_tiles};
use layerwise_tensor::{ParamKind, ParamSpec, Scalar, math};

/// A parameter seen as the incoming values of units, `(rows, units)`, to change.
///
/// ```
/// use layerwise_optim::constraint::Units;
///
/// // Two inputs, three units.
/// let mut w = [3.0f32, 0.0, 1.0, 4.0, 2.0, 0.0];
/// let mut scratch = [0.0; 3];
/// let mut units = Units::new(&mut w, &mut scratch);
/// units.rescale(|norm| if norm > 2.0 { 2.0 / norm } else { 1.0 });
/// assert_eq!(w, [1.2, 0.0, 1.0, 1.6, 2.0, 0.0]);
/// ```
#[derive(Debug)]
pub struct Units<'a, T> {
    values: &'a mut [T],
    /// One place for each unit.
    factors: &'a mut [f64],
}

impl<'a, T: Scalar> Units<'a, T> {
    /// The row-major `values` of as many units as `scratch` has places.
    ///
    /// # Panics
    /// If the values are not whole rows of so many.
    #[track_caller]
    pub fn new(values: &'a mut [T], scratch: &'a mut [f64]) -> Self {
        let (len, units) = (values.len(), scratch.len());
        assert!(len.checked_rem(units).unwrap_or(len) == 0, "units: {len} values are not whole rows of {units} units");
        Self { values, factors: scratch }
    }

    /// The values, row-major.
    pub fn values(&mut self) -> &mut [T] {
        self.values
    }

    /// Multiplies the incoming values of each unit by `factor` of their Euclidean norm.
    pub fn rescale(&mut self, factor: impl Fn(f64) -> f64) {
        sums_of_squares(self.values, self.factors);
        self.factors.iter_mut().for_each(|f| *f = factor(f.sqrt()));
        let factors = &*self.factors;
        for_tiles(factors.len(), self.values, Par::Auto, |_, rows| {
            math::vectorize(
                #[inline(always)]
                || {
                    for row in rows.chunks_exact_mut(factors.len()) {
                        row.iter_mut().zip(factors).for_each(|(v, f)| *v = T::of(v.as_f64() * f));
                    }
                },
            );
        });
    }

    /// Puts `f` of it in the place of each value.
    pub fn map(&mut self, f: impl Fn(T) -> T + Sync) {
        for_chunks_mut(Par::Auto, self.values.len(), &mut *self.values, |_, values| {
            values.iter_mut().for_each(|v| *v = f(*v));
        });
    }
}

/// The number of units of a parameter: the columns of a weight; whatever is no weight belongs together.
pub(crate) fn count(spec: &ParamSpec) -> usize {
    if spec.kind == ParamKind::Weight { spec.cols } else { 1 }
}

/// The sum of squares of each column of `x`, `(rows, out.len())`, in `f64` and in the order of the rows.
pub(crate) fn sums_of_squares<T: Scalar>(x: &[T], out: &mut [f64]) {
    let units = out.len();
    let rows = x.len().checked_div(units).unwrap_or(0);
    for_row_parts(units, rows, out, Par::Auto, |here, out| {
        math::vectorize(
            #[inline(always)]
            || {
                out.fill(0.0);
                for row in x.chunks_exact(units) {
                    for (sum, v) in out.iter_mut().zip(&row[here.clone()]) {
                        *sum += v.as_f64() * v.as_f64();
                    }
                }
            },
        );
    });
}
