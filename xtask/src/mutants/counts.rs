//! What is about places and lengths, and so no part of a derivative.

use syn::Expr;

/// Names of whole numbers: arithmetic with them is about places, not about derivatives.
const PLACES: [&str; 21] = [
    "i", "j", "row", "rows", "col", "cols", "first", "start", "end", "from", "to", "batch", "inputs", "outputs",
    "width", "len", "size", "label", "chunk", "products", "index",
];

/// Calls whose arguments are lengths, places or messages.
pub(crate) const NO_FORMULA: [&str; 21] = [
    "check",
    "check_row",
    "check_out",
    "check_stamp",
    "same_length",
    "chunks",
    "chunks_mut",
    "chunks_exact",
    "chunks_exact_mut",
    "step_by",
    "resize",
    "sized",
    "split_at",
    "split_at_mut",
    "take",
    "skip",
    "splits",
    "space",
    "require",
    "describe",
    "clear",
];

/// Whether an expression is a whole number: a length or a place.
pub(crate) fn is_place(e: &Expr) -> bool {
    match e {
        Expr::Lit(l) => matches!(l.lit, syn::Lit::Int(_)),
        Expr::Path(p) => p.path.get_ident().is_some_and(|i| PLACES.iter().any(|p| i == p)),
        Expr::Field(f) => matches!(&f.member, syn::Member::Named(n) if PLACES.iter().any(|p| n == p)),
        Expr::MethodCall(m) => m.method == "len" || m.method == "max" && m.args.first().is_some_and(is_place),
        Expr::Binary(b) => is_place(&b.left) || is_place(&b.right),
        Expr::Paren(p) => is_place(&p.expr),
        Expr::Unary(u) => is_place(&u.expr),
        _ => false,
    }
}
