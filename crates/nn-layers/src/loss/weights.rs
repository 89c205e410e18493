//! Terms of a loss, what rows and values weigh in their mean, and that mean.

use layerwise_autograd::{Backward, Forward, Graph, Inputs, Op, Var};
use layerwise_tensor::ndarray::ArrayView2;
use layerwise_tensor::{Accum, Scalar, kernel};

use super::target::Target;

/// What a loss is the mean of: terms `l_ij`, and what each of them counts.
///
/// The mean is `sum l_ij / sum n_ij`, where a term counts `n = 1` unless it is said otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    values: Var,
    count: Count,
}

#[derive(Clone, Copy, Debug)]
enum Count {
    /// Every term as much.
    Each(f64),
    /// The terms of a row what stands in this column.
    ByRow(Var),
}

impl Terms {
    /// These terms, `(batch, terms)`, each of which counts 1.
    pub fn new(values: Var) -> Self {
        Self { values, count: Count::Each(1.0) }
    }

    /// The same, each term counting `count`: with one divided by the number of columns the mean is one over the rows.
    pub fn counting(self, count: f64) -> Self {
        Self { count: Count::Each(count), ..self }
    }

    /// The same, the terms of a row counting what stands in `counts`, `(batch, 1)`, through which no gradient passes.
    pub fn counting_by_row(self, counts: Var) -> Self {
        Self { count: Count::ByRow(counts), ..self }
    }

    /// The terms, `(batch, terms)`.
    pub fn values(&self) -> Var {
        self.values
    }

    /// `sum l_ij / sum n_ij`, `(1, 1)`; NaN for an empty batch, as PyTorch.
    #[track_caller]
    pub fn mean<T: Scalar>(&self, g: &mut Graph<'_, T>) -> Var {
        let (rows, cols) = g.shape(self.values);
        let total = match self.count {
            Count::Each(count) => (rows * cols) as f64 * count,
            Count::ByRow(counts) => kernel::sum(g.slice(counts)) * cols as f64,
        };
        let sum = g.sum_all(self.values);
        g.scale(sum, 1.0 / total)
    }

    /// `sum w_ij l_ij / sum w_ij n_ij`, where term `j` takes the weight of the target's column `column(j)`; 0 if all weights are.
    #[track_caller]
    pub(super) fn weighted_mean<T: Scalar>(
        &self,
        g: &mut Graph<'_, T>,
        weights: &Weights<'_, T>,
        column: impl Fn(usize) -> usize,
    ) -> Weighted {
        let (rows, terms) = g.shape(self.values);
        let weights = weights.variable(g, rows, terms, column);
        let total = match self.count {
            Count::Each(count) => kernel::sum(g.slice(weights)) * count,
            Count::ByRow(counts) => {
                let rows = g.slice(weights).chunks_exact(terms.max(1)).zip(g.slice(counts));
                rows.map(|(weights, count)| kernel::sum(weights) * count.as_f64()).sum()
            }
        };
        let loss = g.push(WeightedMean { terms: self.values, weights, total }, 1, 1);
        Weighted { loss, weight: total }
    }
}

/// A weighted loss.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Weighted {
    /// The loss, `(1, 1)`.
    pub loss: Var,
    /// What the batch counts in a mean over several: the sum of the weights, or without weights the number of rows.
    pub weight: f64,
}

/// How much each row of a batch, and each value of its target, counts in a loss; see [`super::Loss::weighted`].
///
/// Weights are finite and at least 0; the weight of a value is that of its row times its own. A value of weight 0 takes no part.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a, T: Scalar> {
    rows: Option<&'a [T]>,
    values: Option<ArrayView2<'a, T>>,
}

impl<'a, T: Scalar> Weights<'a, T> {
    /// Everything counts the same.
    pub fn none() -> Self {
        Self { rows: None, values: None }
    }

    /// A weight for each row.
    pub fn of_rows(rows: &'a [T]) -> Self {
        Self { rows: Some(rows), ..Self::none() }
    }

    /// A weight for each value of the target, `(batch, targets)`: a mask, where the weights are 0 and 1.
    pub fn of_values(values: ArrayView2<'a, T>) -> Self {
        Self { values: Some(values), ..Self::none() }
    }

    /// The same with a weight for each row.
    pub fn and_rows(self, rows: &'a [T]) -> Self {
        Self { rows: Some(rows), ..self }
    }

    /// Whether everything counts the same.
    pub fn is_none(&self) -> bool {
        self.rows.is_none() && self.values.is_none()
    }

    /// The target with zeros where the weight is 0.
    #[track_caller]
    pub(super) fn known<'t>(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'t, T>) -> Target<'t, T> {
        let rows = g.shape(output).0;
        if let Some(weights) = self.rows {
            assert!(weights.len() == rows, "{} weights for the rows of {}", weights.len(), g.describe(output));
        }
        match target {
            Target::Labels(_) => {
                assert!(self.values.is_none(), "a label has no values to mask: give a weight for each row instead");
                target
            }
            Target::Values(values) => {
                self.check(values.dim());
                assert!(values.nrows() == rows, "{} rows of targets for {}", values.nrows(), g.describe(output));
                Target::Var(g.input_from(rows, values.ncols(), |out| {
                    for ((out, t), i) in out.iter_mut().zip(values).zip(0..) {
                        let weight = self.at(i / values.ncols(), i % values.ncols());
                        *out = if weight == T::zero() { T::zero() } else { *t };
                    }
                }))
            }
            Target::Var(x) => {
                let (rows, cols) = g.shape(x);
                self.check((rows, cols));
                let weights = self.variable(g, rows, cols, |j| j);
                Target::Var(g.push(Known { x, weights }, rows, cols))
            }
        }
    }

    #[track_caller]
    fn check(&self, target: (usize, usize)) {
        if let Some(values) = &self.values {
            let found = values.dim();
            assert!(
                found == target,
                "a mask of {found:?} for a target of {target:?}: there is one weight for each value"
            );
        }
    }

    #[inline]
    fn at(&self, row: usize, col: usize) -> T {
        let of_row = self.rows.map_or(T::one(), |rows| rows[row]);
        self.values.as_ref().map_or(of_row, |values| of_row * values[[row, col]])
    }

    /// The weights of the columns `column(0), ..` as a variable `(rows, cols)`.
    fn variable(&self, g: &mut Graph<'_, T>, rows: usize, cols: usize, column: impl Fn(usize) -> usize) -> Var {
        g.input_from(rows, cols, |out| {
            for (i, out) in out.chunks_exact_mut(cols.max(1)).enumerate() {
                out.iter_mut().enumerate().for_each(|(j, out)| *out = self.at(i, column(j)));
            }
        })
    }
}

/// `y = x` where the weight is not 0, else 0, whatever stands there.
#[derive(Clone, Copy, Debug)]
struct Known {
    x: Var,
    weights: Var,
}

impl<T: Scalar> Op<T> for Known {
    fn name(&self) -> &'static str {
        "known"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (x, weights) = (f.values.get(self.x), f.values.get(self.weights));
        f.y.iter_mut().zip(x).zip(weights).for_each(|((y, x), w)| *y = if *w == T::zero() { T::zero() } else { *x });
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let weights = b.values.get(self.weights);
        let Some((dx, accum)) = b.grads.get(self.x) else { return };
        for ((dx, dy), w) in dx.iter_mut().zip(&*b.dy).zip(weights) {
            let d = if *w == T::zero() { T::zero() } else { *dy };
            *dx = if accum == Accum::Add { *dx + d } else { d };
        }
    }
}

/// `sum w_ij l_ij / total` over the terms of a weight that is not 0; 0 if the total is.
#[derive(Clone, Copy, Debug)]
struct WeightedMean {
    terms: Var,
    weights: Var,
    total: f64,
}

impl<T: Scalar> Op<T> for WeightedMean {
    fn name(&self) -> &'static str {
        "weighted_mean"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.terms])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (terms, weights) = (f.values.get(self.terms), f.values.get(self.weights));
        f.scratch.clear();
        // A term of weight 0 may be infinite.
        f.scratch.extend(terms.iter().zip(weights).map(|(l, w)| if *w == T::zero() { T::zero() } else { *w * *l }));
        f.y[0] = if self.total == 0.0 { T::zero() } else { T::of(kernel::sum(f.scratch) / self.total) };
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let weights = b.values.get(self.weights);
        let factor = if self.total == 0.0 { T::zero() } else { T::of(b.dy[0].as_f64() / self.total) };
        let Some((dl, accum)) = b.grads.get(self.terms) else { return };
        for (dl, w) in dl.iter_mut().zip(weights) {
            let d = factor * *w;
            *dl = if accum == Accum::Add { *dl + d } else { d };
        }
    }
}
