//! What needs more than a layer and its gradient: sampled DropConnect, LSUV, Fixup and the gains, against numbers of numpy and PyTorch
//! (`tests/parity/make_shelf_fixtures.py`). The layers of that script are among those of `parity_layers`.

use layerwise::autograd::Tape;
use layerwise::nn::{
    Activation, ActivationConfig, BuildModel, LayerConfig, LinearConfig, Lsuv, MlpConfig, Module, ResidualConfig, lsuv,
};
use layerwise_tensor::{Layout, Mode, Params, Scalar, Stream};
use ndarray::{Array2, Ix2};

use crate::fixture::{self, Case, DOUBLE, Tolerance};

fn matrix<T: Scalar>(case: &Case, name: &str) -> Array2<T> {
    case.array(name).mapv(T::of).into_dimensionality::<Ix2>().expect("rows")
}

/// Parameters from `start/`.
fn start<T: Scalar>(case: &Case, layout: Layout) -> Params<T> {
    let mut params = Params::zeros(layout);
    for id in params.layout().ids() {
        let values = case.parameter("start", params.layout().spec(id));
        params.get_mut(id).iter_mut().zip(values).for_each(|(p, v)| *p = T::of(v));
    }
    params
}

#[test]
fn a_sampled_drop_connect_has_the_moments_of_the_formula() {
    for case in &fixture::read("shelf_drop_connect") {
        let config: LayerConfig = serde_json::from_value(case.config.clone()).expect("our configuration");
        let (x, mean, std) = (matrix::<f64>(case, "x"), matrix::<f64>(case, "mean"), matrix::<f64>(case, "std"));
        let mut layout = Layout::new();
        let (layer, _) = config.build(&mut layout.scope(), x.ncols()).expect("a valid configuration");
        let params = start::<f64>(case, layout);
        let mut tape = Tape::new();
        let (mut draws, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for step in 0..500 {
            let mut g = tape.graph(&params, Mode::Eval, Stream::new(1).at(step));
            let input = g.input(x.view());
            let y = Module::<f64>::forward(&*layer, &mut g, input);
            let y = g.value(y);
            // One normal number for each output, the same for all rows: the first row tells it.
            for j in 0..y.ncols() {
                let n = (y[(0, j)] - mean[(0, j)]) / std[(0, j)];
                for i in 0..y.nrows() {
                    let expected = mean[(i, j)] + std[(i, j)] * n;
                    DOUBLE.check(&format!("{}, [{i}, {j}]", case.name), &[y[(i, j)]], &[expected]);
                }
                (draws, sum, squares) = (draws + 1.0, sum + n, squares + n * n);
            }
        }
        // Five standard errors of the mean and of the variance of standard normal numbers.
        let (mean, variance): (f64, f64) = (sum / draws, squares / draws);
        assert!(mean.abs() <= 5.0 / f64::sqrt(draws), "{}: mean {mean}", case.name);
        assert!((variance - 1.0).abs() <= 5.0 * f64::sqrt(2.0 / draws), "{}: variance {variance}", case.name);
    }
}

#[test]
fn lsuv_follows_its_algorithm() {
    fn check<T: Scalar>(case: &Case)
    where
        layerwise::nn::Mlp: Module<T>,
    {
        let config: MlpConfig = serde_json::from_value(model_options(case)).expect("our configuration");
        let mut layout = Layout::new();
        let model = config.build_model(&mut layout.scope()).expect("a valid configuration");
        let mut params = start::<T>(case, layout);
        let number = |name: &str| case.config[name].as_f64().expect("a number");
        let how = Lsuv::new().orthonormal(false).tolerance(number("tolerance")).tries(number("tries") as usize);
        let x = matrix::<T>(case, "x");
        let report = lsuv(&model, &mut params, x.view(), &Stream::new(0), &how);
        let what = |part: &str| format!("{}, {:?}, {part}", case.name, T::DTYPE);
        let tolerance = Tolerance::of::<T>();
        let of = |f: fn(&layerwise::nn::LsuvLayer) -> f64| report.layers.iter().map(f).collect::<Vec<f64>>();
        tolerance.check(&what("before"), &of(|l| l.before), &case.values("before"));
        tolerance.check(&what("after"), &of(|l| l.after), &case.values("after"));
        assert_eq!(of(|l| l.scalings as f64), case.values("scalings"), "{}", case.name);
        for id in params.layout().ids() {
            let spec = params.layout().spec(id);
            tolerance.check(&what(&spec.name), params.get(id), &case.parameter("end", spec));
        }
    }
    for case in &fixture::read("shelf_lsuv") {
        check::<f64>(case);
        // Near so tight a tolerance the number of scalings would be that of the rounding.
        if case.config["tolerance"].as_f64() > Some(1e-3) {
            check::<f32>(case);
        }
    }
}

fn model_options(case: &Case) -> serde_json::Value {
    let mut options = case.config["model"].clone();
    options.as_object_mut().expect("an object").remove("model");
    options
}

#[test]
fn fixup_and_gains_follow_their_formulas() {
    for case in &fixture::read("shelf_scales") {
        if case.name == "gain" {
            let activations: Vec<Activation> =
                serde_json::from_value(case.config["activations"].clone()).expect("activations");
            let gains: Vec<f64> = activations.iter().map(Activation::gain).collect();
            DOUBLE.check("gain", &gains, &case.values("gains"));
            continue;
        }
        for (row, expected) in matrix::<f64>(case, "cases").outer_iter().zip(case.values("std")) {
            let (blocks, linears, width) = (row[0] as usize, row[1] as usize, row[2] as usize);
            let block = (0..linears).fold(ResidualConfig::default(), |block, _| {
                block.then(&ActivationConfig::new(Activation::RELU)).then(&LinearConfig::new(width))
            });
            let block = block.fixup(blocks).expect("a branch of linear layers");
            let first: LinearConfig = block.layers[1].read("").expect("a linear layer");
            let std = first.init.distribution(width, width).variance().sqrt();
            DOUBLE.check(&format!("{blocks} blocks of {linears} layers of {width}"), &[std], &[expected]);
        }
    }
}
