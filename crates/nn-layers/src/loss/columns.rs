//! One term for each column of a table, whose parameters may lie anywhere in the output: one operation.

use layerwise_autograd::{Backward, Forward, Graph, Inputs, Op, Par, Var};
use layerwise_tensor::{Accum, Scalar, kernel};

use super::likelihood;
use super::weights::Terms;

/// Where the parameters of one column of a table lie in the output, and where its value lies in the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    kind: Kind,
    /// The first parameter and the second, if there is one.
    outputs: [usize; 2],
    /// The first column of the target.
    pub(super) target: usize,
    /// How many columns of the target.
    levels: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Gaussian,
    GaussianNll,
    Bernoulli,
    Categorical,
    Poisson,
    NegativeBinomial,
}

const KINDS: [Kind; 6] =
    [Kind::Gaussian, Kind::GaussianNll, Kind::Bernoulli, Kind::Categorical, Kind::Poisson, Kind::NegativeBinomial];

impl Cell {
    pub(super) fn gaussian(output: usize, target: usize) -> Self {
        Self { kind: Kind::Gaussian, outputs: [output; 2], target, levels: 1 }
    }

    pub(super) fn gaussian_nll(outputs: [usize; 2], target: usize) -> Self {
        Self { kind: Kind::GaussianNll, outputs, target, levels: 1 }
    }

    pub(super) fn bernoulli(output: usize, target: usize) -> Self {
        Self { kind: Kind::Bernoulli, outputs: [output; 2], target, levels: 1 }
    }

    pub(super) fn categorical(output: usize, target: usize, levels: usize) -> Self {
        Self { kind: Kind::Categorical, outputs: [output; 2], target, levels }
    }

    pub(super) fn poisson(output: usize, target: usize) -> Self {
        Self { kind: Kind::Poisson, outputs: [output; 2], target, levels: 1 }
    }

    pub(super) fn negative_binomial(outputs: [usize; 2], target: usize) -> Self {
        Self { kind: Kind::NegativeBinomial, outputs, target, levels: 1 }
    }

    /// As a slot keeps it.
    fn encode(self) -> [u32; WORDS] {
        let [a, b] = self.outputs;
        [self.kind as u32, a as u32, b as u32, self.target as u32, self.levels as u32]
    }

    fn decode([kind, a, b, target, levels]: [u32; WORDS]) -> Self {
        let kind = KINDS[kind as usize];
        Self { kind, outputs: [a as usize, b as usize], target: target as usize, levels: levels as usize }
    }
}

/// Numbers that tell a cell.
const WORDS: usize = 5;

/// The terms of `cells` cells, one column each, by their gradients `dl_ij` times the derivatives by parameters and target.
#[track_caller]
pub(super) fn terms<T: Scalar>(
    g: &mut Graph<'_, T>,
    name: &'static str,
    output: Var,
    target: Var,
    cells: usize,
    cell: impl Fn(usize) -> Cell,
) -> Terms {
    let rows = g.shape(output).0;
    Terms::new(g.push_with(ColumnTerms { name, output, target }, rows, cells, |saved| {
        saved.indices.clear();
        saved.indices.extend((0..cells).flat_map(|j| cell(j).encode()));
    }))
}

#[derive(Clone, Copy, Debug)]
struct ColumnTerms {
    name: &'static str,
    output: Var,
    target: Var,
}

impl<T: Scalar> Op<T> for ColumnTerms {
    fn name(&self) -> &'static str {
        self.name
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.output, self.target])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (output, target) = (f.values.get(self.output), f.values.get(self.target));
        let (outputs, targets) = (f.values.shape(self.output).1, f.values.shape(self.target).1);
        let cells = f.saved.indices.as_chunks::<WORDS>().0;
        kernel::for_tiles(f.cols, f.y, f.par, |first, y| {
            for (i, terms) in y.chunks_mut(cells.len().max(1)).enumerate() {
                let z = &output[(first + i) * outputs..][..outputs];
                let t = &target[(first + i) * targets..][..targets];
                terms.iter_mut().zip(cells).for_each(|(term, cell)| *term = value(Cell::decode(*cell), z, t));
            }
        });
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (output, target) = (b.values.get(self.output), b.values.get(self.target));
        let (outputs, targets) = (b.values.shape(self.output).1, b.values.shape(self.target).1);
        let cells = b.saved.indices.as_chunks::<WORDS>().0;
        let dl = &*b.dy;
        let row = |row: usize| {
            let (z, t) = (&output[row * outputs..][..outputs], &target[row * targets..][..targets]);
            (z, t, cells.iter().zip(&dl[row * cells.len()..]))
        };
        // Asked for one after the other: output and target may be one variable.
        if let Some((dz, accum)) = b.grads.get(self.output) {
            each_row(b.par, outputs, dz, accum, |i, dz| {
                let (z, t, cells) = row(i);
                cells.for_each(|(cell, dl)| derive(Cell::decode(*cell), *dl, z, t, dz));
            });
        }
        if let Some((dt, accum)) = b.grads.get(self.target) {
            each_row(b.par, targets, dt, accum, |i, dt| {
                let (z, t, cells) = row(i);
                cells.for_each(|(cell, dl)| derive_by_target(Cell::decode(*cell), *dl, z, t, dt));
            });
        }
    }
}

/// `f` for each row of `out`, which it adds to.
fn each_row<T: Scalar>(par: Par, cols: usize, out: &mut [T], accum: Accum, f: impl Fn(usize, &mut [T]) + Sync) {
    kernel::for_tiles(cols, out, par, |first, out| {
        if accum == Accum::Replace {
            out.fill(T::zero());
        }
        out.chunks_mut(cols.max(1)).enumerate().for_each(|(i, out)| f(first + i, out));
    });
}

fn value<T: Scalar>(cell: Cell, z: &[T], t: &[T]) -> T {
    let Cell { kind, outputs: [a, b], target, levels } = cell;
    match kind {
        Kind::Gaussian => likelihood::gaussian(z[a], t[target]),
        Kind::GaussianNll => likelihood::gaussian_nll([z[a], z[b]], t[target]),
        Kind::Bernoulli => likelihood::bernoulli(z[a], t[target]),
        Kind::Categorical => likelihood::categorical(&z[a..][..levels], &t[target..][..levels]),
        Kind::Poisson => likelihood::poisson(z[a], t[target]),
        Kind::NegativeBinomial => likelihood::negative_binomial([z[a], z[b]], t[target]),
    }
}

/// Adds what the cell gives, times `dl`, to the gradient of its parameters.
fn derive<T: Scalar>(cell: Cell, dl: T, z: &[T], t: &[T], dz: &mut [T]) {
    let Cell { kind, outputs: [a, b], target, levels } = cell;
    if dl == T::zero() {
        // Masked: what stands there may have no derivative.
        return;
    }
    match kind {
        Kind::Gaussian => dz[a] += dl * likelihood::d_gaussian(z[a], t[target]),
        Kind::Bernoulli => dz[a] += dl * likelihood::d_bernoulli(z[a], t[target]),
        Kind::Poisson => dz[a] += dl * likelihood::d_poisson(z[a], t[target]),
        Kind::Categorical => {
            likelihood::d_categorical(dl, &z[a..][..levels], &t[target..][..levels], &mut dz[a..][..levels]);
        }
        Kind::GaussianNll => {
            let [da, db] = likelihood::d_gaussian_nll([z[a], z[b]], t[target]);
            dz[a] += dl * da;
            dz[b] += dl * db;
        }
        Kind::NegativeBinomial => {
            let [da, db] = likelihood::d_negative_binomial([z[a], z[b]], t[target]);
            dz[a] += dl * da;
            dz[b] += dl * db;
        }
    }
}

/// The same for the value of the target.
fn derive_by_target<T: Scalar>(cell: Cell, dl: T, z: &[T], t: &[T], dt: &mut [T]) {
    let Cell { kind, outputs: [a, b], target, levels } = cell;
    if dl == T::zero() {
        return;
    }
    let d = match kind {
        Kind::Gaussian => likelihood::d_gaussian(t[target], z[a]),
        Kind::GaussianNll => -likelihood::d_gaussian_nll([z[a], z[b]], t[target])[0],
        Kind::Bernoulli | Kind::Poisson => -z[a],
        Kind::NegativeBinomial => likelihood::negative_binomial_by_target([z[a], z[b]], t[target]),
        Kind::Categorical => {
            return likelihood::categorical_by_target(dl, &z[a..][..levels], &mut dt[target..][..levels]);
        }
    };
    dt[target] += dl * d;
}
