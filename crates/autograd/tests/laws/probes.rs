//! What a tape tells about a step afterwards.

use layerwise_autograd::{Graph, Tape};
use layerwise_tensor::{Accum, Constant, Gradients, Layout, Mode, ParamKind, Params, Stream};
use ndarray::{Array2, array};

use crate::acts::TANH;
use layerwise_autograd::tensor::ndarray;

/// `tanh(x w)` in one slot or in two, and what is known of its last slot after the backward pass.
fn probe(fused: bool) -> (Array2<f64>, Vec<f64>, Array2<f64>) {
    let mut layout = Layout::new();
    let id = layout.scope().param("w", ParamKind::Weight, 2, 2, Constant(0.3));
    let params = Params::<f64>::init(layout, &Stream::new(0));
    let (mut tape, mut grads) = (Tape::new(), Gradients::new(&params));
    let mut g: Graph<'_, f64> = tape.graph(&params, Mode::Train, Stream::new(0));
    let x = g.input(array![[1.0, -2.0], [0.5, 3.0]].view());
    let w = g.param(id);
    let y = if fused {
        g.linear_act(x, w, None, TANH)
    } else {
        let z = g.linear(x, w, None);
        g.activate(z, TANH)
    };
    let loss = g.square(y);
    let loss = g.sum_all(loss);
    g.backward(loss, &mut grads, Accum::Replace);
    let value = tape.value(y).unwrap().to_owned();
    let mut slopes = Vec::new();
    assert!(tape.slopes(y, &params, &mut slopes));
    assert!(!tape.slopes(x, &params, &mut slopes.clone()), "an input has no activation");
    assert_eq!((tape.param_of(w), tape.param_of(y)), (Some(id), None));
    assert!(tape.wants_grad(y) && !tape.wants_grad(x) && tape.delta(x).is_none());
    (value, slopes, tape.delta(y).unwrap().to_owned())
}

#[test]
fn slopes_and_deltas_are_those_of_the_formulas() {
    let (y, slopes, delta) = probe(false);
    for ((y, slope), delta) in y.iter().zip(&slopes).zip(&delta) {
        assert!((slope - (1.0 - y * y)).abs() < 1e-15);
        assert!((delta - 2.0 * y).abs() < 1e-15, "the gradient of the value");
    }
    let (fused_y, fused_slopes, delta) = probe(true);
    assert_eq!((&fused_y, &fused_slopes), (&y, &slopes));
    for ((y, slope), delta) in y.iter().zip(&slopes).zip(&delta) {
        assert!((delta - 2.0 * y * slope).abs() < 1e-15, "the gradient in front of the activation");
    }
}
