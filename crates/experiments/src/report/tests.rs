//! Pages without records, and times for people.

use super::*;

#[test]
fn an_empty_folder_gives_an_index_that_says_how_to_fill_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path()).unwrap();
    let page = std::fs::read_to_string(path).unwrap();
    assert!(page.contains("cargo xtask run"));
    assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("https://"));
}

#[test]
fn times_for_people() {
    assert_eq!(duration(12.3), "12 s");
    assert_eq!(duration(300.0), "5.0 min");
}
