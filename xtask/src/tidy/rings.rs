//! No import rings: within a crate, no file may import from a file that (through others) imports from it.
//!
//! A parent module re-exporting its children is how a folder presents itself, so an edge from a module to one below it is not
//! counted; everything else is, and items reached through a re-export count as the re-exporting module.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::Visit;

use super::Problem;
use super::sources::Source;

/// Rings of imports, one problem each.
pub(crate) fn check(sources: &[Source]) -> Vec<Problem> {
    let mut crates: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    for source in sources {
        if let Some(folder) = source.crate_folder() {
            crates.entry(folder).or_default().push(source);
        }
    }
    crates.iter().flat_map(|(folder, files)| rings_of(folder, files)).collect()
}

fn rings_of(folder: &str, files: &[&Source]) -> Vec<Problem> {
    let modules: BTreeSet<String> = files.iter().filter_map(|f| f.module()).collect();
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files {
        let Some(module) = file.module() else { continue };
        let mut imports = Imports { module: module.clone(), found: BTreeSet::new() };
        imports.visit_file(&file.ast);
        let targets = imports
            .found
            .iter()
            .filter_map(|path| owner(path, &modules))
            .filter(|t| *t != module && !is_below(t, &module));
        // The root only collects: what it imports from its children is how the crate presents itself.
        edges.entry(module.clone()).or_default().extend(targets.filter(|t| !t.is_empty()));
    }
    let mut problems = Vec::new();
    let mut reported: BTreeSet<BTreeSet<String>> = BTreeSet::new();
    for start in edges.keys() {
        let Some(ring) = ring_through(start, &edges) else { continue };
        if reported.insert(ring.iter().cloned().collect()) {
            problems.push(Problem {
                place: folder.to_owned(),
                what: format!("import ring: {} -> {}", ring.join(" -> "), ring[0]),
                remedy: "move what both need into a file below them: types below, operations above".to_owned(),
            });
        }
    }
    problems
}

fn is_below(module: &str, parent: &str) -> bool {
    parent.is_empty() || module.strip_prefix(parent).is_some_and(|rest| rest.starts_with("::"))
}

/// The longest module that is a prefix of an imported path.
fn owner(path: &str, modules: &BTreeSet<String>) -> Option<String> {
    let mut prefix = path;
    loop {
        if modules.contains(prefix) {
            return Some(prefix.to_owned());
        }
        prefix = prefix.rsplit_once("::").map_or("", |(head, _)| head);
        if prefix.is_empty() {
            return modules.contains("").then(String::new);
        }
    }
}

/// The shortest way from `start` back to itself.
fn ring_through(start: &str, edges: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    let mut queue = vec![vec![start.to_owned()]];
    let mut seen = BTreeSet::new();
    while !queue.is_empty() {
        let path = queue.remove(0);
        for next in edges.get(path.last()?).into_iter().flatten() {
            if next == start {
                return Some(path);
            }
            if seen.insert(next.clone()) {
                let mut longer = path.clone();
                longer.push(next.clone());
                queue.push(longer);
            }
        }
    }
    None
}

/// Collects the crate-relative paths of `use` items outside of test modules.
struct Imports {
    module: String,
    found: BTreeSet<String>,
}

impl Imports {
    fn tree(&mut self, prefix: &[String], tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => {
                let mut longer = prefix.to_vec();
                longer.push(path.ident.to_string());
                self.tree(&longer, &path.tree);
            }
            syn::UseTree::Name(name) => self.add(prefix, &name.ident.to_string()),
            syn::UseTree::Rename(name) => self.add(prefix, &name.ident.to_string()),
            syn::UseTree::Glob(_) => self.add(prefix, ""),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(prefix, item)),
        }
    }

    /// Notes `prefix::name` if it stays within the crate.
    fn add(&mut self, prefix: &[String], name: &str) {
        let mut here: Vec<String> =
            if self.module.is_empty() { Vec::new() } else { self.module.split("::").map(str::to_owned).collect() };
        let mut words = prefix.iter().peekable();
        match words.peek().map(|w| w.as_str()) {
            Some("crate") => {
                words.next();
                here.clear();
            }
            Some("self") => {
                words.next();
            }
            Some("super") => {
                while words.next_if(|w| *w == "super").is_some() {
                    here.pop();
                }
            }
            _ => return,
        }
        here.extend(words.cloned());
        if !name.is_empty() && name != "self" {
            here.push(name.to_owned());
        }
        self.found.insert(here.join("::"));
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let is_test = item.attrs.iter().any(|a| a.path().is_ident("cfg"));
        if !is_test {
            syn::visit::visit_item_mod(self, item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(files: &[(&str, &str)]) -> Vec<Problem> {
        let sources: Vec<Source> = files.iter().map(|(p, t)| Source::parse(p, t).unwrap()).collect();
        check(&sources)
    }

    #[test]
    fn a_ring_of_two_is_found() {
        let found = problems(&[
            ("crates/x/src/lib.rs", "mod a; mod b; pub use a::A;"),
            ("crates/x/src/a.rs", "use crate::b::B; pub struct A(B);"),
            ("crates/x/src/b.rs", "use super::a::A; pub struct B(A);"),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].what.contains("a -> b -> a"));
    }

    #[test]
    fn a_ring_of_three_is_found_once() {
        let found = problems(&[
            ("crates/x/src/a.rs", "use crate::b::B;"),
            ("crates/x/src/b.rs", "use crate::c::{C, D};"),
            ("crates/x/src/c.rs", "use crate::a::A;"),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn tests_and_parents_do_not_count() {
        let found = problems(&[
            ("crates/x/src/lib.rs", "mod a; mod b; pub use crate::a::A;"),
            ("crates/x/src/a.rs", "use crate::b::B;"),
            ("crates/x/src/b.rs", "#[cfg(test)] mod tests { use crate::a::A; }"),
        ]);
        assert!(found.is_empty(), "{found:?}");
    }
}
