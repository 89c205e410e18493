//! Hands the compiler's version and the target to the crate, for the record of a run.

use std::process::Command;

fn main() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().ok();
    let version = version.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_string());
    println!("cargo::rustc-env=LAYERWISE_RUSTC={}", version.as_deref().unwrap_or("unknown"));
    for name in ["TARGET", "PROFILE"] {
        println!("cargo::rustc-env=LAYERWISE_{name}={}", std::env::var(name).unwrap_or_else(|_| "unknown".into()));
    }
    println!("cargo::rerun-if-changed=build.rs");
}
