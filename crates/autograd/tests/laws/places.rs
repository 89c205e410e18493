//! Where gradients go at the edges: at a kink, and where the result is a parameter itself.

use layerwise_autograd::Tape;
use layerwise_autograd::tensor::ndarray::array;
use layerwise_tensor::{Accum, Constant, Gradients, Layout, Mode, ParamKind, Params, Stream};

#[test]
fn a_parameter_that_is_the_result_itself_adds_up_over_micro_batches() {
    let mut layout = Layout::new();
    let w = layout.scope().param("w", ParamKind::Weight, 1, 2, Constant(0.5));
    let params = Params::<f64>::init(layout, &Stream::new(0));
    let (mut tape, mut grads) = (Tape::new(), Gradients::new(&params));
    for (dy, accum) in [([1.0, 2.0], Accum::Replace), ([10.0, 20.0], Accum::Add)] {
        let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
        let y = g.param(w);
        g.backward_from(y, &dy, &mut grads, accum);
    }
    assert_eq!(grads.get(w), Some(&[11.0, 22.0][..]));
    // The pass that looks at every gradient puts them in the same places.
    for (dy, accum, sum) in [([1.0, 2.0], Accum::Replace, [1.0, 2.0]), ([10.0, 20.0], Accum::Add, [11.0, 22.0])] {
        let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
        let y = g.param(w);
        g.backward_from_checked(y, &dy, &mut grads, accum).expect("finite gradients");
        assert_eq!(grads.get(w), Some(&sum[..]));
    }
}

#[test]
fn the_slope_of_abs_at_zero_is_zero() {
    let params = Params::<f64>::init(Layout::new(), &Stream::new(0));
    let (mut tape, mut grads) = (Tape::new(), Gradients::new(&params));
    let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
    let x = g.leaf(array![[0.0, -2.0, 3.0]].view());
    let y = g.abs(x);
    g.backward_from(y, &[1.0; 3], &mut grads, Accum::Replace);
    assert_eq!(tape.grad(x), Some(array![[0.0, -1.0, 1.0]].view()));
}
