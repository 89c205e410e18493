//! Where and with what a run was made.

use layerwise_tensor::kernel;
use serde::{Deserialize, Serialize};
use std::process::Command;

/// What decides the bits and the speed of a run. No paths, no user and host names: records are committed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// The version of the workspace.
    pub version: String,
    /// The commit, or `unknown` outside a repository.
    pub commit: String,
    /// Whether the working tree had changes.
    pub dirty: bool,
    /// The compiler.
    pub rustc: String,
    /// The target triple.
    pub target: String,
    /// Cargo's profile of the build.
    pub build: String,
    /// The operating system.
    pub os: String,
    /// The processor.
    pub cpu: String,
    /// Cores that the process may use.
    pub cores: usize,
    /// Threads in all.
    pub threads: usize,
    /// Runs at a time.
    pub jobs: usize,
    /// Who multiplies matrices.
    pub blas: String,
    /// The vector level of the elementary functions.
    pub cpu_level: String,
    /// The float type.
    pub dtype: String,
    /// Tiles that each worker of the pool executed during the experiment.
    pub tiles_per_worker: Vec<u64>,
}

impl Environment {
    /// What is known before a run; the tiles come after it.
    pub fn read(threads: usize, jobs: usize) -> Self {
        let status = git(&["status", "--porcelain", "--untracked-files=no"]);
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            commit: git(&["rev-parse", "HEAD"]).unwrap_or_else(|| "unknown".into()),
            dirty: status.is_some_and(|s| !s.is_empty()),
            rustc: env!("LAYERWISE_RUSTC").into(),
            target: env!("LAYERWISE_TARGET").into(),
            build: env!("LAYERWISE_PROFILE").into(),
            os: os(),
            cpu: cpu(),
            cores: cores(),
            threads,
            jobs,
            blas: kernel::backend().into(),
            cpu_level: kernel::cpu_level().into(),
            dtype: "f32".into(),
            tiles_per_worker: Vec::new(),
        }
    }
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn git(args: &[&str]) -> Option<String> {
    let folder = env!("CARGO_MANIFEST_DIR");
    let output = Command::new("git").args(["-C", folder]).args(args).output().ok().filter(|o| o.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_string())
}

fn os() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let pretty = release.lines().find_map(|l| l.strip_prefix("PRETTY_NAME=")).map(|n| n.trim_matches('"').to_string());
    let kernel =
        std::fs::read_to_string("/proc/sys/kernel/osrelease").map(|k| format!(", {}", k.trim())).unwrap_or_default();
    format!("{}{kernel}", pretty.unwrap_or_else(|| std::env::consts::OS.into()))
}

fn cpu() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find(|l| l.starts_with("model name")).and_then(|l| l.split(": ").nth(1));
    model.unwrap_or(std::env::consts::ARCH).trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_without_paths() {
        let e = Environment::read(2, 1);
        assert!(e.cores >= 1 && e.rustc.contains("rustc"));
        let text = serde_json::to_string(&e).unwrap();
        assert!(!text.contains(env!("CARGO_MANIFEST_DIR")));
    }
}
