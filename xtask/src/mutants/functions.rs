//! Which functions of a file belong to a backward formula.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};

/// Functions that belong to a backward formula though their names do not say so: file and name.
const ALSO: [(&str, &str); 9] = [
    ("autograd/src/act.rs", "second"),
    ("autograd/src/op.rs", "get"),
    ("autograd/src/ops/broadcast.rs", "reduce"),
    ("autograd/src/ops/elementwise.rs", "accumulate"),
    ("autograd/src/ops/elementwise.rs", "pull"),
    ("autograd/src/ops/transpose.rs", "transpose_into"),
    ("autograd/src/penalty.rs", "penalties"),
    ("tensor/src/kernel/check.rs", "put"),
    ("tensor/src/params/gradients.rs", "slot"),
];

fn is_backward(name: &str) -> bool {
    name.contains("backward") || matches!(name, "df" | "d2f" | "d_output" | "d_target")
}

/// The functions of a file: who calls whom, and which fields are variables of the tape.
#[derive(Default)]
pub(crate) struct Functions {
    calls: BTreeMap<String, BTreeSet<String>>,
    inside: Option<String>,
    /// The fields of type `Var` of each struct.
    pub(crate) vars: BTreeMap<String, Vec<String>>,
}

impl Functions {
    /// Backward functions by name, those listed, and what only they call.
    pub(crate) fn wanted(&self, path: &str) -> BTreeSet<String> {
        let listed = ALSO.iter().filter(|(file, _)| path.ends_with(file)).map(|(_, name)| (*name).to_owned());
        let mut wanted: BTreeSet<String> = self.calls.keys().filter(|n| is_backward(n)).cloned().collect();
        wanted.extend(listed);
        loop {
            let only_by_wanted = |name: &String| {
                let mut callers =
                    self.calls.iter().filter(|(_, called)| called.contains(name)).map(|(n, _)| n).peekable();
                callers.peek().is_some() && callers.all(|c| wanted.contains(c))
            };
            let more: Vec<String> =
                self.calls.keys().filter(|n| !wanted.contains(*n) && only_by_wanted(n)).cloned().collect();
            if more.is_empty() {
                return wanted;
            }
            wanted.extend(more);
        }
    }

    fn enter(&mut self, name: &syn::Ident, walk: impl FnOnce(&mut Self)) {
        let outer = self.inside.replace(name.to_string());
        self.calls.entry(name.to_string()).or_default();
        walk(self);
        self.inside = outer;
    }

    fn called(&mut self, name: String) {
        if let Some(inside) = &self.inside
            && *inside != name
        {
            self.calls.entry(inside.clone()).or_default().insert(name);
        }
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, f: &'ast syn::ItemFn) {
        self.enter(&f.sig.ident, |this| visit::visit_item_fn(this, f));
    }
    fn visit_impl_item_fn(&mut self, f: &'ast syn::ImplItemFn) {
        self.enter(&f.sig.ident, |this| visit::visit_impl_item_fn(this, f));
    }
    fn visit_expr_path(&mut self, e: &'ast syn::ExprPath) {
        if let Some(last) = e.path.segments.last() {
            self.called(last.ident.to_string());
        }
    }
    fn visit_expr_method_call(&mut self, e: &'ast syn::ExprMethodCall) {
        self.called(e.method.to_string());
        visit::visit_expr_method_call(self, e);
    }
    fn visit_item_mod(&mut self, m: &'ast syn::ItemMod) {
        if !m.attrs.iter().any(|a| a.path().is_ident("cfg")) {
            visit::visit_item_mod(self, m);
        }
    }
    fn visit_item_struct(&mut self, s: &'ast syn::ItemStruct) {
        let is_var = |t: &syn::Type| matches!(t, syn::Type::Path(p) if p.path.is_ident("Var"));
        let fields =
            s.fields.iter().filter(|f| is_var(&f.ty)).filter_map(|f| f.ident.as_ref().map(ToString::to_string));
        self.vars.insert(s.ident.to_string(), fields.collect());
    }
}
