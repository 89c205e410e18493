//! Laws over the table of losses.

use layerwise::autograd::gradcheck::GradCheck;
use layerwise::nn::{AnyLoss, Loss, Target, TargetKind, loss};
use layerwise::tensor::{Layout, Params, Stream};
use ndarray::Array2;

use crate::ledger::{DOUBLE, law};
use crate::support::{normal, report};

/// Every loss of the table with each of its samples.
fn all() -> Vec<(String, TargetKind, Box<dyn AnyLoss>)> {
    let mut found = Vec::new();
    for entry in loss::table() {
        assert!(!entry.samples.is_empty(), "loss `{}` has no sample, so no law would run over it", entry.name);
        for sample in entry.samples {
            let options = serde_json::from_str(sample).expect("samples are JSON");
            found.push((
                format!("{} {sample}", entry.name),
                entry.target,
                entry.build(&options).expect("samples build"),
            ));
        }
    }
    found
}

#[test]
fn gradients_agree_with_differences() {
    let nothing = Params::<f64>::init(Layout::new(), &Stream::new(0));
    for (name, kind, loss) in all() {
        for (rows, cols) in [(1, 1), (1, 2), (15, 3), (17, 16), (16, 17)] {
            let cols = Loss::<f64>::width(&*loss).unwrap_or(cols);
            let outputs = Loss::<f64>::outputs(&*loss, cols);
            // Not all labels are 0: classes that all weigh nothing have no mean.
            let labels: Vec<u32> = (0..rows as u32).map(|i| (i * 7 + 1) % cols as u32).collect();
            let values: Array2<f64> = normal::<f64>(rows, cols, 9).mapv(|v| 1.0 / (1.0 + v.exp()));
            let report = GradCheck::new()
                .run(&nothing, &[normal(rows, outputs, 5) * 2.0], |g, x| {
                    let target = match kind {
                        TargetKind::Labels => Target::Labels(&labels),
                        _ => Target::Values(values.view()),
                    };
                    Loss::<f64>::loss(&*loss, g, x[0], target)
                })
                .unwrap_or_else(|failure| panic!("{name} on {rows} x {cols}: {failure}"));
            let entry = name.split(' ').next().unwrap_or_default();
            law("gradient", "loss").ran_to(entry, DOUBLE, 1, report.error);
        }
    }
    report("gradients agree with differences", all().len(), &[]);
}
