//! Corruptions do what they say, as often as they say, and the same in both element types.

use layerwise_autoencoder::corruption::{
    self, BlockConfig, GaussianNoiseConfig, MaskingConfig, SaltAndPepperConfig, SwapConfig,
};
use layerwise_autograd::Tape;
use layerwise_nn_layers::layer::BuildLayer;
use layerwise_nn_layers::{AnyModule, LayerConfig, Module};
use layerwise_tensor::{Layout, Mode, Params, Scalar, Stream};
use ndarray::{Array2, Axis};

fn build(config: &LayerConfig, inputs: usize) -> Result<Box<dyn AnyModule>, String> {
    let mut layout = Layout::new();
    let built = config.build_from(&mut layout.scope(), inputs, corruption::table());
    let (layer, outputs) = built.map_err(|e| e.to_string())?;
    assert_eq!(outputs, inputs);
    Ok(layer)
}

fn corrupt<T: Scalar>(config: &impl BuildLayer, x: &Array2<T>, step: u64) -> Array2<T>
where
    Box<dyn AnyModule>: Module<T>,
{
    let layer = build(&LayerConfig::of(config), x.ncols()).unwrap();
    let nothing = Params::<T>::init(Layout::new(), &Stream::new(0));
    let mut tape = Tape::new();
    let mut g = tape.graph(&nothing, Mode::Train, Stream::new(3).at(step));
    let x = g.input(x.view());
    let y = Module::<T>::forward(&layer, &mut g, x);
    g.value(y).to_owned()
}

/// Every value is another, and says where it stands.
fn numbered(rows: usize, cols: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, cols), |(i, j)| 2.0 + (i * cols + j) as f64)
}

/// Five standard errors of a share `p` of `n` independent values. The streams are fixed, so a test that passes once always does.
fn five_sigma(p: f64, n: usize) -> f64 {
    5.0 * (p * (1.0 - p) / n as f64).sqrt()
}

#[test]
fn masking_zeroes_its_share_and_leaves_or_rescales_the_rest() {
    let x = numbered(400, 25);
    for (config, kept) in [(MaskingConfig::new(0.3), 1.0), (MaskingConfig::new(0.3).rescale(true), 1.0 / 0.7)] {
        let y = corrupt(&config, &x, 0);
        let zeros = y.iter().filter(|v| **v == 0.0).count();
        assert!((zeros as f64 / 1e4 - 0.3).abs() < five_sigma(0.3, 10_000), "{zeros} of 10 000");
        assert!(y.iter().zip(&x).all(|(y, x)| *y == 0.0 || *y == x * kept));
    }
    assert!(corrupt(&MaskingConfig::new(1.0), &x, 0).iter().all(|v| *v == 0.0));
    assert_eq!(corrupt(&MaskingConfig::new(0.0), &x, 0), x);
}

#[test]
fn salt_and_pepper_puts_both_ends_in_equal_parts() {
    let x = numbered(400, 25);
    let y = corrupt(&SaltAndPepperConfig::new(0.2).values(-1.0, 1.5), &x, 0);
    let share = |value: f64| y.iter().filter(|v| **v == value).count() as f64 / 1e4;
    for value in [-1.0, 1.5] {
        assert!((share(value) - 0.1).abs() < five_sigma(0.1, 10_000), "{} of {value}", share(value));
    }
    assert!(y.iter().zip(&x).all(|(y, x)| [-1.0, 1.5, *x].contains(y)));
    let all = corrupt(&SaltAndPepperConfig::new(1.0), &x, 0);
    assert!(all.iter().all(|v| *v == 0.0 || *v == 1.0));
}

#[test]
fn swap_takes_values_of_the_same_column_from_other_rows_equally() {
    let x = numbered(5, 2000);
    let y = corrupt(&SwapConfig::new(0.4), &x, 0);
    let mut counts = [[0usize; 5]; 5];
    for ((i, j), v) in y.indexed_iter() {
        let place = *v as usize - 2;
        assert_eq!(place % 2000, j, "a value of another column");
        counts[i][place / 2000] += 1;
    }
    for (i, row) in counts.iter().enumerate() {
        for (k, count) in row.iter().enumerate() {
            let share = if i == k { 0.6 } else { 0.1 };
            assert!((*count as f64 / 2000.0 - share).abs() < five_sigma(share, 2000), "{counts:?}");
        }
    }
    let all = corrupt(&SwapConfig::new(1.0), &x, 0);
    assert!(all.iter().zip(&x).all(|(y, x)| y != x));
    let alone = numbered(1, 4);
    assert_eq!(corrupt(&SwapConfig::new(1.0), &alone, 0), alone, "there is no other row");
}

#[test]
fn block_blanks_neighbouring_columns_at_every_place() {
    let x = numbered(600, 7);
    let y = corrupt(&BlockConfig::new(3), &x, 0);
    let mut starts = [0; 5];
    for (y, x) in y.axis_iter(Axis(0)).zip(x.axis_iter(Axis(0))) {
        let start = y.iter().position(|v| *v == 0.0).unwrap();
        starts[start] += 1;
        let blank = |j: usize| (start..start + 3).contains(&j);
        assert!((0..7).all(|j| y[j] == if blank(j) { 0.0 } else { x[j] }), "{y}");
    }
    assert!(starts.iter().all(|n| (f64::from(*n) / 600.0 - 0.2).abs() < five_sigma(0.2, 600)), "{starts:?}");
}

#[test]
fn block_blanks_a_square_of_every_channel() {
    // Two channels of width 5 and height 4.
    let x = numbered(500, 40);
    let y = corrupt(&BlockConfig::square(2, 5, 4), &x, 0);
    let mut places = std::collections::BTreeMap::new();
    for (y, x) in y.axis_iter(Axis(0)).zip(x.axis_iter(Axis(0))) {
        let first = y.iter().position(|v| *v == 0.0).unwrap();
        let (top, left) = (first / 5, first % 5);
        let blank = |j: usize| (top..top + 2).contains(&(j % 20 / 5)) && (left..left + 2).contains(&(j % 5));
        assert!((0..40).all(|j| y[j] == if blank(j) { 0.0 } else { x[j] }), "{y}");
        *places.entry((top, left)).or_insert(0) += 1;
    }
    assert_eq!(places.len(), 12, "3 times 4 places: {places:?}");
    assert!(places.values().all(|n| (f64::from(*n) / 500.0 - 1.0 / 12.0).abs() < five_sigma(1.0 / 12.0, 500)));
    let whole = corrupt(&BlockConfig::square(3, 3, 3), &numbered(4, 9), 0);
    assert!(whole.iter().all(|v| *v == 0.0));
}

#[test]
fn every_step_has_corruption_of_its_own_and_both_element_types_the_same() {
    fn law(config: &impl BuildLayer) {
        let x = Array2::from_shape_fn((40, 8), |(i, j)| ((i * 8 + j) as f64 * 0.7).sin());
        let single = x.mapv(|v| v as f32);
        let y = corrupt(config, &x, 0);
        assert_ne!(y, corrupt(config, &x, 1), "{config:?}");
        assert_eq!(y, corrupt(config, &x, 0), "{config:?}");
        let ours = corrupt(config, &single, 0);
        // Values are chosen alike; only rounding differs.
        assert!(ours.iter().zip(&y).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6), "{config:?}");
    }
    law(&GaussianNoiseConfig::new(0.3));
    law(&MaskingConfig::new(0.3));
    law(&MaskingConfig::new(0.5).rescale(true));
    law(&SaltAndPepperConfig::new(0.3));
    law(&SwapConfig::new(0.3));
    law(&BlockConfig::new(3));
    law(&BlockConfig::square(2, 4, 2));
}

#[test]
fn wrong_corruptions_are_refused_by_what_is_wrong() {
    let refusal = |json: &str, inputs: usize| match build(&serde_json::from_str(json).unwrap(), inputs) {
        Err(message) => message,
        Ok(_) => panic!("{json} was accepted"),
    };
    let shares = ["masking", "salt_and_pepper", "swap"];
    for layer in shares {
        for share in ["-0.1", "1.1"] {
            let message = refusal(&format!(r#"{{"layer": "{layer}", "share": {share}}}"#), 4);
            assert!(message.contains("`share`") && message.contains(share), "{message}");
        }
    }
    assert!(refusal(r#"{"layer": "masking", "share": 1, "rescale": true}"#, 4).contains("rescale"));
    assert!(refusal(r#"{"layer": "salt_and_pepper", "share": 0.1, "low": 2}"#, 4).contains("2 and 1"));
    assert!(refusal(r#"{"layer": "block", "size": 0}"#, 4).contains("within 1 and 4"));
    assert!(refusal(r#"{"layer": "block", "size": 5}"#, 4).contains("within 1 and 4"));
    assert!(refusal(r#"{"layer": "block", "size": 1, "image": [3, 2]}"#, 4).contains("divides the 4 inputs"));
    assert!(refusal(r#"{"layer": "block", "size": 1, "image": [0, 2]}"#, 4).contains("`image`"));
    assert!(refusal(r#"{"layer": "block", "size": 3, "image": [4, 2]}"#, 8).contains("within 1 and 2"));
    assert!(refusal(r#"{"layer": "swap", "share": 0.1, "rows": 2}"#, 4).contains("rows"));
}
