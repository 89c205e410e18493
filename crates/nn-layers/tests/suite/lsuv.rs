//! First weights that follow the data or the depth.

use layerwise_nn_layers::{
    Activation, ActivationConfig, BuildModel, Init, LinearConfig, Lsuv, Mlp, Module, Norm, ResidualConfig,
    SequentialModelConfig, WeightNormConfig, init, lsuv,
};
use layerwise_tensor::ndarray::Array2;
use layerwise_tensor::{Layout, Mode, Params, Scalar, Stream};

use crate::support::{close, normal, run};

fn data<T: Scalar>() -> Array2<T> {
    // Far from mean 0 and variance 1, as data are before anyone looked at them.
    normal::<T>(64, 6, 3).mapv(|v| T::of(40.0 + 300.0 * v.as_f64()))
}

fn variance<T: Scalar>(x: &Array2<T>) -> f64 {
    let n = x.len() as f64;
    let mean = x.iter().map(|v| v.as_f64()).sum::<f64>() / n;
    x.iter().map(|v| (v.as_f64() - mean).powi(2)).sum::<f64>() / n
}

#[test]
fn every_layer_puts_out_variance_one() {
    fn check<T: Scalar>(eps: f64)
    where
        Mlp: Module<T>,
    {
        for (activation, norm, residual) in [
            (Activation::RELU, Norm::None, false),
            (Activation::TANH, Norm::Layer, true),
            (Activation::GELU, Norm::Batch, true),
        ] {
            let config = Mlp::builder(6).hidden(&[32; 6]).outputs(3).activation(activation).norm(norm);
            let (mlp, mut params) = config.residual(residual).dropout(0.4).create::<T>(1).unwrap();
            let how = Lsuv::new().tolerance(eps);
            let report = lsuv(&mlp, &mut params, data().view(), &Stream::new(5), &how);
            assert!(report.settled(), "{report:?}");
            let names: Vec<&str> = report.layers.iter().map(|l| l.name.as_str()).collect();
            let weights = mlp.weights().into_iter().map(|id| params.layout().spec(id).name.as_str().to_owned());
            assert_eq!(names, weights.collect::<Vec<_>>(), "in the order of the forward pass");
            assert!(report.layers[0].before > 1e3, "the first layer sees the scale of the data");
            // Without biases one scaling is enough.
            assert!(report.layers.iter().all(|l| l.scalings <= 1), "{report:?}");
            let y = run(&mlp, &params, Mode::Eval, 0, data().view());
            close(variance(&y), 1.0, 2.0 * eps);
        }
    }
    check::<f64>(1e-12);
    check::<f32>(1e-5);
}

#[test]
fn the_start_is_orthonormal_and_the_scale_is_all_that_changes() {
    let (mlp, mut params) = Mlp::builder(6).hidden(&[6]).outputs(2).create::<f64>(1).unwrap();
    let _ = lsuv(&mlp, &mut params, data().view(), &Stream::new(5), &Lsuv::new());
    let w = params.view(mlp.weights()[0]);
    let gram = w.t().dot(&w);
    let scale = gram[(0, 0)];
    for ((i, j), v) in gram.indexed_iter() {
        close(*v / scale, f64::from(u8::from(i == j)), 1e-12);
    }
    assert!(mlp.linears().iter().all(|l| params.get(l.bias().unwrap()).iter().all(|b| *b == 0.0)));

    // Without it the weights and biases there are stay, up to a factor of the weights; biases make more than one scaling needed.
    let (mlp, before) = Mlp::builder(6).hidden(&[8, 8]).outputs(2).create::<f64>(1).unwrap();
    let mut params = before.clone();
    let how = Lsuv::new().orthonormal(false).tolerance(1e-3).tries(50);
    let report = lsuv(&mlp, &mut params, normal::<f64>(40, 6, 1).view(), &Stream::new(5), &how);
    assert!(report.settled(), "{report:?}");
    for linear in mlp.linears() {
        let (old, new) = (before.get(linear.weight()), params.get(linear.weight()));
        let factor = new[0] / old[0];
        assert!(old.iter().zip(new).all(|(o, n)| (n - factor * o).abs() <= 1e-12 * n.abs()));
        assert_eq!(before.get(linear.bias().unwrap()), params.get(linear.bias().unwrap()));
    }
}

#[test]
fn what_cannot_be_scaled_stays_and_is_told() {
    let (mlp, mut params) = Mlp::builder(6).hidden(&[8]).outputs(2).create::<f64>(1).unwrap();
    let report = lsuv(&mlp, &mut params, Array2::zeros((9, 6)).view(), &Stream::new(5), &Lsuv::new());
    assert!(!report.settled());
    assert!(report.layers.iter().all(|l| l.before == 0.0 && l.after == 0.0 && l.scalings == 0), "{report:?}");
    assert!(params.trainable().iter().all(|w| w.is_finite()));

    let (mlp, mut params) = Mlp::builder(6).hidden(&[8]).outputs(2).create::<f64>(1).unwrap();
    let first = mlp.weights()[0];
    params.set_frozen(first, true);
    let before = params.get(first).to_vec();
    let report = lsuv(&mlp, &mut params, data().view(), &Stream::new(5), &Lsuv::new());
    assert_eq!((report.layers.len(), params.get(first)), (1, &before[..]), "a frozen weight stays");

    // A weight that is computed is not on the tape as a parameter.
    let config = SequentialModelConfig::new(6).then(&WeightNormConfig::new(4)).then(&LinearConfig::new(3));
    let (model, mut params) = config.create::<f64>(1).unwrap();
    let report = lsuv(&model, &mut params, data().view(), &Stream::new(5), &Lsuv::new());
    assert_eq!(report.layers.iter().map(|l| l.name.as_str()).collect::<Vec<_>>(), ["1.weight"]);
}

#[test]
fn a_scaled_initializer_draws_the_same_numbers_times_the_factor() {
    for entry in init::table() {
        let (plain, scaled) = (Init::new(entry), Init::new(entry).scaled(0.25).unwrap());
        let (was, is) = (plain.distribution(30, 20), scaled.distribution(30, 20));
        close(is.variance(), was.variance() / 16.0, 1e-15);
        close(is.mean(), was.mean() / 4.0, 1e-15);
    }
    assert!(Init::HE_NORMAL.scaled(-1.0).is_err() && Init::HE_NORMAL.scaled(f64::NAN).is_err());
}

fn block(linears: usize, width: usize) -> ResidualConfig {
    (0..linears).fold(ResidualConfig::default(), |block, i| {
        let block = if i == 0 { block } else { block.then(&ActivationConfig::new(Activation::RELU)) };
        block.then(&LinearConfig::new(width))
    })
}

#[test]
fn fixup_scales_by_depth_and_ends_at_zero() {
    for (blocks, linears) in [(1, 2), (16, 2), (16, 3), (100, 4), (7, 1)] {
        let fixed = block(linears, 20).fixup(blocks).unwrap();
        assert_eq!((fixed.scale, fixed.learned_scale), (1.0, true));
        let inits: Vec<Init> = fixed
            .layers
            .iter()
            .filter(|l| l.name() == "linear")
            .map(|l| l.read::<LinearConfig>("").unwrap().init)
            .collect();
        let (last, others) = inits.split_last().unwrap();
        assert_eq!(*last, Init::ZEROS);
        assert_eq!(others.len(), linears - 1);
        for init in others {
            let std = init.distribution(20, 20).variance().sqrt();
            close(std, (2f64 / 20.0).sqrt() * (blocks as f64).powf(-1.0 / (2.0 * linears as f64 - 2.0)), 1e-15);
        }
    }
    // A stack of such blocks begins as the identity.
    let config = (0..8).fold(SequentialModelConfig::new(5), |m, _| m.then(&block(2, 5).fixup(8).unwrap()));
    let mut layout = Layout::new();
    let model = config.build_model(&mut layout.scope()).unwrap();
    let params = Params::<f64>::init(layout, &Stream::new(3));
    let x = normal::<f64>(4, 5, 2);
    assert_eq!(run(&model, &params, Mode::Train, 0, x.view()), x);

    let says = |r: Result<ResidualConfig, _>, part: &str| {
        let e: layerwise_nn_layers::ConfigError = r.unwrap_err();
        assert!(e.to_string().contains(part), "{e}");
    };
    says(block(2, 5).fixup(0), "residual blocks must be at least 1, found 0");
    says(block(0, 5).fixup(3), "linear layers in a branch must be at least 1, found 0");
}
