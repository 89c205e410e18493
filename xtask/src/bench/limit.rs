//! The limit of a workload on this machine: no program of these sizes can take less time than its products need at the measured peak,
//! nor less than its update needs at the measured bandwidth.
//!
//! - Products: a linear layer of `k` inputs and `n` outputs takes `2 m k n` operations forward and `4 m k n` backward for a batch of
//!   `m`; the first layer needs no gradient of its input, so `2 m k n` less. Element type `f64` has half the peak of `f32`.
//! - Update: numbers read and written for each parameter: SGD 3 (parameter, gradient; parameter), with momentum 5, RMSprop 5, Adam 7,
//!   at the bandwidth of the smallest measured size that holds what the update touches. Inference reads each parameter and each
//!   feature of the batch once.
//!
//! The limit is the larger of both: they could run at the same time.

use serde_json::{Value, json};

use super::workload::{Rule, Sizes};

/// Operations and traffic of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Work {
    pub(crate) flops: f64,
    /// Bytes read and written by the update, or by inference.
    pub(crate) bytes: f64,
    /// Bytes that are touched: what a cache has to hold for its bandwidth to count.
    pub(crate) held: f64,
    element: u64,
}

/// What this machine can do with so many threads, as measured in the run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Peak {
    /// Of `f32`.
    pub(crate) gflops: f64,
    /// Bytes of a working set and GB/s over it, from small to large.
    pub(crate) bandwidth: Vec<(f64, f64)>,
}

/// Microseconds a step needs at least.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limit {
    pub(crate) products_us: f64,
    pub(crate) update_us: f64,
}

impl Work {
    /// Counts the work of a step of these sizes with so many parameters.
    pub(crate) fn count(sizes: &Sizes, parameters: u64) -> Self {
        let mut layers: Vec<(u64, u64)> = Vec::new();
        if let Some(blocks) = sizes.blocks {
            for _ in 0..blocks.count {
                layers.extend([(sizes.widths[0], blocks.hidden), (blocks.hidden, sizes.widths[0])]);
            }
        }
        layers.extend(sizes.widths.windows(2).map(|pair| (pair[0], pair[1])));
        let products: u64 = layers.iter().map(|(k, n)| k * n).sum();
        // A norm before the first product wants the gradient of its output for its own gain.
        let spared = if sizes.blocks.is_some_and(|blocks| blocks.norm) { 0 } else { layers[0].0 * layers[0].1 };
        let passes = if sizes.rule.is_some() { 6 * products - 2 * spared } else { 2 * products };
        let (moved, held) = match sizes.rule {
            None => (parameters + sizes.batch * sizes.widths[0], parameters + sizes.batch * sizes.widths[0]),
            Some(Rule::Sgd) => (3 * parameters, 2 * parameters),
            Some(Rule::Momentum | Rule::RmsProp) => (5 * parameters, 3 * parameters),
            Some(Rule::Adam) => (7 * parameters, 4 * parameters),
        };
        Self {
            flops: (sizes.batch * passes) as f64,
            bytes: (sizes.element * moved) as f64,
            held: (sizes.element * held) as f64,
            element: sizes.element,
        }
    }

    /// The time it takes at least.
    pub(crate) fn limit(&self, peak: &Peak) -> Limit {
        let gflops = peak.gflops * 4.0 / self.element as f64;
        let level = peak.bandwidth.iter().find(|(size, _)| *size >= self.held).or(peak.bandwidth.last());
        // 1 GFLOP/s is a thousand operations in a microsecond.
        Limit {
            products_us: self.flops / (1e3 * gflops),
            update_us: level.map_or(0.0, |(_, gb_s)| self.bytes / (1e3 * gb_s)),
        }
    }
}

impl Limit {
    /// The larger of both.
    pub(crate) fn us(&self) -> f64 {
        self.products_us.max(self.update_us)
    }
}

impl Peak {
    /// Reads the line of `peer --probe`.
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(line).map_err(|e| format!("the probe's answer is not JSON: {e}"))?;
        let wrong = || format!("the probe answers without gflops or bandwidth_gb_s above 0: {}", line.trim());
        let positive = |value: &Value| value.as_f64().filter(|x| *x > 0.0).ok_or_else(wrong);
        let list = value["bandwidth_gb_s"].as_array().filter(|list| !list.is_empty()).ok_or_else(wrong)?;
        let point = |entry: &Value| Ok((positive(&entry["bytes"])?, positive(&entry["gb_s"])?));
        let mut bandwidth = list.iter().map(point).collect::<Result<Vec<_>, String>>()?;
        bandwidth.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(Self { gflops: positive(&value["gflops"])?, bandwidth })
    }

    /// For the record.
    pub(crate) fn json(&self, threads: usize) -> Value {
        let points: Vec<Value> = self.bandwidth.iter().map(|(b, g)| json!({"bytes": *b as u64, "gb_s": g})).collect();
        json!({"threads": threads, "gflops": self.gflops, "bandwidth_gb_s": points})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(text: &str, parameters: u64) -> Work {
        Work::count(&Sizes::parse(text).unwrap(), parameters)
    }

    const ADAM: &str = "\n[optimizer]\nrule = \"adam\"\nrate = 1e-3";

    #[test]
    fn operations_and_bytes_are_counted() {
        let train = work(&format!("widths = [4, 3, 2]\nbatch = 5\nloss = \"mse\"{ADAM}"), 23);
        // Weights 12 + 6; the first layer's gradient of its input is left out.
        assert_eq!(train.flops, (5 * (6 * 18 - 2 * 12)) as f64);
        assert_eq!((train.bytes, train.held), (28.0 * 23.0, 16.0 * 23.0));
        let infer = work("widths = [4, 3, 2]\nbatch = 5\nloss = \"none\"\ndtype = \"f64\"", 23);
        assert_eq!((infer.flops, infer.bytes), (5.0 * 36.0, 8.0 * 43.0));
    }

    #[test]
    fn blocks_with_a_norm_need_every_gradient() {
        let blocks =
            |norm: &str| format!("\n[blocks]\ncount = 2\nhidden = 8\nnorm = \"{norm}\"\nactivation = \"relu\"");
        let text = "widths = [4, 2]\nbatch = 1\nloss = \"mse\"";
        assert_eq!(work(&format!("{text}{}{ADAM}", blocks("layer")), 1).flops, 6.0 * 136.0);
        assert_eq!(work(&format!("{text}{}{ADAM}", blocks("none")), 1).flops, 6.0 * 136.0 - 2.0 * 32.0);
    }

    #[test]
    fn the_limit_is_the_larger_part() {
        let line = r#"{"gflops": 100, "bandwidth_gb_s": [{"bytes": 1e9, "gb_s": 10}, {"bytes": 1000, "gb_s": 50}]}"#;
        let peak = Peak::parse(line).unwrap();
        let work = Work { flops: 2e6, bytes: 1e4, held: 1000.0, element: 4 };
        assert_eq!(work.limit(&peak), Limit { products_us: 20.0, update_us: 0.2 });
        // What fits no cache comes from memory, also beyond the largest size measured.
        let large = Work { flops: 2e6, bytes: 1e6, held: 1001.0, element: 8 };
        assert_eq!(large.limit(&peak), Limit { products_us: 40.0, update_us: 100.0 });
        assert_eq!(Work { held: 1e12, ..large }.limit(&peak).us(), 100.0);
    }

    #[test]
    fn a_probe_without_figures_is_refused() {
        for line in [
            "",
            "{}",
            r#"{"gflops": 0, "bandwidth_gb_s": [{"bytes": 1, "gb_s": 1}]}"#,
            r#"{"gflops": 1, "bandwidth_gb_s": []}"#,
        ] {
            assert!(Peak::parse(line).is_err(), "{line}");
        }
    }
}
