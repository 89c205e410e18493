//! A copy of the crates under `target/mutants/tree` in which every mutant is compiled and one of them, or none, is switched on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::find;
use super::mistake::{Kind, Mistake};
use super::rewrite::{self, Mutant, Place, squeeze};
use crate::cmd::{Failure, Outcome, root};

/// A crate with backward formulas, and the test binary of its own that holds them to account.
pub(crate) struct Tested {
    pub(crate) folder: &'static str,
    pub(crate) package: &'static str,
    pub(crate) test: &'static str,
}

/// The crates that are copied, from the bottom up.
pub(crate) const CRATES: [Tested; 3] = [
    Tested { folder: "tensor", package: "layerwise-tensor", test: "kernels" },
    Tested { folder: "autograd", package: "layerwise-autograd", test: "laws" },
    Tested { folder: "nn-layers", package: "layerwise-nn-layers", test: "suite" },
];

/// Files that are instruments, not formulas: the slow twins and the check itself.
const INSTRUMENTS: [&str; 3] = ["kernel/reference.rs", "autograd/src/gradcheck.rs", "/tests.rs"];

/// The copy: its mutants, and where each is in the rewritten files.
pub(crate) struct Tree {
    pub(crate) folder: PathBuf,
    pub(crate) mutants: Vec<Mutant>,
    /// Mutants that the compiler refused, so that they are left out.
    pub(crate) refused: usize,
    pub(crate) places: BTreeMap<String, Vec<Place>>,
}

/// `target/mutants`.
pub(crate) fn home() -> PathBuf {
    root().join("target").join("mutants")
}

/// Writes the copy without the mutants whose keys are in `refused`. Files that would stay the same are left alone, so that cargo
/// compiles only what changed.
pub(crate) fn write(refused: &BTreeSet<String>) -> Outcome<Tree> {
    let folder = home().join("tree");
    let mut tree = Tree { folder: folder.clone(), mutants: Vec::new(), refused: 0, places: BTreeMap::new() };
    let mut kept = BTreeSet::new();
    let mut pointwise = Vec::new();
    for tested in &CRATES {
        for path in files(&root().join("crates").join(tested.folder)) {
            let name = path.strip_prefix(root()).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            let bytes = fs::read(&path).map_err(|e| Failure::new(format!("cannot read {name}: {e}")))?;
            let in_source = name.contains("/src/") && name.ends_with(".rs");
            let new = if in_source && !INSTRUMENTS.iter().any(|i| name.ends_with(i)) {
                tree.mutate(&name, &String::from_utf8_lossy(&bytes), refused, &mut pointwise)?.into_bytes()
            } else {
                bytes
            };
            kept.insert(name.clone());
            put(&folder.join(&name), &new)?;
        }
    }
    let switch = "crates/tensor/src/mutant.rs";
    kept.insert(switch.to_owned());
    put(&folder.join(switch), switch_text(tree.next_id(), &pointwise).as_bytes())?;
    let library = folder.join("crates/tensor/src/lib.rs");
    let text = read(&library)?;
    put(&library, format!("{text}\npub mod mutant;\n").as_bytes())?;
    let manifest = manifest(&read(&root().join("Cargo.toml"))?);
    put(&folder.join("Cargo.toml"), manifest.as_bytes())?;
    put(&folder.join("Cargo.lock"), read(&root().join("Cargo.lock"))?.as_bytes())?;
    for path in files(&folder.join("crates")) {
        let name = path.strip_prefix(&folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        if !kept.contains(&name) {
            fs::remove_file(&path).map_err(|e| Failure::new(format!("cannot remove {}: {e}", path.display())))?;
        }
    }
    Ok(tree)
}

impl Tree {
    fn next_id(&self) -> u32 {
        self.mutants.len() as u32
    }

    fn mutate(
        &mut self,
        name: &str,
        text: &str,
        refused: &BTreeSet<String>,
        pointwise: &mut Vec<(String, u32)>,
    ) -> Outcome<String> {
        let broken = |e: syn::Error| Failure::new(format!("{name} does not parse: {e}"));
        let sites = find::sites(name, text).map_err(broken)?;
        let mut ordinals = BTreeMap::new();
        let mut live = Vec::new();
        for site in &sites {
            let mut of_site = Vec::new();
            for mistake in &site.mistakes {
                let original = &text[site.range.clone()];
                let made =
                    self.add(name, text, site.range.start, &site.function, original, mistake, &mut ordinals, refused);
                of_site.extend(made.map(|id| (id, mistake.text.clone())));
            }
            live.push(of_site);
        }
        for (name_of_type, range) in find::pointwise_types(text).map_err(broken)? {
            let original = &text[range.clone()];
            let other = if original.ends_with("Input") { "Needs::Output" } else { "Needs::Input" };
            let mistake = Mistake { kind: Kind::Swap, text: other.to_owned() };
            let function = format!("{name_of_type}::NEEDS");
            let made = self.add(name, text, range.start, &function, original, &mistake, &mut ordinals, refused);
            let stem = name.rsplit('/').next().and_then(|f| f.strip_suffix(".rs")).unwrap_or_default();
            pointwise.extend(made.map(|id| (format!("{stem}::{name_of_type}"), id)));
        }
        let krate = if name.starts_with("crates/tensor/") { "crate" } else { "::layerwise_tensor" };
        let (mut out, places) = rewrite::rewrite(text, &sites, &live, &format!("{krate}::mutant::on"));
        if name.ends_with("autograd/src/act.rs") {
            let asked = "        P::NEEDS\n";
            if out.matches(asked).count() != 1 {
                return Err(Failure::new(format!(
                    "{name}: `P::NEEDS` stands in another place than the mutants expect"
                )));
            }
            let swapped = "        if ::layerwise_tensor::mutant::swaps(::std::any::type_name::<P>()) { match P::NEEDS { Needs::Input => Needs::Output, Needs::Output => Needs::Input } } else { P::NEEDS }\n";
            out = out.replace(asked, swapped);
        }
        self.places.insert(name.to_owned(), places);
        Ok(out)
    }

    fn add(
        &mut self,
        file: &str,
        text: &str,
        at: usize,
        function: &str,
        original: &str,
        mistake: &Mistake,
        ordinals: &mut BTreeMap<String, usize>,
        refused: &BTreeSet<String>,
    ) -> Option<u32> {
        let mut mutant = Mutant {
            id: self.next_id(),
            kind: mistake.kind,
            file: file.to_owned(),
            line: text[..at].matches('\n').count() + 1,
            function: function.to_owned(),
            original: squeeze(original),
            mutated: squeeze(&mistake.text),
            ordinal: 0,
        };
        let count = ordinals.entry(mutant.key()).or_insert(0);
        mutant.ordinal = *count;
        *count += 1;
        if refused.contains(&mutant.key()) {
            self.refused += 1;
            return None;
        }
        let id = mutant.id;
        self.mutants.push(mutant);
        Some(id)
    }
}

/// The module that says which mutant runs: the one named by `LAYERWISE_MUTANT`; `trace` notes which are reached.
fn switch_text(count: u32, pointwise: &[(String, u32)]) -> String {
    let mut arms = String::new();
    for (name, id) in pointwise {
        arms.push_str(&format!("    if on({id}) && type_name.ends_with(\"{name}\") {{ return true; }}\n"));
    }
    format!(
        r#"//! Which mutant runs.

use std::io::Write as _;
use std::sync::atomic::{{AtomicBool, AtomicU32, Ordering::Relaxed}};

const UNREAD: u32 = u32::MAX;
const TRACE: u32 = u32::MAX - 1;
const NONE: u32 = u32::MAX - 2;
static CHOSEN: AtomicU32 = AtomicU32::new(UNREAD);
static SEEN: [AtomicBool; {count}] = [const {{ AtomicBool::new(false) }}; {count}];

/// Whether mutant `id` runs.
#[inline(always)]
pub fn on(id: u32) -> bool {{
    let chosen = CHOSEN.load(Relaxed);
    chosen == id || chosen >= TRACE && rare(chosen, id)
}}

#[cold]
#[inline(never)]
fn rare(chosen: u32, id: u32) -> bool {{
    if chosen == UNREAD {{
        let chosen = match std::env::var("LAYERWISE_MUTANT") {{
            Ok(word) if word == "trace" => TRACE,
            Ok(word) => word.parse().unwrap(),
            Err(_) => NONE,
        }};
        CHOSEN.store(chosen, Relaxed);
        return on(id);
    }}
    if !SEEN[id as usize].swap(true, Relaxed) {{
        let path = std::env::var_os("LAYERWISE_MUTANT_TRACE").unwrap();
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(format!("{{id}}\n").as_bytes()).unwrap();
    }}
    false
}}

/// Whether the pointwise function of this type reads the input where it should read the output, or the reverse.
pub fn swaps(type_name: &str) -> bool {{
{arms}    false
}}
"#
    )
}

/// The workspace's manifest with the copied crates only.
fn manifest(text: &str) -> String {
    let members: Vec<String> = CRATES.iter().map(|c| format!("\"crates/{}\"", c.folder)).collect();
    let start = text.find("members = [").unwrap_or(0);
    let end = text[start..].find(']').map_or(start, |at| start + at + 1);
    let text = format!("{}members = [{}]{}", &text[..start], members.join(", "), &text[end..]);
    // The house's lints are not for mutants.
    let lints = text.find("[workspace.lints").unwrap_or(text.len());
    let profiles = text[lints..].find("\n[profile").map_or(text.len(), |at| lints + at);
    let text =
        format!("{}{}{}", &text[..lints], text[lints..profiles].replace("\"deny\"", "\"allow\""), &text[profiles..]);
    text.replace("debug = \"line-tables-only\"", "debug = false")
        .replace("[profile.dev.package.xtask]\nopt-level = 0\n", "")
}

fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|e| Failure::new(format!("cannot read {}: {e}", path.display())))
}

fn put(path: &Path, bytes: &[u8]) -> Outcome {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let failed = |e: std::io::Error| Failure::new(format!("cannot write {}: {e}", path.display()));
    fs::create_dir_all(path.parent().unwrap_or(path)).map_err(failed)?;
    fs::write(path, bytes).map_err(failed)
}

/// All files below a folder, in order of their paths.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
