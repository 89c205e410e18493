//! `list`.

use super::Failure;
use super::say::say;
use crate::table::table;
use serde_json::{Value, json};

/// The experiments as an array of objects: what a program needs to know of them, with the fingerprint of every criterion.
pub fn list_json() -> Value {
    let entries = table().iter().map(|e| {
        let criteria = e.criteria.iter().map(|c| {
            json!({ "id": c.id, "statement": c.statement, "threshold": c.threshold, "profile": c.profile, "hash": c.hash() })
        });
        json!({
            "name": e.name, "question": e.question, "claim": e.claim, "anchor": e.anchor, "data": e.data, "tour": e.tour,
            "seconds": { "smoke": e.seconds[0], "quick": e.seconds[1], "full": e.seconds[2] },
            "criteria": criteria.collect::<Vec<_>>(),
        })
    });
    Value::Array(entries.collect())
}

pub(super) fn list(json: bool) -> Result<(), Failure> {
    if json {
        let text = serde_json::to_string_pretty(&list_json()).map_err(|e| Failure::Broken(e.to_string()))?;
        say(text);
        return Ok(());
    }
    let width = table().iter().map(|e| e.name.len()).max().unwrap_or(0);
    for e in table() {
        let tour = if e.tour { "tour" } else { "    " };
        say(format!("{:width$}  {tour}  {:>4.0} s  {}", e.name, e.seconds[1], e.question));
    }
    Ok(())
}
