//! Autoencoders give PyTorch's numbers: outputs, losses with their penalties, gradients, and six steps of Adam.
//!
//! The fixture is of `tests/parity/make_autoencoder_fixtures.py`. Deliberate difference: a denoising autoencoder draws noise of its own,
//! so here it sees the noise of the fixture.

use layerwise::autoencoder::{Autoencoder, AutoencoderConfig, model};
use layerwise::autograd::Tape;
use layerwise::nn::{BuildModel, Module};
use layerwise::optim::{Adam, OptimizerConfig};
use layerwise_tensor::{Accum, Gradients, Mode, Params, Scalar, Stream};
use ndarray::{Axis, Ix3};

use crate::fixture::{self, Case, Tolerance};
use crate::ledger::{BOTH, law};

#[test]
fn autoencoders() {
    let cases = fixture::read("autoencoders");
    // Sizes apart, what is special about a kind is one of these options.
    for kind in model::table() {
        let samples = kind.sample_configs().expect("samples are configurations");
        let covered = samples.iter().any(|s| {
            cases.iter().map(config).any(|c| {
                (c.tied, c.contractive.is_some(), c.sparsity.is_some())
                    == (s.tied, s.contractive.is_some(), s.sparsity.is_some())
            })
        });
        assert!(covered, "no numbers for `{}`", kind.name);
    }
    for case in &cases {
        check::<f64>(case, true);
        // In single precision Adam divides rounding by its own size where a gradient is near zero, so only the first step is compared.
        check::<f32>(case, false);
    }
    for kind in model::table() {
        law("parity", "autoencoder").ran(kind.name, BOTH, 1);
    }
}

fn config(case: &Case) -> AutoencoderConfig {
    serde_json::from_value(case.config.clone()).expect("our configuration")
}

fn check<T: Scalar>(case: &Case, to_the_end: bool)
where
    Autoencoder: Module<T>,
{
    let (model, mut params) = config(case).create::<T>(0).expect("a valid configuration");
    set(&mut params, case, "start");
    let what = |part: &str| format!("{}, {:?}, {part}", case.name, T::DTYPE);
    let tolerance = Tolerance::of::<T>();
    let mut optimizer = OptimizerConfig::new(Adam::default()).rate(0.01).build(&params).expect("a valid configuration");
    let (mut tape, mut grads) = (Tape::new(), Gradients::new(&params));
    let batches = |name: &str| case.array(name).mapv(T::of).into_dimensionality::<Ix3>().expect("batches of rows");
    let (targets, seen) = (batches("x"), batches("seen"));
    let mut losses = Vec::new();
    for (step, (target, batch)) in targets.axis_iter(Axis(0)).zip(seen.axis_iter(Axis(0))).enumerate() {
        let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
        let x = g.input(batch);
        let target = g.input(target);
        let y = model.forward(&mut g, x);
        if step == 0 {
            tolerance.check(&what("y"), g.slice(y), &case.values("y"));
        }
        let loss = g.mse(y, target);
        losses.push(g.backward(loss, &mut grads, Accum::Replace));
        if step == 0 {
            let layout = params.layout();
            for (id, spec) in layout.ids().zip(layout.specs()) {
                let found = grads.get(id).expect("a gradient");
                tolerance.check(&what(&format!("gradient of {}", spec.name)), found, &case.parameter("grad", spec));
            }
        }
        optimizer.step(&mut params, &mut grads);
    }
    if !to_the_end {
        return;
    }
    tolerance.check(&what("losses"), &losses, &case.values("losses"));
    let layout = params.layout();
    for (id, spec) in layout.ids().zip(layout.specs()) {
        tolerance.check(&what(&spec.name), params.get(id), &case.parameter("end", spec));
    }
}

fn set<T: Scalar>(params: &mut Params<T>, case: &Case, prefix: &str) {
    let layout = params.layout().clone();
    for (id, spec) in layout.ids().zip(layout.specs()) {
        for (p, v) in params.get_mut(id).iter_mut().zip(case.parameter(prefix, spec)) {
            *p = T::of(v);
        }
    }
}
