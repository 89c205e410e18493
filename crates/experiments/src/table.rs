//! The shelf of experiments: one file each under `exp/` and one line here.

use crate::exp::*;
use crate::experiment::Experiment;

static EXPERIMENTS: &[&Experiment] = &[
    &regions_by_depth::EXPERIMENT,
    &depth_separation_sawtooth::EXPERIMENT,
    &linear_regions::EXPERIMENT,
    &compositional_depth::EXPERIMENT,
    &depth_vs_width::EXPERIMENT,
    &layer_probes::EXPERIMENT,
    &memorisation::EXPERIMENT,
    &data_hunger::EXPERIMENT,
    &vanishing_gradients::EXPERIMENT,
    &glorot_table1::EXPERIMENT,
    &he_vs_xavier_30::EXPERIMENT,
    &init_scale::EXPERIMENT,
    &init_robustness::EXPERIMENT,
    &activations::EXPERIMENT,
    &elu_mnist::EXPERIMENT,
    &gelu_mnist::EXPERIMENT,
    &selu_snn::EXPERIMENT,
    &relu_family::EXPERIMENT,
    &dying_relu::EXPERIMENT,
    &normalisation::EXPERIMENT,
    &batchnorm_mnist::EXPERIMENT,
    &bn_why::EXPERIMENT,
    &layernorm_batchsize::EXPERIMENT,
    &dropout_mnist::EXPERIMENT,
    &dropconnect_mnist::EXPERIMENT,
    &l1_l2::EXPERIMENT,
    &residual_depth::EXPERIMENT,
    &batch_sharpness::EXPERIMENT,
    &loss_landscape::EXPERIMENT,
    &optimizers::EXPERIMENT,
    &optimizer_quadratic::EXPERIMENT,
    &momentum_autoencoder::EXPERIMENT,
    &adam_mnist::EXPERIMENT,
    &adaptive_cells::EXPERIMENT,
    &adaptive_generalisation::EXPERIMENT,
    &optimizer_bench::EXPERIMENT,
    &gradient_clipping::EXPERIMENT,
    &mnist_mlp::EXPERIMENT,
    &linear_ae_pca::EXPERIMENT,
    &hinton_autoencoder::EXPERIMENT,
    &ae_2d_visualisation::EXPERIMENT,
    &layerwise_pretraining::EXPERIMENT,
    &stacked_dae::EXPERIMENT,
    &anomaly_tabular::EXPERIMENT,
    &radiotherapy_anomaly::EXPERIMENT,
    &thresholds::EXPERIMENT,
];

/// All experiments, in the order in which they are shown.
pub fn table() -> &'static [&'static Experiment] {
    EXPERIMENTS
}

/// The one called `name`.
///
/// # Errors
/// When there is none: a message with the nearest name.
pub fn find(name: &str) -> Result<&'static Experiment, String> {
    EXPERIMENTS.iter().copied().find(|e| e.name == name).ok_or_else(|| {
        let names: Vec<&str> = EXPERIMENTS.iter().map(|e| e.name).collect();
        unknown("experiment", name, &names)
    })
}

/// The message for a `kind` that is not among `names`: with the nearest one where it is near.
pub fn unknown(kind: &str, given: &str, names: &[&str]) -> String {
    let nearest = names.iter().min_by_key(|n| distance(given, n));
    match nearest {
        Some(n) if distance(given, n) <= given.len().max(n.len()).div_ceil(2) => {
            format!("no {kind} `{given}`; did you mean `{n}`?")
        }
        _ => format!("no {kind} `{given}`; there are: {}", names.join(", ")),
    }
}

/// Edits (insert, delete, replace) from `a` to `b` (Levenshtein 1966).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_near_name_is_offered() {
        assert_eq!(
            unknown("experiment", "mnist-mpl", &["mnist-mlp", "optimizers"]),
            "no experiment `mnist-mpl`; did you mean `mnist-mlp`?"
        );
        assert!(
            unknown("experiment", "zzz", &["mnist-mlp", "optimizers"]).contains("there are: mnist-mlp, optimizers")
        );
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn names_are_unique_and_entries_complete() {
        let names: BTreeSet<&str> = EXPERIMENTS.iter().map(|e| e.name).collect();
        assert_eq!(names.len(), EXPERIMENTS.len());
        for e in EXPERIMENTS {
            assert!(e.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{}", e.name);
            assert!(!e.question.is_empty() && !e.claim.is_empty() && !e.protocol.is_empty(), "{}", e.name);
            assert!(!e.criteria.is_empty(), "{} has no criterion", e.name);
            let ids: BTreeSet<&str> = e.criteria.iter().map(|c| c.id).collect();
            assert_eq!(ids.len(), e.criteria.len(), "criteria of {}", e.name);
        }
    }
}
