//! How a small change of the input moves the output.

use layerwise_autograd::Tape;
use layerwise_nn_layers::Module;
use layerwise_tensor::{Accum, Gradients, Mode, Params, Scalar, Stream};
use ndarray::{Array2, ArrayView2};

use super::svd::singular_values;

/// The singular values of the Jacobian `dy / dx` of each row of `x`, largest first: by how much the model stretches the directions of its
/// input. Values far above 1 mean that errors grow on their way through, far below 1 that the input is forgotten ("dynamical isometry"
/// is all of them near 1: A. Saxe, J. McClelland, S. Ganguli, 2014; J. Pennington, S. Schoenholz, S. Ganguli, 2017).
///
/// One backward pass for each output serves all rows at once, in [`Mode::Eval`]; a model whose rows depend on each other in that mode is
/// none that this crate knows.
///
/// ```
/// use layerwise_nn_layers::{BuildModel, Init, Mlp};
/// use layerwise_train::diagnostics::jacobian_singular_values;
/// use layerwise_tensor::ndarray::array;
/// // A linear network that is orthogonal keeps every length.
/// let (mlp, params) = Mlp::builder(3).hidden(&[]).outputs(3).init(Init::ORTHOGONAL).create::<f64>(1)?;
/// let values = jacobian_singular_values(&mlp, &params, array![[1.0, 2.0, 3.0]].view());
/// assert!(values[0].iter().all(|s| (s - 1.0).abs() < 1e-12));
/// # Ok::<(), layerwise_nn_layers::ConfigError>(())
/// ```
///
/// # Panics
/// If `x` has not the number of columns the model takes.
#[track_caller]
pub fn jacobian_singular_values<T: Scalar>(
    model: &(impl Module<T> + ?Sized),
    params: &Params<T>,
    x: ArrayView2<'_, T>,
) -> Vec<Vec<f64>> {
    jacobians(model, params, x).iter().map(|j| singular_values(j.view())).collect()
}

/// The Jacobian `(outputs, inputs)` of each row.
#[track_caller]
pub(crate) fn jacobians<T: Scalar>(
    model: &(impl Module<T> + ?Sized),
    params: &Params<T>,
    x: ArrayView2<'_, T>,
) -> Vec<Array2<f64>> {
    // Gradients of parameters are not wanted: frozen, they cost nothing.
    let mut frozen = params.clone();
    frozen.set_frozen_below("", true);
    let (mut tape, mut grads) = (Tape::new(), Gradients::new(&frozen));
    let (rows, inputs) = x.dim();
    let mut out = Vec::new();
    let (mut k, mut outputs) = (0, 1);
    while k < outputs {
        let mut g = tape.graph(&frozen, Mode::Eval, Stream::new(0));
        g.skip_penalties();
        let leaf = g.leaf(x);
        let y = model.forward(&mut g, leaf);
        outputs = g.shape(y).1;
        if k == 0 {
            out = vec![Array2::zeros((outputs, inputs)); rows];
        }
        let seed: Vec<T> = (0..rows * outputs).map(|i| T::of(f64::from(i % outputs == k))).collect();
        g.backward_from(y, &seed, &mut grads, Accum::Replace);
        if let Some(dx) = tape.grad(leaf) {
            for (jacobian, dx) in out.iter_mut().zip(dx.outer_iter()) {
                jacobian.row_mut(k).iter_mut().zip(dx).for_each(|(j, d)| *j = d.as_f64());
            }
        }
        k += 1;
    }
    out
}
