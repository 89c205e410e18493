//! A deep network separates two interleaving half-moons: `cargo run --release --example mlp`.

use layerwise::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stream = Stream::new(42);
    let moons = synthetic::moons::<f32>(2000, 0.15, &stream.child("data"));
    let parts = moons.split(&split::shuffle_split(moons.rows(), 0.25, &stream.child("split")));
    let train = Samples::labels(parts.train.x.view(), &parts.train.y)?;
    let test = Samples::labels(parts.test.x.view(), &parts.test.y)?;

    let network = Mlp::builder(2).hidden(&[32, 32, 32]).outputs(2).activation(Activation::RELU).init(Init::HE_NORMAL);
    let (mlp, mut params) = network.create::<f32>(42)?;
    let report = Trainer::new(&mlp, SoftmaxCrossEntropy)
        .rule(Adam::default())
        .rate(3e-3)
        .schedule(Cosine::new(30 * 47, 0.0))
        .epochs(30)
        .seed(42)
        .on_epoch(|end| {
            if end.record.epoch % 10 == 9 {
                println!("epoch {:2}: training loss {:.4}", end.record.epoch + 1, end.record.loss);
            }
            std::ops::ControlFlow::Continue(())
        })
        .fit(&mut params, &train)?;

    let predicted = metrics::classify(predict(&mlp, &params, test.inputs(), 256).view())?;
    println!("{} steps, test accuracy {:.1} %", report.steps, 100.0 * metrics::accuracy(&predicted, &parts.test.y)?);
    Ok(())
}
