//! A right operand of the same shape, a row, a column or a number: the only broadcasting there is.

use layerwise_tensor::kernel::{self, Par};
use layerwise_tensor::{Accum, Scalar, math};

use super::elementwise::{Place, accumulate};
use crate::graph::Graph;
use crate::var::Var;

/// How the right operand meets the left one, a matrix `(r, c)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spread {
    /// `(r, c)`.
    Same,
    /// `(1, c)`, met by every row.
    Row,
    /// `(r, 1)`, met by every column.
    Column,
    /// `(1, 1)`.
    Number,
}

impl Spread {
    /// How `b` meets `a`.
    #[track_caller]
    pub(crate) fn of<T: Scalar>(g: &Graph<'_, T>, op: &str, a: Var, b: Var) -> Self {
        let (sa, sb) = (g.shape(a), g.shape(b));
        if sa == sb {
            return Spread::Same;
        }
        match sb {
            (1, 1) => Spread::Number,
            (1, c) if c == sa.1 => Spread::Row,
            (r, 1) if r == sa.0 => Spread::Column,
            _ => {
                g.require(
                    false,
                    op,
                    &[a, b],
                    "the right operand is neither of the same shape nor a row, column or number",
                );
                Spread::Same
            }
        }
    }

    /// `y = f(y, b)` with `b` spread over `y`, whose rows have `cols` elements.
    pub(crate) fn apply<T: Scalar>(self, par: Par, cols: usize, y: &mut [T], b: &[T], f: impl Fn(T, T) -> T + Sync) {
        kernel::for_tiles(cols, y, par, |first, y| {
            math::vectorize(
                #[inline(always)]
                || {
                    for (i, y) in y.chunks_mut(cols.max(1)).enumerate() {
                        let i = first + i;
                        match self {
                            Spread::Same => y.iter_mut().zip(&b[i * cols..]).for_each(|(y, b)| *y = f(*y, *b)),
                            Spread::Row => y.iter_mut().zip(b).for_each(|(y, b)| *y = f(*y, *b)),
                            Spread::Column => y.iter_mut().for_each(|y| *y = f(*y, b[i])),
                            Spread::Number => y.iter_mut().for_each(|y| *y = f(*y, b[0])),
                        }
                    }
                },
            );
        });
    }

    /// `db (+)= terms` summed over what `b` was spread over.
    pub(crate) fn reduce<T: Scalar>(
        self,
        par: Par,
        (rows, cols): (usize, usize),
        terms: &[T],
        (db, accum): Place<'_, T>,
    ) {
        match self {
            Spread::Same => accumulate(par, cols, (db, accum), terms),
            Spread::Row => kernel::sum_over_rows(rows, cols, terms, accum, db, par),
            Spread::Column => kernel::sum_over_cols(rows, cols, terms, accum, db, par),
            Spread::Number => {
                let sum = T::of(kernel::sum(terms));
                db[0] = if accum == Accum::Add { db[0] + sum } else { sum };
            }
        }
    }
}
