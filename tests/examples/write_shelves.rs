//! Writes the pages of `docs/shelves` from the tables: `cargo xtask docs`.

use std::error::Error;
use std::fs;

use layerwise_tests::shelves;

fn main() -> Result<(), Box<dyn Error>> {
    let (folder, pages) = (shelves::folder(), shelves::pages());
    fs::create_dir_all(&folder)?;
    for entry in fs::read_dir(&folder)? {
        let entry = entry?;
        if !pages.contains_key(&*entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    for (name, text) in &pages {
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}
