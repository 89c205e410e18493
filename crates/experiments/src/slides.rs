//! The lecture, slide by slide, with the experiments that test what it says.

/// A slide, or several of one title, and what answers it.
pub(crate) struct Slide {
    /// Its title in the lecture.
    pub(crate) title: &'static str,
    /// What it claims, in one line.
    pub(crate) claim: &'static str,
    /// The experiment and the criterion whose verdict is the answer in one line.
    pub(crate) answer: (&'static str, &'static str),
    /// Further experiments.
    pub(crate) more: &'static [&'static str],
}

const fn slide(
    title: &'static str,
    claim: &'static str,
    answer: (&'static str, &'static str),
    more: &'static [&'static str],
) -> Slide {
    Slide { title, claim, answer, more }
}

/// In the order of the lecture.
pub(crate) static SLIDES: &[Slide] = &[
    slide("Going deeper", "Scaling up hidden layers makes networks deep.", ("mnist-mlp", "accuracy"), &[]),
    slide(
        "Learning hierarchical representations",
        "Early layers learn simple features, deeper ones combine them.",
        ("layer-probes", "trained"),
        &[],
    ),
    slide(
        "Hierarchical neural representations",
        "If the input is compositional, deeper is better than wider.",
        ("compositional-depth", "gain-with-enough"),
        &["depth-vs-width"],
    ),
    slide(
        "Efficient learning with depth: compactness",
        "Deep networks represent complex functions more compactly.",
        ("depth-separation-sawtooth", "shallow-error"),
        &["linear-regions"],
    ),
    slide(
        "Efficient learning with depth: generalisation",
        "With fewer parameters than a wide network, a deep one generalises better.",
        ("depth-vs-width", "hierarchy-gain"),
        &["compositional-depth"],
    ),
    slide(
        "Effect of number of layers: 0",
        "A perceptron learns separating hyperplanes.",
        ("regions-by-depth", "linear-xor"),
        &[],
    ),
    slide(
        "Effect of number of layers: 1",
        "One hidden layer learns convex regions.",
        ("regions-by-depth", "concave-convex"),
        &[],
    ),
    slide(
        "Effect of number of layers: 2",
        "Two hidden layers combine convex regions.",
        ("regions-by-depth", "two-layers-all"),
        &[],
    ),
    slide(
        "Challenges: overfitting",
        "Deep networks easily memorise their training data.",
        ("memorisation", "fits-noise"),
        &[],
    ),
    slide("Challenges: data", "They need massive amounts of data.", ("data-hunger", "monotone"), &[]),
    slide(
        "Challenges: input that is not compositional",
        "There, deep networks may not be better than simpler models.",
        ("compositional-depth", "control"),
        &["depth-vs-width", "selu-snn"],
    ),
    slide(
        "Training of deep networks",
        "Plain backpropagation does not work with very deep networks; loss landscapes become articulated.",
        ("residual-depth", "degrades"),
        &["loss-landscape", "batch-sharpness"],
    ),
    slide(
        "The original sin",
        "Gradients vanish or explode in long chains of multiplications.",
        ("vanishing-gradients", "sigmoid-slope"),
        &["activations", "gradient-clipping"],
    ),
    slide(
        "Weight initialization",
        "Weights must give midrange signals and be scaled by the number of connections.",
        ("init-scale", "half-is-worse"),
        &["vanishing-gradients"],
    ),
    slide(
        "Weight initialization: try several",
        "Try different random weights.",
        ("init-robustness", "spread-grows"),
        &[],
    ),
    slide(
        "Glorot (Xavier) initialization",
        "Scaling by fan-in and fan-out smooths gradient flow for sigmoid and tanh.",
        ("glorot-table1", "sigmoid-worst"),
        &["vanishing-gradients"],
    ),
    slide(
        "He initialization",
        "ReLU needs twice the variance.",
        ("he-vs-xavier-30", "he-learns"),
        &["vanishing-gradients"],
    ),
    slide(
        "On the role of activation functions",
        "Saturating activations have bad derivatives.",
        ("activations", "sigmoid-stalls"),
        &["vanishing-gradients", "glorot-table1"],
    ),
    slide(
        "The rectified linear unit",
        "ReLU helps against vanishing gradients.",
        ("relu-family", "relu-below-tanh"),
        &["activations"],
    ),
    slide(
        "Variations of ReLU: stuck units",
        "Units get stuck at zero; leaky ReLU and others do not.",
        ("dying-relu", "relu-collapses"),
        &["relu-family"],
    ),
    slide("Variations of ReLU: ELU", "Smooth gradients for negative inputs.", ("elu-mnist", "faster"), &[]),
    slide("Variations of ReLU: GELU", "Smooth, and better in practice.", ("gelu-mnist", "below-relu"), &[]),
    slide("Variations of ReLU: SELU", "Networks that normalise themselves.", ("selu-snn", "fixed-point"), &[]),
    slide(
        "Activation normalization",
        "Allows higher rates and relies less on precise initialization.",
        ("batchnorm-mnist", "rate"),
        &["normalisation"],
    ),
    slide(
        "Batch normalization",
        "Training is faster and more stable.",
        ("batchnorm-mnist", "steps"),
        &["normalisation"],
    ),
    slide(
        "Batch normalization: why",
        "It reduces internal covariate shift (contested).",
        ("bn-why", "noise-harmless"),
        &[],
    ),
    slide(
        "Layer normalization",
        "Works where batch statistics are less robust.",
        ("layernorm-batchsize", "small"),
        &["normalisation"],
    ),
    slide("Regularization: weight penalties", "L1, L2 and their combination.", ("l1-l2", "lasso"), &["dropout-mnist"]),
    slide("Regularization: dropout", "Dropping units forces robust features.", ("dropout-mnist", "helps"), &[]),
    slide(
        "Regularization: dropconnect",
        "Single connections can be dropped too.",
        ("dropconnect-mnist", "dropconnect"),
        &[],
    ),
    slide(
        "Residual connections",
        "Gradients reach early layers, and identity is easy to learn.",
        ("residual-depth", "residual-keeps"),
        &["loss-landscape"],
    ),
    slide(
        "Cost functions",
        "They are more complex than simple convex functions.",
        ("loss-landscape", "smoother"),
        &["batch-sharpness"],
    ),
    slide(
        "Optimizers: SGD",
        "Simple, hard to tune, can get stuck.",
        ("adaptive-cells", "adam-robust"),
        &["optimizers", "optimizer-quadratic"],
    ),
    slide(
        "Optimizers: momentum",
        "Converges faster, escapes local minima, can overshoot.",
        ("momentum-autoencoder", "faster"),
        &["optimizer-quadratic", "adaptive-cells"],
    ),
    slide(
        "Optimizers: AdaGrad",
        "Good for sparse data; its rate decays too fast.",
        ("adaptive-cells", "text-adagrad"),
        &[],
    ),
    slide(
        "Optimizers: RMSprop",
        "Good when things change; its decay must be tuned.",
        ("adaptive-cells", "rmsprop-recovers"),
        &[],
    ),
    slide(
        "Optimizers: Adam",
        "Fast; prone to overfitting in some cases.",
        ("adam-mnist", "lowest"),
        &["adaptive-generalisation"],
    ),
    slide("Adam is the standard", "But it can depend on the task.", ("optimizer-bench", "winner-varies"), &[]),
    slide(
        "Gradient clipping",
        "Limits exploding gradients and keeps their direction.",
        ("gradient-clipping", "clipped-learns"),
        &[],
    ),
    slide("Bottleneck autoencoder", "Rebuilds its input from a compressed code.", ("linear-ae-pca", "loss"), &[]),
    slide("Deep autoencoder", "The first deep neural network.", ("hinton-autoencoder", "quick"), &[]),
    slide("Visualisation", "Two-dimensional codes show the classes.", ("ae-2d-visualisation", "separates"), &[]),
    slide(
        "Unsupervised layerwise pretraining",
        "Layer by layer, then the whole.",
        ("layerwise-pretraining", "pretrained-quick"),
        &["stacked-dae", "init-robustness"],
    ),
    slide("Denoising autoencoder", "Learns robust features from altered inputs.", ("stacked-dae", "over-none"), &[]),
    slide(
        "Anomaly detection",
        "Errors of a network that knows normal data.",
        ("anomaly-tabular", "above-pca"),
        &["thresholds"],
    ),
    slide("Anomaly detection: the threshold", "The average error of normal data.", ("thresholds", "mean"), &[]),
    slide(
        "Radiotherapy plans",
        "An autoencoder finds wrong plans.",
        ("radiotherapy-anomaly", "auc"),
        &["anomaly-tabular"],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;

    #[test]
    fn every_slide_is_answered_by_a_criterion_that_exists() {
        for slide in SLIDES {
            let e = table::find(slide.answer.0).unwrap();
            assert!(e.criteria.iter().any(|c| c.id == slide.answer.1), "{}: {:?}", slide.title, slide.answer);
            for name in slide.more {
                table::find(name).unwrap();
            }
            assert!(!slide.title.is_empty() && slide.claim.ends_with(['.', ')']), "{}", slide.title);
        }
    }

    #[test]
    fn every_experiment_answers_a_slide() {
        let mentioned = |name: &str| SLIDES.iter().any(|s| s.answer.0 == name || s.more.contains(&name));
        for e in table::table() {
            assert!(mentioned(e.name), "{}", e.name);
        }
    }
}
