//! Pages without records, and times for people.

use super::*;

#[test]
fn an_empty_folder_gives_an_index_that_says_how_to_fill_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), None).unwrap();
    let page = std::fs::read_to_string(path).unwrap();
    assert!(page.contains("cargo xtask run"));
    assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("https://"));
}

#[test]
fn times_for_people() {
    assert_eq!(duration(12.3), "12 s");
    assert_eq!(duration(300.0), "5.0 min");
}

/// Parses a page as XML, which ours are written to be.
fn parsed(text: &str) -> roxmltree::Document<'_> {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    roxmltree::Document::parse_with_options(text, options).unwrap()
}

#[test]
fn pages_links_and_drawings_of_the_committed_records_are_sound() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/results");
    let dir = tempfile::tempdir().unwrap();
    let index = write(dir.path(), Some(&committed)).unwrap();
    let folder = index.parent().unwrap();
    let mut pages = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let page = parsed(&text);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let ids: Vec<&str> = page.descendants().filter_map(|n| n.attribute("id")).collect();
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), ids.len(), "{name} has an id twice");
        for node in page.descendants().filter(|n| n.is_element()) {
            assert!(node.tag_name().name() != "script" && node.tag_name().name() != "foreignObject", "{name}");
            for key in ["href", "src", "xlink:href"] {
                let Some(link) = node.attribute(key) else { continue };
                let there = link.starts_with("data:image/")
                    || link.strip_prefix('#').is_some_and(|id| ids.contains(&id))
                    || (!link.contains(':') && folder.join(link).exists());
                assert!(there, "{name}: {}", &link[..link.len().min(80)]);
            }
        }
        let drawings = page.descendants().filter(|n| n.tag_name().name() == "svg");
        assert!(name == "index.html" || drawings.count() > 0, "{name} shows nothing");
        pages += 1;
    }
    assert!(pages > 10, "{pages} pages");
}
