//! A deep denoising autoencoder squeezes drawn digits into eight numbers: `cargo run --release --example autoencoder`.

use layerwise::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let digits = synthetic::digits(2000, &Stream::new(3));
    let parts = digits.split(&split::shuffle_split(digits.rows(), 0.2, &Stream::new(3).child("split")));
    let train = Samples::reconstruct(parts.train.x.view())?;

    let config = AutoencoderConfig::denoising(784, &[128, 32], 8, 0.2).activation(Activation::ELU);
    let (autoencoder, mut params) = config.create::<f32>(3)?;
    Trainer::new(&autoencoder, Mse)
        .rate(1e-3)
        .epochs(12)
        .batch(64)
        .seed(3)
        .on_epoch(|end| {
            println!("epoch {:2}: squared error per pixel {:.4}", end.record.epoch + 1, end.record.loss);
            std::ops::ControlFlow::Continue(())
        })
        .fit(&mut params, &train)?;

    // Unseen digits, and the mean image as the error to beat.
    let unseen = &parts.test.x;
    let error = metrics::mse(predict(&autoencoder, &params, unseen.view(), 256).view(), unseen.view())?;
    let mean = parts.train.x.mean_axis(ndarray::Axis(0)).ok_or("no digits")?;
    let shown = mean.broadcast(unseen.dim()).ok_or("shapes differ")?;
    println!(
        "unseen digits: {error:.4} with 8 numbers a digit, {:.4} with the mean image",
        metrics::mse(shown, unseen.view())?
    );
    Ok(())
}
