//! Laws over the table of data sets.

use std::collections::BTreeSet;
use std::io::Write as _;

use layerwise::datasets::catalog::{self, DataDir, Fetch};

#[test]
fn every_data_set_says_where_it_comes_from_and_how_to_check_it() {
    let mut names = BTreeSet::new();
    for entry in catalog::table() {
        let name = &entry.name;
        assert!(names.insert(name.clone()), "`{name}` stands twice in the table");
        assert!(!entry.title.is_empty() && !entry.licence.is_empty() && !entry.citation.is_empty(), "{name}");
        assert!(entry.rows > 0 && entry.cols > 0 && !entry.files.is_empty(), "{name}");
        for file in &entry.files {
            let hex = file.sha256.len() == 64 && file.sha256.bytes().all(|b| b.is_ascii_hexdigit());
            assert!(hex, "{name}: `{}` is no SHA-256", file.sha256);
            assert!(
                !file.path.starts_with('/') && !file.path.contains(".."),
                "{name}: `{}` leaves the data folder",
                file.path
            );
        }
        match &entry.fetch {
            Fetch::Files(sources) => {
                for source in sources {
                    // Without encryption only where a checksum tells a false file.
                    let safe = source.url.starts_with("https://")
                        || source.url.starts_with("http://") && source.sha256.is_some();
                    assert!(safe, "{name}: {}", source.url);
                    assert!(
                        entry.files.iter().any(|f| f.path == source.path),
                        "{name}: {} becomes no file of it",
                        source.url
                    );
                }
            }
            Fetch::Manual { what } => assert!(what.len() > 20, "{name}: says too little about what to get by hand"),
            _ => {}
        }
    }
}

#[test]
fn every_data_set_at_hand_has_its_checksums_and_shape() {
    let Ok(folder) = std::env::var("LAYERWISE_DATA") else {
        assert!(std::env::var("CI").is_err(), "CI must have the data: set LAYERWISE_DATA");
        // Past the harness, which shows nothing of a test that passes.
        let _ = writeln!(std::io::stderr(), "skipped: LAYERWISE_DATA is not set");
        return;
    };
    let dir = DataDir::new(folder);
    let checked = catalog::verify_all(&dir);
    for (entry, outcome) in &checked {
        assert!(outcome.is_ok(), "{}: {}", entry.name, outcome.as_ref().unwrap_err());
    }
    println!("law: checksums and shapes: {} data sets", checked.len());
}
