//! The same bits at any number of threads.

use layerwise_autograd::tensor::ndarray::Array2;
use layerwise_autograd::{Par, Tape};
use layerwise_tensor::{Accum, Gradients, Initializer, Layout, Mode, ParamKind, Params, Scalar, Stream};

use crate::acts::{SOFTPLUS, TANH};

#[derive(Debug)]
struct Normal;

impl Initializer for Normal {
    fn fill(&self, rows: usize, _: usize, stream: &Stream, out: &mut [f64]) {
        stream.normal(0, out);
        let scale = 1.0 / (rows as f64).sqrt();
        out.iter_mut().for_each(|v| *v *= scale);
    }
}

/// Loss and gradients of a step that is large enough for the pool.
fn step<T: Scalar>(par: Par) -> Vec<u64> {
    let mut layout = Layout::new();
    let mut scope = layout.scope();
    let mut param = |name: &str, kind, rows, cols| scope.param(name, kind, rows, cols, Normal);
    let w = [("0.w", 120, 200), ("1.w", 200, 120), ("2.w", 120, 10)].map(|(n, r, c)| param(n, ParamKind::Weight, r, c));
    let b = param("0.b", ParamKind::Bias, 1, 200);
    let (gain, bias) = (param("gain", ParamKind::Scale, 1, 200), param("bias", ParamKind::Bias, 1, 200));
    let buffers = [("m", 120), ("v", 120), ("n", 1)].map(|(n, c)| param(n, ParamKind::Buffer, 1, c));
    let stream = Stream::new(5);
    let params = Params::<T>::init(layout, &stream);
    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    let mut g = tape.graph(&params, Mode::Train, stream.at(0));
    g.set_par(par);
    let x = Array2::from_shape_fn((333, 120), |(i, j)| T::of(((i * 120 + j) as f64).sin()));
    let labels: Vec<u32> = (0..333).map(|i| i % 10).collect();
    let x = g.input(x.view());
    let (w, b, gain, bias) = (w.map(|w| g.param(w)), g.param(b), g.param(gain), g.param(bias));
    let h = g.linear_act_dropout(x, w[0], Some(b), Some(TANH), 0.2);
    let h = g.layer_norm(h, Some(gain), Some(bias), 1e-5);
    let h = g.linear_act(h, w[1], None, SOFTPLUS);
    let h = g.batch_norm(h, None, None, buffers[0], buffers[1], buffers[2], 1e-5, 0.1);
    let h = g.dropout(h, 0.1);
    let reconstruction = g.bce_with_logits(h, x);
    let z = g.linear(h, w[2], None);
    let cross_entropy = g.softmax_cross_entropy(z, &labels);
    let loss = g.add(reconstruction, cross_entropy);
    let loss = g.backward(loss, &mut grads, Accum::Replace);
    std::iter::once(loss.to_bits()).chain(grads.values().iter().map(|v| v.as_f64().to_bits())).collect()
}

fn same_bits<T: Scalar>() {
    let alone = step::<T>(Par::Seq);
    assert!(alone.iter().all(|b| f64::from_bits(*b).is_finite()));
    for threads in [1, 2, 3, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of a few threads");
        assert_eq!(pool.install(|| step::<T>(Par::Auto)), alone, "{threads} threads");
    }
}

#[test]
fn f32_has_the_same_bits_at_any_number_of_threads() {
    same_bits::<f32>();
}

#[test]
fn f64_has_the_same_bits_at_any_number_of_threads() {
    same_bits::<f64>();
}
