//! The pages of the shelves say what the tables say.

use std::collections::BTreeSet;
use std::fs;

use layerwise_tests::shelves;

#[test]
fn every_page_is_what_its_table_says() {
    let (folder, pages) = (shelves::folder(), shelves::pages());
    for (name, text) in &pages {
        let written = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(written == *text, "docs/shelves/{name} is not what the tables say: run `cargo xtask docs`");
    }
    let kept =
        fs::read_dir(&folder).expect("docs/shelves").map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
    let superfluous: BTreeSet<String> = kept.filter(|name| !pages.contains_key(name)).collect();
    assert!(superfluous.is_empty(), "pages of no table: {superfluous:?}; run `cargo xtask docs`");
}
