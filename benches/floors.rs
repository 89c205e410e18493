//! What no kernel of a size can beat on this machine, and how near ours come.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use layerwise_benches::{Limits, probe};
use layerwise_tensor::Scalar;

/// Operations and bytes of a kernel, by the name Criterion knows it under.
pub(crate) struct Floors {
    started: SystemTime,
    limits: Limits,
    kernels: Vec<Kernel>,
}

struct Kernel {
    group: String,
    name: String,
    /// Operations in `f32` that take as long: those in `f64` count twice.
    flops: f64,
    /// Bytes read and written.
    bytes: f64,
}

impl Floors {
    /// Measures the machine with one thread.
    pub(crate) fn new() -> Self {
        let limits = probe(1).unwrap_or(Limits { gflops: f64::NAN, bandwidth: Vec::new() });
        Self { started: SystemTime::now(), limits, kernels: Vec::new() }
    }

    /// Notes a kernel that does `flops` operations and touches `values` numbers once.
    pub(crate) fn note<T: Scalar>(&mut self, group: &str, name: &str, flops: usize, values: usize) {
        let element = size_of::<T>();
        self.kernels.push(Kernel {
            group: group.to_owned(),
            name: name.to_owned(),
            flops: (flops * element / 4) as f64,
            bytes: (values * element) as f64,
        });
    }

    /// The larger of the times that operations and traffic need at least, in microseconds.
    fn floor(&self, kernel: &Kernel) -> f64 {
        let products = kernel.flops / (1e3 * self.limits.gflops);
        let holds = |(size, _): &&(usize, f64)| *size as f64 >= kernel.bytes;
        let level = self.limits.bandwidth.iter().find(holds).or(self.limits.bandwidth.last());
        products.max(level.map_or(0.0, |(_, gb_s)| kernel.bytes / (1e3 * gb_s)))
    }

    /// Prints each kernel that Criterion has just measured beside its floor.
    pub(crate) fn print(&self) {
        let folder = criterion_folder();
        println!("\n{:<58} {:>10} {:>10} {:>9}", "kernel, one thread", "us", "floor, us", "of limit");
        for kernel in &self.kernels {
            let Some(us) = self.measured(&folder, kernel) else { continue };
            let floor = self.floor(kernel);
            let name = format!("{}/{}", kernel.group, kernel.name);
            println!("{name:<58} {us:>10.2} {floor:>10.2} {:>7.0} %", 100.0 * floor / us);
        }
    }

    /// The median in microseconds of the run just ended; none for a kernel that the command line left out.
    fn measured(&self, folder: &Path, kernel: &Kernel) -> Option<f64> {
        // Criterion makes folders of names so.
        let plain = |text: &str| text.replace(['?', '"', '/', '\\', '*', '<', '>', ':', '|', '^'], "_");
        let path = folder.join(plain(&kernel.group)).join(plain(&kernel.name)).join("new").join("estimates.json");
        let written = std::fs::metadata(&path).and_then(|m| m.modified()).ok()?;
        if written < self.started {
            return None;
        }
        let estimates: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()?;
        Some(estimates["median"]["point_estimate"].as_f64()? / 1e3)
    }
}

/// Where Criterion keeps its estimates.
fn criterion_folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).join("target");
    target.unwrap_or(beside).join("criterion")
}
