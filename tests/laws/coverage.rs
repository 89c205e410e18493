//! Which entries there are. `cargo xtask test` compares them with the laws that ran, and fails where one is missing without a reason.

use layerwise::autoencoder::anomaly::threshold;
use layerwise::autoencoder::{corruption, model as kind};
use layerwise::autograd::ops;
use layerwise::nn::{activation, init, layer, loss, model};
use layerwise::optim::{constraint, rule, schedule};
use layerwise::train::metrics;

use crate::ledger::entries;

#[test]
fn every_entry_stands_in_the_ledger() {
    entries("activation", activation::table().iter().map(|e| e.name));
    entries("init", init::table().iter().map(|e| e.name));
    entries("layer", layer::table().iter().map(|e| e.name));
    entries("loss", loss::table().iter().map(|e| e.name));
    entries("model", model::table().iter().map(|e| e.name));
    entries("rule", rule::table().iter().map(|e| e.name));
    entries("schedule", schedule::table().iter().map(|e| e.name));
    entries("constraint", constraint::table().iter().map(|e| e.name));
    entries("corruption", corruption::table().iter().map(|e| e.name));
    entries("autoencoder", kind::table().iter().map(|e| e.name));
    entries("threshold", threshold::table().iter().map(|e| e.name));
    entries("metric", metrics::table().iter().map(|e| e.name));
    entries("operation", ops::table().iter().map(|e| e.name));
}
