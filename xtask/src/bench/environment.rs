//! What the figures depend on: machine, compiler, commit, versions. No user, no host, no folder.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

use crate::cmd::{output, root};

use super::peers::Peer;

/// The environment of a run with these peers; those that run replace their entries by their versions.
pub(crate) fn environment(peers: &[&Peer], pinned: bool) -> Value {
    let git = |args: &[&str]| output(Command::new("git").args(args).current_dir(root())).map(|t| t.trim().to_owned());
    let mut versions = Map::new();
    for peer in peers {
        let here = peer.programs().is_some();
        let text = if here { "installed, but not measured".to_owned() } else { format!("missing: {}", peer.how()) };
        versions.insert(peer.name.to_owned(), text.into());
    }
    json!({
        "commit": git(&["rev-parse", "HEAD"]),
        "dirty": git(&["status", "--porcelain"]).map(|text| !text.is_empty()),
        "rustc": output(Command::new("rustc").arg("--version")).map(|t| t.trim().to_owned()),
        "cpu": processor(),
        "cores": std::thread::available_parallelism().map(usize::from).ok(),
        "os": system(),
        "memory": field("/proc/meminfo", "MemTotal").and_then(|text| memory(&text)),
        "date": output(Command::new("date").args(["-u", "+%Y-%m-%d"])).map(|t| t.trim().to_owned()),
        "pinned": pinned,
        "peers": versions,
    })
}

/// Whether a program can be bound to the first core.
pub(crate) fn can_pin() -> bool {
    let status = Command::new("taskset").args(["-c", "0", "true"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// The processor's name with family and model, since a name such as `AMD EPYC` says little.
fn processor() -> Option<String> {
    let name = field("/proc/cpuinfo", "model name")?;
    let number = |key| field("/proc/cpuinfo", key);
    Some(match number("cpu family").zip(number("model\t")) {
        Some((family, model)) => format!("{name} (family {family}, model {model})"),
        None => name,
    })
}

/// The first `key : value` of a file of the system.
fn field(path: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|l| l.starts_with(key))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

/// System, version and architecture; what a version says after a dash is of this installation alone.
fn system() -> Option<String> {
    let text = output(Command::new("uname").arg("-sr"))?;
    let (name, version) = text.trim().split_once(' ')?;
    Some(format!("{name} {} {}", version.split('-').next().unwrap_or_default(), std::env::consts::ARCH))
}

/// `24689764 kB` as `23.5 GiB`.
fn memory(text: &str) -> Option<String> {
    let kib: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(format!("{:.1} GiB", kib / (1024.0 * 1024.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::peers;

    #[test]
    fn a_machine_is_described_without_names() {
        assert_eq!(memory("24689764 kB").unwrap(), "23.5 GiB");
        assert_eq!(memory("much"), None);
        let here = environment(&peers::named(&peers::names()), true);
        assert_eq!(here["pinned"], true);
        for (name, text) in here["peers"].as_object().unwrap() {
            let text = text.as_str().unwrap();
            assert!(
                text.starts_with("missing: `cargo xtask bench --install ") || text.starts_with("installed"),
                "{name}"
            );
        }
        let text = here.to_string();
        assert!(!text.contains(&root().to_string_lossy().into_owned()), "{text}");
    }
}
