//! Every kernel once, on buffers made beforehand.

#![allow(dead_code, reason = "each test binary uses its part")]

use layerwise_tensor::kernel::{self, Form, LinearShape, Par, Tile};
use layerwise_tensor::{Accum, Scalar, Stream};

/// Standard normal values from the stream `name`.
pub(crate) fn normal<T: Scalar>(seed: u64, name: &str, len: usize) -> Vec<T> {
    let mut values = vec![T::zero(); len];
    Stream::new(seed).child(name).normal(0, &mut values);
    values
}

/// All inputs and outputs of all kernels for one shape.
pub(crate) struct Work<T> {
    s: LinearShape,
    x: Vec<T>,
    w: Vec<T>,
    b: Vec<T>,
    dz: Vec<T>,
    gain: Vec<T>,
    pub(crate) out: Vec<Vec<T>>,
    pub(crate) sums: [f64; 4],
}

impl<T: Scalar> Work<T> {
    pub(crate) fn new(seed: u64, batch: usize, inputs: usize, outputs: usize) -> Self {
        let sizes = [
            batch * outputs,    // 0 y
            batch * outputs,    // 1 saved
            inputs * outputs,   // 2 dw
            batch * inputs,     // 3 dx
            outputs,            // 4 db
            batch,              // 5 row sums
            batch * outputs,    // 6 softmax
            batch * outputs,    // 7 its gradient
            batch * outputs,    // 8 log softmax
            batch * outputs,    // 9 its gradient
            batch,              // 10 log-sum-exp
            batch * outputs,    // 11 its gradient
            batch * outputs,    // 12 norm: y
            batch * outputs,    // 13 z
            batch * outputs,    // 14 dx
            outputs,            // 15 dgain
            outputs,            // 16 dbias
            outputs,            // 17 mean
            outputs,            // 18 var
            outputs.max(batch), // 19 rstd
            batch * outputs,    // 20 transpose
            batch * outputs,    // 21 flat pass
        ];
        Self {
            s: LinearShape { batch, inputs, outputs },
            x: normal(seed, "x", batch * inputs),
            w: normal(seed, "w", inputs * outputs),
            b: normal(seed, "b", outputs),
            dz: normal(seed, "dz", batch * outputs),
            gain: normal(seed, "gain", outputs),
            out: sizes.map(|n| vec![T::zero(); n]).into(),
            sums: [0.0; 4],
        }
    }

    /// The products, which may allocate a packing buffer for each block.
    pub(crate) fn products(&mut self, par: Par) {
        let Self { s, x, w, b, dz, out, .. } = self;
        let [y, saved, dw, dx, ..] = &mut out[..] else { unreachable!() };
        let epilogue = |t: Tile<'_, T>| {
            t.saved.copy_from_slice(t.y);
            t.y.iter_mut().for_each(|v| *v = v.max(T::zero()));
        };
        kernel::linear_forward(*s, x, w, Some(b), y, saved, Some(&epilogue), par);
        kernel::linear_backward_weight(*s, x, dz, Accum::Replace, dw, par);
        kernel::linear_backward_input(*s, dz, w, Accum::Replace, dx, par);
        kernel::linear_backward_input(*s, dz, w, Accum::Add, dx, par);
        kernel::gemm(Form::Nn, s.batch, s.outputs, s.inputs, x, w, Accum::Add, y, par);
    }

    /// All others, which allocate nothing.
    pub(crate) fn passes(&mut self, par: Par) {
        let Self { s, x, dz, gain, b, out, sums, .. } = self;
        let (rows, cols) = (s.batch, s.outputs);
        let [
            _,
            _,
            _,
            _,
            db,
            row_sums,
            soft,
            dsoft,
            log,
            dlog,
            lse,
            dlse,
            y,
            z,
            dx,
            dgain,
            dbias,
            mean,
            var,
            rstd,
            t,
            flat,
        ] = &mut out[..]
        else {
            unreachable!()
        };
        kernel::linear_backward_bias(*s, dz, Accum::Replace, db, par);
        kernel::sum_over_cols(rows, cols, dz, Accum::Replace, row_sums, par);
        *sums = [kernel::sum(x), kernel::sum_of_squares(x, par), kernel::dot(x, x), kernel::max_abs(x)];
        kernel::softmax(rows, cols, dz, soft, par);
        kernel::softmax_backward(rows, cols, soft, dz, Accum::Replace, dsoft, par);
        kernel::log_softmax(rows, cols, dz, log, par);
        kernel::log_softmax_backward(rows, cols, log, dz, Accum::Replace, dlog, par);
        kernel::log_sum_exp(rows, cols, dz, lse, par);
        kernel::log_sum_exp_backward(rows, cols, dz, lse, row_sums, Accum::Replace, dlse, par);
        let (gain, bias) = (Some(&gain[..]), Some(&b[..]));
        let (replace, add) = (Accum::Replace, Accum::Add);
        kernel::layer_norm_forward(rows, cols, 1e-5, dz, gain, bias, y, z, &mut rstd[..rows], &mut [], None, par);
        kernel::layer_norm_backward(rows, cols, z, &rstd[..rows], gain, y, Some((dx, replace)), dgain, dbias, par);
        kernel::batch_norm_forward(
            rows,
            cols,
            1e-5,
            dz,
            gain,
            bias,
            y,
            z,
            mean,
            var,
            &mut rstd[..cols],
            &mut [],
            None,
            par,
        );
        kernel::batch_norm_backward(rows, cols, z, &rstd[..cols], gain, y, Some((dx, add)), dgain, dbias, par);
        kernel::batch_norm_eval_backward(rows, cols, 1e-5, dz, gain, mean, var, y, Some((dx, add)), dgain, dbias, par);
        kernel::batch_norm_eval(rows, cols, 1e-5, dz, gain, bias, mean, var, y, &mut [], None, par);
        kernel::transpose(rows, cols, dz, t);
        kernel::for_tiles2(cols, flat, soft, par, |first, a, b| {
            for (i, (a, b)) in a.iter_mut().zip(b).enumerate() {
                *a = *b * T::of((first * cols + i) as f64);
            }
        });
        kernel::for_chunks_mut(par, flat.len(), (&mut flat[..], &dz[..]), |range, (f, d)| {
            for (f, d) in f.iter_mut().zip(d) {
                *f += *d + T::of(range.start as f64);
            }
        });
    }

    /// Everything, as bytes.
    pub(crate) fn bits(mut self, par: Par) -> Vec<u8> {
        self.products(par);
        self.passes(par);
        let mut bytes = Vec::new();
        for out in &self.out {
            T::extend_le_bytes(out, &mut bytes);
        }
        f64::extend_le_bytes(&self.sums, &mut bytes);
        bytes
    }
}

/// The number of random cases: `count`, times what `LAYERWISE_CASES` says (`cargo xtask prove` asks for more).
pub(crate) fn times(count: u32) -> u32 {
    count * std::env::var("LAYERWISE_CASES").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1)
}
