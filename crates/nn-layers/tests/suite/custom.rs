//! What a crate outside can add without changing this one: an activation, an initializer, a layer with a name.

use layerwise_autograd::{Graph, Needs, PointwiseFn, Var};
use layerwise_nn_layers::activation::ActivationEntry;
use layerwise_nn_layers::init::{Distribution, InitEntry};
use layerwise_nn_layers::layer::{self, Built, LayerEntry, LayerTraits, Sample, Sequential, Shelf};
use layerwise_nn_layers::{Activation, BuildLayer, BuildModel, ConfigError, Init, LayerConfig, Mlp, Module};
use layerwise_tensor::ndarray::arr2;
use layerwise_tensor::{Layout, Mode, Params, Scalar, Scope, Stream};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::support::run;

struct Square;

impl PointwiseFn for Square {
    const NEEDS: Needs = Needs::Input;

    fn f<T: Scalar>(_: [T; 2], x: T) -> T {
        x * x
    }

    fn df<T: Scalar>(_: [T; 2], x: T) -> T {
        x + x
    }
}

static SQUARE: ActivationEntry = ActivationEntry {
    name: "square",
    doc: "y = x^2",
    args: &[],
    function: &Square,
    kinks: |_| Vec::new(),
    gain: |_| 1.0 / 3f64.sqrt(),
};

static HALVES: InitEntry =
    InitEntry { name: "halves", doc: "all 0.5", args: &[], distribution: |_, _, _| Distribution::Constant(0.5) };

#[test]
fn an_activation_and_an_initializer_of_ones_own() {
    let square = Activation::new(&SQUARE);
    assert_eq!((square.value(3.0), square.derivative(3.0)), (9.0, 6.0));
    let config = Mlp::builder(2).hidden(&[1]).outputs(1).activation(square).init(Init::new(&HALVES));
    let (mlp, params) = config.create::<f64>(0).unwrap();
    let y = run(&mlp, &params, Mode::Eval, 0, arr2(&[[1.0, 3.0]]).view());
    assert_eq!(y, arr2(&[[2.0]]));
}

/// `y = factor x`, by the name `scale`.
#[derive(Debug, Serialize, Deserialize)]
struct ScaleConfig {
    factor: f64,
}

#[derive(Debug)]
struct Scale(f64);

impl<T: Scalar> Module<T> for Scale {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        g.scale(x, self.0)
    }
}

impl BuildLayer for ScaleConfig {
    const NAME: &'static str = "scale";
    const DOC: &'static str = "y = factor x";
    const SAMPLES: &'static [Sample] = &[Sample { inputs: 2, options: r#"{"factor": 2.0}"# }];
    type Layer = Scale;

    fn build_from(&self, _: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<Built<Scale>, ConfigError> {
        Ok((Scale(self.factor), inputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits::PLAIN
    }
}

#[test]
fn a_layer_of_ones_own_by_name() {
    static SCALE: LayerEntry = LayerEntry::of::<ScaleConfig>();
    let mut shelf = layer::table().to_vec();
    shelf.push(&SCALE);
    let read = |config| serde_json::from_value::<LayerConfig>(config).unwrap();
    let inner = json!({"layer": "residual", "layers": [{"layer": "scale", "factor": 4.0}]});
    let layers = [read(json!({"layer": "scale", "factor": 2.0})), read(inner)];
    let mut layout = Layout::new();
    let model = Sequential::from_config(&layers, 2, &mut layout.scope(), &shelf).unwrap();
    let params = Params::<f32>::init(layout, &Stream::new(0));
    assert_eq!(run(&model, &params, Mode::Eval, 0, arr2(&[[1.0, 2.0]]).view()), arr2(&[[10.0, 20.0]]));
    assert!(layers[0].build(&mut Layout::new().scope(), 2).is_err(), "the table itself has no such layer");
}
