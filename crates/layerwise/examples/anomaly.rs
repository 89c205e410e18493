//! From a table of normal rows to an alarm: `cargo run --release --example anomaly`.

use layerwise::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Simulated radiotherapy plans of 30 features; in a table of your own: `datasets::format::csv`.
    let normal = synthetic::radiotherapy(400, 0, 2.5, &Stream::new(1)).table()?;
    let new = synthetic::radiotherapy(158, 19, 2.5, &Stream::new(2));

    let detector = AutoencoderDetector::builder().hidden(&[24]).code(12).epochs(200).seed(1).fit(&normal)?;

    // The threshold is a value of its own, chosen after fitting.
    let table = new.table()?;
    let threshold = Threshold::mean_plus_std(5.0);
    let alarms = detector.predict(&table, &threshold)?;
    let found = alarms.iter().zip(&new.anomalous).filter(|(alarm, bad)| **alarm && **bad).count();
    let false_alarms = alarms.iter().zip(&new.anomalous).filter(|(alarm, bad)| **alarm && !**bad).count();
    let auc = metrics::roc_auc(&detector.score(&table)?.to_vec(), &new.anomalous)?;
    println!(
        "area under the ROC curve {auc:.4}; {found} of 19 defective plans found, {false_alarms} of 158 good ones flagged"
    );

    // Which feature betrays the first defective plan?
    let errors = detector.errors(&table)?;
    let first = new.anomalous.iter().position(|bad| *bad).ok_or("no defective plan")?;
    let mut ranked: Vec<(String, f64)> = detector.features().into_iter().zip(errors.row(first).to_vec()).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    for (feature, error) in &ranked[..3] {
        println!("  {feature}: {error:.1}");
    }
    Ok(())
}
