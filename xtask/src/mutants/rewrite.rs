//! The text of a file with all its mistakes in it, each behind a question to the switch.

use std::ops::Range;

use super::mistake::{Kind, Site};

/// One mutant: where it is, what stands there and what would.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    pub(crate) id: u32,
    pub(crate) kind: Kind,
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) function: String,
    pub(crate) original: String,
    pub(crate) mutated: String,
    /// Which of the mutants of this file and function with the same texts it is.
    pub(crate) ordinal: usize,
}

impl Mutant {
    /// What tells it from all others, whatever lines are added above it.
    pub(crate) fn key(&self) -> String {
        format!("{}|{}|{}|{}|{}", self.file, self.function, self.original, self.mutated, self.ordinal)
    }
}

/// A range of the rewritten text and the mutants that it is about: where the compiler complains, those are to blame.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) range: Range<usize>,
    pub(crate) ids: Vec<u32>,
}

/// One line, single spaces.
pub(crate) fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `text` with every mutant of `live` behind `switch(id)`; `live` gives the mutants of a site, by its position.
pub(crate) fn rewrite(text: &str, sites: &[Site], live: &[Vec<(u32, String)>], switch: &str) -> (String, Vec<Place>) {
    let mut writer = Writer { text, sites, live, switch, out: String::new(), places: Vec::new() };
    let mut next = 0;
    writer.copy(0..text.len(), &mut next);
    (writer.out, writer.places)
}

struct Writer<'a> {
    text: &'a str,
    sites: &'a [Site],
    live: &'a [Vec<(u32, String)>],
    switch: &'a str,
    out: String,
    places: Vec<Place>,
}

impl Writer<'_> {
    /// Copies a range, with the sites within it from `next` on.
    fn copy(&mut self, range: Range<usize>, next: &mut usize) {
        let mut at = range.start;
        while let Some(site) = self.sites.get(*next).filter(|s| s.range.end <= range.end) {
            self.out.push_str(&self.text[at..site.range.start]);
            let live = &self.live[*next];
            *next += 1;
            at = site.range.end;
            if live.is_empty() {
                self.copy(site.range.clone(), next);
                continue;
            }
            let start = self.out.len();
            self.out.push('(');
            for (id, mistake) in live {
                let from = self.out.len();
                self.out.push_str(&format!("if {}({id}) {{ {mistake} }} else ", self.switch));
                self.places.push(Place { range: from..self.out.len(), ids: vec![*id] });
            }
            self.out.push_str("{ ");
            self.copy(site.range.clone(), next);
            self.out.push_str(" })");
            let ids = live.iter().map(|(id, _)| *id).collect();
            self.places.push(Place { range: start..self.out.len(), ids });
        }
        self.out.push_str(&self.text[at..range.end]);
    }
}

/// The mutants to blame for a complaint at `at`: those of the smallest range around it.
pub(crate) fn blamed(places: &[Place], at: usize) -> Option<&[u32]> {
    let around = places.iter().filter(|p| p.range.contains(&at));
    around.min_by_key(|p| p.range.len()).map(|p| p.ids.as_slice())
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;

    fn rewritten(text: &str) -> (String, Vec<String>) {
        let sites = find::sites("crates/autograd/src/ops/x.rs", text).unwrap();
        let (mut id, mut shown) = (0, Vec::new());
        let live: Vec<Vec<(u32, String)>> = sites
            .iter()
            .map(|site| {
                let of_site = site.mistakes.iter().map(|m| {
                    id += 1;
                    shown.push(format!("{}: {} -> {}", m.kind, squeeze(&text[site.range.clone()]), squeeze(&m.text)));
                    (id, m.text.clone())
                });
                of_site.collect()
            })
            .collect();
        let (out, places) = rewrite(text, &sites, &live, "on");
        let at = out.find("if on(1)").unwrap_or(0);
        if !shown.is_empty() {
            assert_eq!(blamed(&places, at + 1), Some(&[1][..]));
        }
        syn::parse_file(&out).unwrap_or_else(|e| panic!("{e}: {out}"));
        (out, shown)
    }

    #[test]
    fn terms_factors_and_signs_are_mistaken_one_at_a_time() {
        let (out, shown) = rewritten("fn df(a: f64, b: f64) -> f64 { a - b * a }");
        assert_eq!(
            shown,
            [
                "sign: a - b * a -> a + b * a",
                "drop: a - b * a -> a",
                "drop: a - b * a -> -(b * a)",
                "drop: b * a -> b",
                "drop: b * a -> a"
            ]
        );
        assert!(out.contains("if on(1) { a + b * a } else if on(2) { a }"), "{out}");
        assert!(out.contains("else { a - (if on(4) { b } else if on(5) { a } else { b * a }) })"), "{out}");
    }

    #[test]
    fn places_and_other_functions_are_left_alone() {
        let text = "fn f(a: f64) -> f64 { a + a }\nfn backward(x: &[f64], row: usize, cols: usize) { g(&x[row * cols + 1..], row * cols) }";
        assert_eq!(rewritten(text), (text.to_owned(), Vec::new()));
    }

    #[test]
    fn what_only_a_backward_function_calls_belongs_to_it() {
        let text = "fn backward(a: f64) -> f64 { helper(a) }\nfn helper(a: f64) -> f64 { -a }\nfn f(a: f64) -> f64 { shared(a) }\nfn shared(a: f64) -> f64 { -a }";
        assert_eq!(rewritten(text).1, ["sign: -a -> a"]);
    }

    #[test]
    fn inputs_outputs_and_accumulation_are_mistaken() {
        let text = "struct Mul { a: Var, b: Var }
            impl Op for Mul {
                fn backward(&self, b: &mut Backward) {
                    let a = b.values.get(self.a);
                    let y = b.y;
                    if let Some((da, accum)) = b.grads.get(self.a) {
                        for (da, y) in da.iter_mut().zip(y) {
                            *da = if accum == Accum::Add { *da + *y } else { *y };
                        }
                    }
                }
            }";
        let shown = rewritten(text).1;
        for wanted in [
            "swap: b.values.get(self.a) -> b.values.get(self.b)",
            "swap: b.values.get(self.a) -> b.y",
            "swap: b.y -> b.values.get(self.a)",
            "swap: b.grads.get(self.a) -> b.grads.get(self.b)",
            "accumulate: accum == Accum::Add -> false",
            "sign: *da + *y -> *da - (*y)",
        ] {
            assert!(shown.iter().any(|s| s == wanted), "{wanted} is not among {shown:#?}");
        }
    }
}
