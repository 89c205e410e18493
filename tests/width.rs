//! One training, its bits written down: vectors of any width and every processor with products of ours have to reach them.
//!
//! A program of its own, since [`kernel::limit_to_avx2`] holds for the whole process.

use layerwise::prelude::*;
use layerwise::tensor::kernel;
use ndarray::Array2;

/// FNV-1a of the trained parameters. A change of the order of a sum, of a formula or of a generator changes it; that is a breaking change
/// of everybody's results, so it is made on purpose and named in the changelog.
const TRAINED: u64 = 0xb591_639d_a1eb_7428;

fn trained() -> u64 {
    let net = Mlp::builder(70).hidden(&[96, 64]).outputs(10).norm(Norm::Layer).dropout(0.2).init(Init::HE_NORMAL);
    let (mlp, mut params) = net.activation(Activation::GELU).create::<f32>(3).unwrap();
    let mut values = vec![0.0f32; 500 * 70];
    Stream::new(8).normal(0, &mut values);
    let x = Array2::from_shape_vec((500, 70), values).unwrap();
    let y: Vec<u32> = (0..500).map(|i| i * 7 % 10).collect();
    let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).rule(AdamW::default()).epochs(2).batch(60).seed(5);
    trainer.fit(&mut params, &Samples::labels(x.view(), &y).unwrap()).unwrap();
    let bytes = params.to_le_bytes();
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn bits_depend_on_no_width_of_vectors() {
    let level = kernel::cpu_level();
    let widest = trained();
    kernel::limit_to_avx2();
    assert_ne!(kernel::cpu_level(), "avx512");
    assert_eq!(trained(), widest, "{level} and {} differ", kernel::cpu_level());
    if kernel::backend() == "packed" {
        assert_eq!(widest, TRAINED, "{widest:#018x}, at {level}");
    } else {
        println!(
            "skipped: the bits that are written down are of products of our own, and these are by {}",
            kernel::backend()
        );
    }
}
