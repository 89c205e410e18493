//! Where a backward formula can be wrong: the expressions of a file and what each could be mistaken for.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, UnOp};

use super::counts::{NO_FORMULA, is_place};
use super::functions::Functions;
use super::mistake::{Kind, Mistake, Site};

/// The sites of a file, in the order of their places, outer ones before what they hold.
pub(crate) fn sites(path: &str, text: &str) -> Result<Vec<Site>, syn::Error> {
    let ast = syn::parse_file(text)?;
    let mut functions = Functions::default();
    functions.visit_file(&ast);
    let wanted = functions.wanted(path);
    let mut finder =
        Finder { text, path, wanted, owner: None, vars: functions.vars, function: None, sites: BTreeMap::new() };
    finder.visit_file(&ast);
    Ok(finder.sites.into_values().collect())
}

/// Types of `impl PointwiseFn for X`, whose constant says what the derivative reads: a constant cannot be guarded in place.
pub(crate) fn pointwise_types(text: &str) -> Result<Vec<(String, Range<usize>)>, syn::Error> {
    let ast = syn::parse_file(text)?;
    let mut found = Vec::new();
    for item in &ast.items {
        let syn::Item::Impl(item) = item else { continue };
        let is_pointwise = item.trait_.as_ref().is_some_and(|(_, path, _)| path.is_ident("PointwiseFn"));
        let constant = item.items.iter().find_map(|i| match i {
            syn::ImplItem::Const(c) if c.ident == "NEEDS" => Some(c.expr.span().byte_range()),
            _ => None,
        });
        if let (true, Some(range), syn::Type::Path(path)) = (is_pointwise, constant, &*item.self_ty)
            && let Some(last) = path.path.segments.last()
        {
            found.push((last.ident.to_string(), range));
        }
    }
    Ok(found)
}

struct Finder<'a> {
    text: &'a str,
    path: &'a str,
    wanted: BTreeSet<String>,
    /// The type of the `impl` block.
    owner: Option<String>,
    vars: BTreeMap<String, Vec<String>>,
    function: Option<String>,
    sites: BTreeMap<(usize, std::cmp::Reverse<usize>), Site>,
}

impl Finder<'_> {
    fn source(&self, part: &impl syn::spanned::Spanned) -> &str {
        &self.text[part.span().byte_range()]
    }

    fn add(&mut self, range: Range<usize>, kind: Kind, text: String) {
        let Some(function) = &self.function else { return };
        let key = (range.start, std::cmp::Reverse(range.end));
        let site =
            self.sites.entry(key).or_insert_with(|| Site { range, function: function.clone(), mistakes: Vec::new() });
        let mistake = Mistake { kind, text };
        if !site.mistakes.contains(&mistake) {
            site.mistakes.push(mistake);
        }
    }

    fn add_at(&mut self, part: &impl syn::spanned::Spanned, kind: Kind, text: String) {
        self.add(part.span().byte_range(), kind, text);
    }

    /// The path of a type of ours, as this file can name it.
    fn named(&self, krate: &str, name: &str) -> String {
        let folder = krate.trim_start_matches("layerwise_");
        if self.path.contains(&format!("crates/{folder}/")) {
            format!("crate::{name}")
        } else {
            format!("::{krate}::{name}")
        }
    }

    fn enter(&mut self, sig: &syn::Signature, block: &syn::Block) {
        let name = sig.ident.to_string();
        if !self.wanted.contains(&name) {
            return;
        }
        let label = self.owner.as_ref().map_or(name.clone(), |owner| format!("{owner}::{name}"));
        let outer = self.function.replace(label);
        if matches!(name.as_str(), "d_output" | "d_target") {
            self.exchange(sig, block);
        }
        if matches!(name.as_str(), "df" | "d2f" | "d_output" | "d_target") {
            self.negate_result(block);
        }
        self.visit_block(block);
        self.function = outer;
    }

    /// Output and target exchanged for a whole function.
    fn exchange(&mut self, sig: &syn::Signature, block: &syn::Block) {
        let names: Vec<String> = sig
            .inputs
            .iter()
            .filter_map(|a| match a {
                syn::FnArg::Typed(t) => match &*t.pat {
                    syn::Pat::Ident(i) => Some(i.ident.to_string()),
                    _ => None,
                },
                syn::FnArg::Receiver(_) => None,
            })
            .collect();
        if let [.., y, t] = names.as_slice() {
            let inside = block.span().byte_range();
            let inside = inside.start + 1..inside.end - 1;
            let body = self.text[inside.clone()].trim().to_owned();
            self.add(inside, Kind::Swap, format!("let ({y}, {t}) = ({t}, {y}); {body}"));
        }
    }

    /// The negative of what a function gives, where no sum or product stands that has a sign of its own.
    fn negate_result(&mut self, block: &syn::Block) {
        if let Some(syn::Stmt::Expr(e, None)) = block.stmts.last() {
            self.negate(e);
        }
    }

    fn negate(&mut self, e: &Expr) {
        match e {
            Expr::If(e) => {
                self.negate_result(&e.then_branch);
                if let Some((_, other)) = &e.else_branch {
                    self.negate(other);
                }
            }
            Expr::Block(b) => self.negate_result(&b.block),
            Expr::Path(_) | Expr::Call(_) | Expr::MethodCall(_) | Expr::Index(_) => {
                let text = self.source(e).to_owned();
                if text != "T::zero()" {
                    self.add_at(e, Kind::Sign, format!("-({text})"));
                }
            }
            _ => {}
        }
    }

    fn binary(&mut self, e: &syn::ExprBinary, signed: bool) {
        let (l, r) = (self.source(&*e.left).to_owned(), self.source(&*e.right).to_owned());
        let whole = self.source(e).to_owned();
        let about_places = is_place(&e.left) || is_place(&e.right);
        match e.op {
            _ if about_places => {}
            BinOp::Add(_) => {
                self.add_at(e, Kind::Sign, format!("{l} - ({r})"));
                self.add_at(e, Kind::Drop, l);
                self.add_at(e, Kind::Drop, r);
            }
            BinOp::Sub(_) => {
                self.add_at(e, Kind::Sign, format!("{l} + {r}"));
                self.add_at(e, Kind::Drop, l);
                self.add_at(e, Kind::Drop, format!("-({r})"));
            }
            BinOp::Mul(_) => {
                if signed {
                    self.add_at(e, Kind::Sign, format!("-({whole})"));
                }
                self.add_at(e, Kind::Drop, l);
                self.add_at(e, Kind::Drop, r);
            }
            BinOp::Div(_) => {
                if signed {
                    self.add_at(e, Kind::Sign, format!("-({whole})"));
                }
                self.add_at(e, Kind::Drop, l);
            }
            BinOp::AddAssign(_) => {
                self.add_at(e, Kind::Sign, format!("{l} -= {r}"));
                self.add_at(e, Kind::Drop, "()".to_owned());
                self.add_at(e, Kind::Accumulate, format!("{l} = {r}"));
            }
            BinOp::SubAssign(_) => {
                self.add_at(e, Kind::Sign, format!("{l} += {r}"));
                self.add_at(e, Kind::Drop, "()".to_owned());
            }
            BinOp::MulAssign(_) | BinOp::DivAssign(_) => {
                let op = if matches!(e.op, BinOp::MulAssign(_)) { "*=" } else { "/=" };
                self.add_at(e, Kind::Sign, format!("{l} {op} -({r})"));
                self.add_at(e, Kind::Drop, "()".to_owned());
            }
            BinOp::Lt(_) | BinOp::Gt(_) | BinOp::Le(_) | BinOp::Ge(_) => {
                self.add_at(e, Kind::Drop, "true".to_owned());
                self.add_at(e, Kind::Drop, "false".to_owned());
            }
            BinOp::Eq(_) | BinOp::Ne(_) if whole.contains("Accum::") => {
                self.add_at(e, Kind::Accumulate, "true".to_owned());
                self.add_at(e, Kind::Accumulate, "false".to_owned());
            }
            BinOp::Eq(_) | BinOp::Ne(_) if whole.contains("Needs::") => {
                self.add_at(e, Kind::Swap, format!("!({whole})"));
            }
            _ => {}
        }
        match e.op {
            // The parts of a comparison of modes are no values.
            BinOp::Eq(_) | BinOp::Ne(_) => {}
            _ if about_places => {}
            BinOp::Mul(_) | BinOp::Div(_) => {
                self.operand(&e.left, false);
                self.operand(&e.right, false);
            }
            BinOp::Add(_) | BinOp::Sub(_) => {
                self.operand(&e.left, true);
                self.operand(&e.right, false);
            }
            BinOp::AddAssign(_) | BinOp::SubAssign(_) | BinOp::MulAssign(_) | BinOp::DivAssign(_) => {
                self.operand(&e.right, false);
            }
            _ => {
                self.operand(&e.left, true);
                self.operand(&e.right, true);
            }
        }
    }

    fn operand(&mut self, e: &Expr, signed: bool) {
        match e {
            Expr::Binary(b) => self.binary(b, signed),
            Expr::Paren(p) => self.operand(&p.expr, signed),
            _ => self.visit_expr(e),
        }
    }

    /// `b.values.get(self.x)`, `b.grads.get(self.x)`.
    fn variable(&mut self, e: &syn::ExprMethodCall) {
        let Some(Expr::Field(field)) = e.args.first() else { return };
        let (receiver, asked) = (self.source(&*e.receiver).to_owned(), self.source(&field.member).to_owned());
        if e.method != "get" || self.source(&*field.base) != "self" {
            return;
        }
        let Some((base, what)) = receiver.rsplit_once('.') else { return };
        let vars = self.owner.as_ref().and_then(|o| self.vars.get(o)).cloned().unwrap_or_default();
        if let Some(other) = vars.iter().find(|v| **v != asked) {
            self.add_at(e, Kind::Swap, format!("{receiver}.get(self.{other})"));
        }
        if what == "values" && base != "self" {
            self.add_at(e, Kind::Swap, format!("{base}.y"));
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, f: &'ast syn::ItemFn) {
        self.enter(&f.sig, &f.block);
    }

    fn visit_impl_item_fn(&mut self, f: &'ast syn::ImplItemFn) {
        self.enter(&f.sig, &f.block);
    }

    fn visit_item_impl(&mut self, i: &'ast syn::ItemImpl) {
        let name = match &*i.self_ty {
            syn::Type::Path(p) => p.path.segments.last().map(|s| s.ident.to_string()),
            _ => None,
        };
        let outer = std::mem::replace(&mut self.owner, name);
        visit::visit_item_impl(self, i);
        self.owner = outer;
    }

    fn visit_item_mod(&mut self, m: &'ast syn::ItemMod) {
        if !m.attrs.iter().any(|a| a.path().is_ident("cfg")) {
            visit::visit_item_mod(self, m);
        }
    }

    // Macros are messages and checks, constants cannot ask which mutant runs, patterns and types hold no formula.
    fn visit_macro(&mut self, _: &'ast syn::Macro) {}
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_expr_range(&mut self, _: &'ast syn::ExprRange) {}
    fn visit_expr_repeat(&mut self, _: &'ast syn::ExprRepeat) {}

    fn visit_expr_index(&mut self, e: &'ast syn::ExprIndex) {
        self.visit_expr(&e.expr);
    }

    fn visit_expr_assign(&mut self, e: &'ast syn::ExprAssign) {
        self.visit_expr(&e.right);
    }

    fn visit_expr_binary(&mut self, e: &'ast syn::ExprBinary) {
        self.binary(e, true);
    }

    fn visit_expr_unary(&mut self, e: &'ast syn::ExprUnary) {
        if matches!(e.op, UnOp::Neg(_)) {
            let inner = self.source(&*e.expr).to_owned();
            self.add_at(e, Kind::Sign, inner);
        }
        visit::visit_expr_unary(self, e);
    }

    fn visit_expr_reference(&mut self, e: &'ast syn::ExprReference) {
        // A guard makes a value: what is borrowed must stay a place.
        if matches!(&*e.expr, Expr::Index(_) | Expr::Unary(_)) && e.mutability.is_none() {
            visit::visit_expr_reference(self, e);
        }
    }

    fn visit_expr_path(&mut self, e: &'ast syn::ExprPath) {
        let replace = self.named("layerwise_tensor", "Accum::Replace");
        let add = self.named("layerwise_tensor", "Accum::Add");
        let written = self.source(e).to_owned();
        if written == "accum" {
            self.add_at(e, Kind::Accumulate, replace);
            self.add_at(e, Kind::Accumulate, add);
        } else if written.ends_with("Accum::Add") {
            self.add_at(e, Kind::Accumulate, replace);
        } else if written.ends_with("Accum::Replace") {
            self.add_at(e, Kind::Accumulate, add);
        }
    }

    fn visit_expr_field(&mut self, e: &'ast syn::ExprField) {
        let in_backward = self.function.as_ref().is_some_and(|f| f.ends_with("::backward"));
        let is_output = matches!(&e.member, syn::Member::Named(n) if n == "y") && self.source(&*e.base) == "b";
        let vars = self.owner.as_ref().and_then(|o| self.vars.get(o)).and_then(|v| v.first()).cloned();
        if let (true, true, Some(var)) = (in_backward, is_output, vars) {
            self.add_at(e, Kind::Swap, format!("b.values.get(self.{var})"));
        }
    }

    fn visit_expr_match(&mut self, e: &'ast syn::ExprMatch) {
        let asked = self.source(&*e.expr).to_owned();
        if asked.ends_with(".needs()") {
            let needs = self.named("layerwise_autograd", "Needs");
            let other =
                format!("match {asked} {{ {needs}::Input => {needs}::Output, {needs}::Output => {needs}::Input }}");
            self.add_at(&*e.expr, Kind::Swap, other);
        }
        visit::visit_expr_match(self, e);
    }

    fn visit_stmt(&mut self, s: &'ast syn::Stmt) {
        if let syn::Stmt::Expr(e @ (Expr::Call(_) | Expr::MethodCall(_)), Some(_)) = s {
            let name = match e {
                Expr::Call(c) => self.source(&*c.func).rsplit("::").next().unwrap_or_default().to_owned(),
                Expr::MethodCall(m) => m.method.to_string(),
                _ => String::new(),
            };
            if !NO_FORMULA.contains(&name.as_str()) {
                self.add_at(e, Kind::Drop, "()".to_owned());
            }
        }
        visit::visit_stmt(self, s);
    }

    fn visit_expr_call(&mut self, e: &'ast syn::ExprCall) {
        let name = self.source(&*e.func).rsplit("::").next().unwrap_or_default().to_owned();
        if NO_FORMULA.contains(&name.as_str()) {
            return;
        }
        if let ("put", Some(value)) = (name.as_str(), e.args.iter().nth(2))
            && !matches!(value, Expr::Binary(_))
        {
            let text = self.source(value).to_owned();
            self.add_at(value, Kind::Sign, format!("-({text})"));
        }
        for argument in &e.args {
            self.visit_expr(argument);
        }
    }

    fn visit_expr_method_call(&mut self, e: &'ast syn::ExprMethodCall) {
        self.variable(e);
        if matches!(e.method.to_string().as_str(), "sqrt" | "abs" | "recip") && e.args.is_empty() {
            let inner = self.source(&*e.receiver).to_owned();
            self.add_at(e, Kind::Drop, inner);
        }
        self.visit_expr(&e.receiver);
        if !NO_FORMULA.iter().any(|name| e.method == name) {
            e.args.iter().for_each(|a| self.visit_expr(a));
        }
    }
}
