//! Variational autoencoders, masks and ensembles on the real data, where they are at hand: `LAYERWISE_DATA` names the folder.

use std::io::Write as _;

use layerwise_autoencoder::{
    AutoencoderConfig, AutoencoderDetector, Categories, Combine, EnsembleDetector, Gaps, Variational,
};
use layerwise_datasets::catalog::{self, DataDir};
use layerwise_datasets::split;
use layerwise_nn_layers::{Activation, BuildModel};
use layerwise_tensor::Stream;
use layerwise_train::metrics::{mse, roc_auc};
use layerwise_train::{Samples, Trainer, predict};
use ndarray::{Array2, Axis, s};

/// The data folder; without it a test says that it does nothing, and fails where everything must run.
fn data() -> Option<DataDir> {
    let folder = std::env::var_os("LAYERWISE_DATA");
    assert!(folder.is_some() || std::env::var_os("CI").is_none(), "CI needs LAYERWISE_DATA to name the data folder");
    if folder.is_none() {
        // Past the harness, which shows nothing of a test that passes.
        let _ = writeln!(std::io::stderr(), "skipped: LAYERWISE_DATA does not name a folder with the real data");
    }
    folder.map(DataDir::new)
}

#[test]
fn digits_are_reconstructed_drawn_and_likely() {
    let Some(dir) = data() else { return };
    let mnist = catalog::mnist(&dir).unwrap();
    let (train, test) = (mnist.train.x.slice(s![..4000, ..]), mnist.test.x.slice(s![..500, ..]));
    let kind = Variational::bernoulli();
    let config = AutoencoderConfig::variational(784, &[200], 16, kind).activation(Activation::RELU);
    let (model, mut params) = config.create::<f32>(1).unwrap();
    let untrained = model.elbo(&params, test, 1, &Stream::new(3)).mean().unwrap();
    let trainer = Trainer::new(&model, kind.loss()).epochs(8).batch(64).rate(1e-3).seed(1);
    trainer.fit(&mut params, &Samples::reconstruct(train).unwrap()).unwrap();

    // Against the best that a constant can do: the mean image of the training rows.
    let mean = train.mean_axis(Axis(0)).unwrap();
    let y = predict(&model, &params, test, 500).mapv(|z| 1.0 / (1.0 + (-z).exp()));
    let (error, constant) = (mse(y.view(), test).unwrap(), mse(mean.broadcast(test.dim()).unwrap(), test).unwrap());
    println!("squared error {error:.4}, of the mean image {constant:.4}");
    assert!(error < 0.5 * constant, "{error} against {constant}");

    // The code is used, and the bounds are in order; a Bernoulli likelihood with the mean image as probabilities is the yardstick.
    let divergence = model.divergence(&params, test).mean().unwrap();
    let bound = model.elbo(&params, test, 5, &Stream::new(3));
    let likelihood = model.log_likelihood(&params, test, 20, &Stream::new(4));
    let independent: f64 = test
        .outer_iter()
        .map(|row| {
            let term = |(x, p): (&f32, &f32)| {
                let (x, p) = (f64::from(*x), f64::from(*p).clamp(1e-4, 1.0 - 1e-4));
                x * p.ln() + (1.0 - x) * (1.0 - p).ln()
            };
            row.iter().zip(&mean).map(term).sum::<f64>()
        })
        .sum::<f64>()
        / 500.0;
    let (bound, likelihood) = (bound.mean().unwrap(), likelihood.mean().unwrap());
    println!(
        "nats per digit: divergence {divergence:.1}, bound {bound:.1} (untrained {untrained:.1}), likelihood by 20 \
         samples {likelihood:.1}, independent pixels {independent:.1}"
    );
    assert!(divergence > 5.0, "a code that says nothing has no divergence: {divergence}");
    assert!(bound > untrained + 100.0 && bound > independent + 30.0 && likelihood > bound);

    // Its own digits have about the brightness of real ones, pixel for pixel, and differ from each other. An untrained model draws grey
    // everywhere (more than twice the spread away), one that predicts the mean draws the same digit again and again (no variance).
    // Probabilities vary less than pixels.
    let drawn = model.sample(&params, 1000, &Stream::new(5));
    let drawn_mean = drawn.mean_axis(Axis(0)).unwrap();
    let distance = (&drawn_mean - &mean).mapv(|d| d * d).mean().unwrap().sqrt();
    let spread = mean.std(0.0);
    let (variance, of_real) =
        (drawn.var_axis(Axis(0), 0.0).mean().unwrap(), train.var_axis(Axis(0), 0.0).mean().unwrap());
    println!(
        "mean images {distance:.3} apart, spread {spread:.3}; variance {variance:.4}, of real digits {of_real:.4}"
    );
    assert!(distance < 0.5 * spread, "{distance} against {spread}");
    assert!((0.2..1.0).contains(&(variance / of_real)), "{variance} against {of_real}");
}

#[test]
fn anomalies_are_found_by_the_bound() {
    let Some(dir) = data() else { return };
    for (name, least) in [("43_WDBC", 0.93), ("4_breastw", 0.95)] {
        let set = catalog::adbench(&dir, name).unwrap();
        let halves = split::half_of_normals(&set.anomalous, &Stream::new(0).child("split"));
        let (train, test) = (set.x.select(Axis(0), &halves.train), set.x.select(Axis(0), &halves.test));
        let positive: Vec<bool> = halves.test.iter().map(|i| set.anomalous[*i]).collect();
        let (mean, std) = (train.mean_axis(Axis(0)).unwrap(), train.std_axis(Axis(0), 0.0).mapv(|s| s.max(1e-9)));
        let (train, test) = ((&train - &mean) / &std, (&test - &mean) / &std);
        let n = train.ncols();
        let kind = Variational::gaussian(0.5);
        let (model, mut params) =
            AutoencoderConfig::variational(n, &[2 * n], n.div_ceil(3), kind).create::<f64>(1).unwrap();
        let trainer = Trainer::new(&model, kind.loss()).epochs(150).seed(1);
        trainer.fit(&mut params, &Samples::reconstruct(train.view()).unwrap()).unwrap();
        let scores = model.elbo(&params, test.view(), 20, &Stream::new(2)).mapv(|bound| -bound).to_vec();
        let (auc, kl) = (roc_auc(&scores, &positive).unwrap(), model.divergence(&params, train.view()).mean().unwrap());
        println!("{name}: area {auc:.4}, divergence {kl:.2} nats");
        assert!(auc > least && kl > 0.5, "{name}: {auc} {kl}");
    }
}

#[test]
fn an_ensemble_is_no_worse_than_its_members_in_the_mean() {
    let Some(dir) = data() else { return };
    let set = catalog::adbench(&dir, "6_cardio").unwrap();
    let halves = split::half_of_normals(&set.anomalous, &Stream::new(0).child("split"));
    let (train, test) = (set.x.select(Axis(0), &halves.train), set.x.select(Axis(0), &halves.test));
    let positive: Vec<bool> = halves.test.iter().map(|i| set.anomalous[*i]).collect();
    let area = |scores: Vec<f64>| roc_auc(&scores, &positive).unwrap();
    for combine in [Combine::Mean, Combine::Median] {
        let member = AutoencoderDetector::builder().epochs(40);
        let ensemble = EnsembleDetector::new(member).members(5).combine(combine).fit(&train).unwrap();
        let alone = ensemble.members().iter().map(|m| area(m.score(&test).unwrap().to_vec())).sum::<f64>() / 5.0;
        let together = area(ensemble.score(&test).unwrap().to_vec());
        println!("cardio {combine:?}: members {alone:.4} in the mean, together {together:.4}");
        assert!(together > alone - 1e-3 && together > 0.85, "{combine:?}: {together} against {alone}");
    }
}

#[test]
fn gaps_of_patients_are_filled_better_than_by_means_and_commonest_levels() {
    let Some(dir) = data() else { return };
    // Heart disease, Cleveland: six measurements, seven categories, a few true gaps.
    let table = catalog::tabular(&dir, "heart_cleveland").unwrap().table;
    let parts = split::shuffle_split(table.rows(), 0.3, &Stream::new(1));
    let (train, test) = (table.take(&parts.train), table.take(&parts.test));
    let settings =
        AutoencoderDetector::builder().hidden(&[24]).code(6).epochs(150).weight_decay(1e-2).gaps(Gaps::MeanAndMask);
    let detector = settings.categories(Categories::Likelihood).hide(0.3).fit(&train).unwrap();
    // One value of each row is hidden, column after column.
    let (mut right, mut commonest, mut cells) = (0.0, 0.0, 0.0);
    let (mut error, mut of_mean) = (0.0, 0.0);
    for (j, column) in table.schema().columns.iter().enumerate() {
        let mut holes = test.values().to_owned();
        holes.column_mut(j).fill(f64::NAN);
        let filled = detector.impute(&holes).unwrap();
        let known: Vec<f64> = train.values().column(j).iter().copied().filter(|v| !v.is_nan()).collect();
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        let variance = known.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / known.len() as f64;
        let truth = test.values().column(j).to_owned();
        for (found, truth) in filled.values().column(j).iter().zip(&truth).filter(|(_, t)| !t.is_nan()) {
            if matches!(column.kind, layerwise_datasets::ColumnKind::Category { .. }) {
                let count = |level: f64| known.iter().filter(|v| **v == level).count();
                let most = known.iter().copied().max_by_key(|level| count(*level)).unwrap();
                right += f64::from(u8::from(found == truth));
                commonest += f64::from(u8::from(most == *truth));
                cells += 1.0;
            } else {
                error += (found - truth).powi(2) / variance;
                of_mean += (mean - truth).powi(2) / variance;
            }
        }
    }
    println!(
        "levels found {:.3}, commonest {:.3}; squared error {:.3} of that of the mean",
        right / cells,
        commonest / cells,
        error / of_mean
    );
    assert!(right > commonest, "{right} of {cells}, commonest {commonest}");
    assert!(error < of_mean, "{error} against {of_mean}");
    let scores = detector.score(&test).unwrap();
    assert!(scores.iter().all(|s| s.is_finite()));
    let _: Array2<f64> = detector.errors(&test).unwrap();
}
