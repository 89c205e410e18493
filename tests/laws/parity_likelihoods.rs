//! Weighted and masked losses, the special functions behind likelihoods of counts, and variational autoencoders give the numbers of
//! PyTorch and SciPy, as `tests/parity/make_likelihood_fixtures.py` writes them.
//!
//! Deliberate differences, which the script computes otherwise: PyTorch has no weights of rows and no masks, so its terms are meaned
//! there by the sum of the weights; it has no negative binomial loss, but the distribution.

use layerwise::autoencoder::{Autoencoder, AutoencoderConfig};
use layerwise::autograd::Tape;
use layerwise::nn::special::{digamma, ln_gamma};
use layerwise::nn::{AnyLoss, Loss, Module, Target, Weights, loss};
use layerwise_tensor::{Accum, Gradients, Layout, Mode, Params, Scalar, Stream};
use ndarray::{Array2, Ix2};

use crate::fixture::{self, Case, Tolerance};

#[test]
fn weighted_losses() {
    let cases = fixture::read("weighted_losses");
    for case in &cases {
        check_weighted::<f64>(case);
        check_weighted::<f32>(case);
    }
}

fn check_weighted<T: Scalar>(case: &Case)
where
    Box<dyn AnyLoss>: Loss<T>,
{
    let loss = loss::from_value(&case.config["loss"]).expect("our configuration");
    let nothing = Params::<T>::init(Layout::new(), &Stream::new(0));
    let (mut tape, mut grads) = (Tape::new(), Gradients::new(&nothing));
    let rows: Vec<T> = case.values("rows").into_iter().map(T::of).collect();
    let labels: Vec<u32> = case.values("target").into_iter().map(|v| v as u32).collect();
    let values = (case.config["target"] == "values").then(|| (matrix::<T>(case, "target"), matrix::<T>(case, "mask")));
    let (target, weights) = match &values {
        Some((values, mask)) => (Target::Values(values.view()), Weights::of_values(mask.view()).and_rows(&rows)),
        None => (Target::Labels(&labels), Weights::of_rows(&rows)),
    };
    let mut g = tape.graph(&nothing, Mode::Train, Stream::new(0));
    let z = g.leaf(matrix::<T>(case, "output").view());
    let found = loss.weighted(&mut g, z, target, &weights);
    let value = g.backward(found.loss, &mut grads, Accum::Replace);
    let gradient = tape.grad(z).expect("the gradient of a leaf");
    let (what, tolerance) = (|part: &str| format!("{}, {:?}, {part}", case.name, T::DTYPE), Tolerance::of::<T>());
    tolerance.check(&what("loss"), &[value], &case.values("loss"));
    tolerance.check(&what("weight"), &[found.weight], &case.values("weight"));
    tolerance.check(&what("gradient"), gradient.as_slice().unwrap_or(&[]), &case.values("gradient"));
}

#[test]
fn special_functions_have_the_errors_they_state() {
    for case in &fixture::read("special") {
        let check = |name: &str, f: fn(f64) -> f64, single: fn(f32) -> f32| {
            let mut worst = 0.0f64;
            for (x, expected) in case.values("x").into_iter().zip(case.values(name)) {
                let allowed = 1e-14 * expected.abs();
                let error = (f(x) - expected).abs();
                worst = worst.max(error / expected.abs().max(1.0));
                assert!(error <= allowed.max(2e-14), "{name}({x:e}) = {:e}, {expected:e} expected", f(x));
                // In single precision the argument is another one already, so the double of that argument is what counts.
                let x = x as f32;
                assert_eq!(single(x), f(f64::from(x)) as f32, "{name}({x:e})");
            }
            println!("{name}: worst error {worst:.1e}, of the value where that is above 1");
        };
        check("ln_gamma", ln_gamma, ln_gamma);
        check("digamma", digamma, digamma);
    }
    assert_eq!((ln_gamma(0.0), digamma(0.0)), (f64::INFINITY, f64::NEG_INFINITY));
    assert!(ln_gamma(-0.5f64).is_nan() && digamma(-0.5f64).is_nan() && ln_gamma(f64::NAN).is_nan());
}

#[test]
fn variational_autoencoders() {
    for case in &fixture::read("variational") {
        check_variational::<f64>(case);
        check_variational::<f32>(case);
    }
}

fn check_variational<T: Scalar>(case: &Case)
where
    Autoencoder: Module<T>,
    Box<dyn AnyLoss>: Loss<T>,
{
    let config: AutoencoderConfig = serde_json::from_value(case.config.clone()).expect("our configuration");
    let mut layout = Layout::new();
    let model = config.build(&mut layout.scope()).expect("a valid configuration");
    let mut params = Params::<T>::init(layout, &Stream::new(0));
    let layout = params.layout().clone();
    for (id, spec) in layout.ids().zip(layout.specs()) {
        let values = case.parameter("value", spec);
        params.get_mut(id).iter_mut().zip(values).for_each(|(p, v)| *p = T::of(v));
    }
    // The noise that PyTorch was given is what the step reads from its stream.
    let stream = Stream::new(7);
    let mut noise = vec![0.0f64; 10];
    stream.at(0).normal(0, &mut noise);
    assert_eq!(noise, case.values("noise"));

    let x = matrix::<T>(case, "x");
    let (mut tape, mut grads) = (Tape::new(), Gradients::new(&params));
    let mut g = tape.graph(&params, Mode::Train, stream);
    let input = g.input(x.view());
    let y = model.forward(&mut g, input);
    let kind = config.variational.expect("a variational one");
    let l = kind.loss().loss(&mut g, y, Target::Var(input));
    let value = g.backward(l, &mut grads, Accum::Replace);
    let (what, tolerance) = (|part: &str| format!("{}, {:?}, {part}", case.name, T::DTYPE), Tolerance::of::<T>());
    tolerance.check(&what("loss"), &[value], &case.values("loss"));
    let divergence = model.divergence(&params, x.view()).to_vec();
    tolerance.check(&what("divergence"), &divergence, &case.values("divergence"));
    for (id, spec) in layout.ids().zip(layout.specs()) {
        let found = grads.get(id).expect("a gradient");
        tolerance.check(&what(&format!("gradient of {}", spec.name)), found, &case.parameter("gradient", spec));
    }
}

fn matrix<T: Scalar>(case: &Case, name: &str) -> Array2<T> {
    case.array(name).mapv(T::of).into_dimensionality::<Ix2>().expect("rows")
}
