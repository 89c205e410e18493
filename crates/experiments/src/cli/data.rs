//! `data list`, `data fetch`, `data verify`.

use super::Failure;
use super::args::DataAction;
use super::say::say;
use crate::data::{DataHome, cache_folder};
use layerwise::datasets::catalog::{self, DataDir, DatasetEntry, Fetch};
use std::path::PathBuf;

/// Does what is asked; whether all went well.
pub(super) fn data(action: DataAction, home: Option<PathBuf>) -> Result<bool, Failure> {
    let found = DataHome::find(home.clone());
    match action {
        DataAction::List => list(&found),
        DataAction::Verify => return verify(&found),
        DataAction::Fetch(names) => {
            let target = home.or_else(|| found.root().map(PathBuf::from)).or_else(cache_folder);
            let target =
                target.ok_or_else(|| Failure::Broken("no folder for the data: give one by --data DIR".into()))?;
            let entries: Vec<&DatasetEntry> = names
                .iter()
                .map(|n| catalog::find(n))
                .collect::<Result<_, _>>()
                .map_err(|e| Failure::Usage(e.to_string()))?;
            return fetch(&entries, &DataDir::new(target));
        }
    }
    Ok(true)
}

fn list(found: &DataHome) {
    match found.root() {
        Some(root) => say(format!("data folder: {}", root.display())),
        None => say("no data folder: give one by --data DIR or LAYERWISE_DATA, or fetch a set"),
    }
    let width = catalog::table().iter().map(|e| e.name.len()).max().unwrap_or(0);
    for e in catalog::table() {
        let here = if at_hand(found, e) { "here   " } else { "missing" };
        let how = match &e.fetch {
            Fetch::Files(sources) if sources.iter().all(|s| s.url_tried) => "fetch",
            Fetch::Files(_) => "fetch (address not tried)",
            _ => "by hand",
        };
        say(format!("{:width$}  {here}  {:>6} x {:<4} {}; {how}; {}", e.name, e.rows, e.cols, e.title, e.licence));
    }
}

fn at_hand(found: &DataHome, e: &DatasetEntry) -> bool {
    found.root().is_some_and(|root| e.files.iter().all(|f| root.join(&f.path).exists()))
}

fn verify(found: &DataHome) -> Result<bool, Failure> {
    let Some(root) = found.root() else {
        return Err(Failure::Broken("no data folder: give one by --data DIR or LAYERWISE_DATA".into()));
    };
    let mut well = true;
    for e in catalog::table().iter().filter(|e| at_hand(found, e)) {
        match catalog::verify(e, &DataDir::new(root)) {
            Ok(()) => say(format!("{}: as it should be", e.name)),
            Err(error) => {
                say(format!("{}: {error}", e.name));
                well = false;
            }
        }
    }
    Ok(well)
}

#[cfg(feature = "download")]
fn fetch(entries: &[&DatasetEntry], target: &DataDir) -> Result<bool, Failure> {
    use std::io::{IsTerminal as _, Write as _};
    let fetcher = catalog::Fetcher::new().proxy_from_environment();
    let mut well = true;
    for e in entries {
        say(format!("{}: {} ({})", e.name, e.title, e.licence));
        let terminal = std::io::stdout().is_terminal();
        let mut shown = 0;
        let fetched = fetcher.fetch(e, target, &mut |p| {
            // A line for every megabyte is enough.
            if terminal && p.received >> 20 != shown {
                shown = p.received >> 20;
                let of = p.total.map(|t| format!(" of {}", t >> 20)).unwrap_or_default();
                print!("\r  {}: {shown}{of} MiB ", p.file);
                let _ = std::io::stdout().flush();
            }
        });
        if shown > 0 {
            say("");
        }
        match fetched {
            Ok(()) => say(format!("  in {}", target.root().display())),
            Err(error) => {
                eprintln!("error: {}: {error}", e.name);
                well = false;
            }
        }
    }
    Ok(well)
}

#[cfg(not(feature = "download"))]
fn fetch(entries: &[&DatasetEntry], _target: &DataDir) -> Result<bool, Failure> {
    for e in entries {
        if let Fetch::Manual { what } = &e.fetch {
            say(format!("{}: no public address is known; get it by hand: {what}", e.name));
        }
    }
    Err(Failure::Broken("this program was built without downloads: use `cargo xtask data fetch NAME`".into()))
}
