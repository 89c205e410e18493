//! Every public item of a library crate has documentation.
//!
//! The compiler's lint says the same about a crate that builds; this rule also sees what is behind a feature that is off, and
//! that nobody has silenced the lint.

use syn::visit::Visit;
use syn::{Attribute, Visibility};

use super::Problem;
use super::sources::Source;

/// Undocumented public items.
pub(crate) fn check(sources: &[Source]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in sources {
        if !source.path.starts_with("crates/") || source.crate_folder().is_none() {
            continue;
        }
        if source.text.contains("allow(missing_docs)") {
            problems.push(Problem {
                place: source.path.clone(),
                what: "the lint missing_docs is silenced".to_owned(),
                remedy: "document the items instead".to_owned(),
            });
        }
        let mut items = Items { found: Vec::new(), hidden: false };
        items.visit_file(&source.ast);
        problems.extend(items.found.into_iter().map(|name| Problem {
            place: source.path.clone(),
            what: format!("public item `{name}` has no documentation"),
            remedy: "say in one line what it is; CONTRIBUTING.md shows the template".to_owned(),
        }));
    }
    problems
}

struct Items {
    found: Vec<String>,
    hidden: bool,
}

impl Items {
    fn item(&mut self, visibility: &Visibility, attributes: &[Attribute], name: &dyn ToString) {
        if matches!(visibility, Visibility::Public(_)) && !self.hidden && !is_documented(attributes) {
            self.found.push(name.to_string());
        }
    }
}

fn is_documented(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|a| a.path().is_ident("doc"))
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|a| {
        a.path().is_ident("doc") && matches!(&a.meta, syn::Meta::List(list) if list.tokens.to_string() == "hidden")
    })
}

impl<'ast> Visit<'ast> for Items {
    fn visit_item_fn(&mut self, i: &'ast syn::ItemFn) {
        self.item(&i.vis, &i.attrs, &i.sig.ident);
    }
    fn visit_item_struct(&mut self, i: &'ast syn::ItemStruct) {
        self.item(&i.vis, &i.attrs, &i.ident);
        if matches!(i.vis, Visibility::Public(_)) && !is_hidden(&i.attrs) {
            for field in i.fields.iter().filter(|f| f.ident.is_some()) {
                self.item(
                    &field.vis,
                    &field.attrs,
                    &format!("{}::{}", i.ident, field.ident.as_ref().map(ToString::to_string).unwrap_or_default()),
                );
            }
        }
    }
    fn visit_item_enum(&mut self, i: &'ast syn::ItemEnum) {
        self.item(&i.vis, &i.attrs, &i.ident);
        if matches!(i.vis, Visibility::Public(_)) && !is_hidden(&i.attrs) {
            for variant in i.variants.iter().filter(|v| !is_documented(&v.attrs)) {
                self.found.push(format!("{}::{}", i.ident, variant.ident));
            }
        }
    }
    fn visit_item_trait(&mut self, i: &'ast syn::ItemTrait) {
        self.item(&i.vis, &i.attrs, &i.ident);
        if matches!(i.vis, Visibility::Public(_)) && !is_hidden(&i.attrs) {
            for item in &i.items {
                let (attrs, name) = match item {
                    syn::TraitItem::Fn(f) => (&f.attrs, &f.sig.ident),
                    syn::TraitItem::Const(c) => (&c.attrs, &c.ident),
                    syn::TraitItem::Type(t) => (&t.attrs, &t.ident),
                    _ => continue,
                };
                if !is_documented(attrs) {
                    self.found.push(format!("{}::{name}", i.ident));
                }
            }
        }
    }
    fn visit_item_const(&mut self, i: &'ast syn::ItemConst) {
        self.item(&i.vis, &i.attrs, &i.ident);
    }
    fn visit_item_static(&mut self, i: &'ast syn::ItemStatic) {
        self.item(&i.vis, &i.attrs, &i.ident);
    }
    fn visit_item_type(&mut self, i: &'ast syn::ItemType) {
        self.item(&i.vis, &i.attrs, &i.ident);
    }
    fn visit_item_impl(&mut self, i: &'ast syn::ItemImpl) {
        if i.trait_.is_none() {
            for item in &i.items {
                match item {
                    syn::ImplItem::Fn(f) => self.item(&f.vis, &f.attrs, &f.sig.ident),
                    syn::ImplItem::Const(c) => self.item(&c.vis, &c.attrs, &c.ident),
                    _ => {}
                }
            }
        }
    }
    fn visit_item_mod(&mut self, i: &'ast syn::ItemMod) {
        if i.attrs.iter().any(|a| a.path().is_ident("cfg")) && i.content.is_some() {
            return;
        }
        let outer = self.hidden;
        self.hidden |= is_hidden(&i.attrs);
        syn::visit::visit_item_mod(self, i);
        self.hidden = outer;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        check(&[Source::parse("crates/x/src/a.rs", text).unwrap()]).len()
    }

    #[test]
    fn an_undocumented_public_item_is_found() {
        assert_eq!(found("pub fn a() {}"), 1);
        assert_eq!(found("/// A.\npub struct A { pub b: u8 }"), 1);
        assert_eq!(found("/// A.\npub enum A { B }"), 1);
        assert_eq!(found("/// A.\npub trait A { fn b(&self); }"), 1);
        assert_eq!(found("struct A;\nimpl A { pub fn b(&self) {} }"), 1);
        assert_eq!(found("#![allow(missing_docs)]"), 1);
    }

    #[test]
    fn documented_private_and_test_items_pass() {
        assert_eq!(found("/// A.\npub fn a() {}\nfn b() {}\npub(crate) fn c() {}"), 0);
        assert_eq!(found("#[cfg(test)]\nmod tests { pub fn a() {} }"), 0);
        assert_eq!(found("#[doc(hidden)]\npub trait A { fn b(&self); }"), 0);
    }
}
