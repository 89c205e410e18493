//! The laws: every entry of every table against every law that holds for it, and whole trainings.
//!
//! A law walks a table, so that a new entry is tested without a test being written. An entry declares the traits under which a law
//! does not hold; what is left out is printed with its reason.

mod activations;
mod autoencoders;
mod both_types;
mod catalogue;
mod constraints;
mod coverage;
mod determinism;
mod experiments;
mod files;
mod fixture;
mod initializers;
mod layers;
mod ledger;
mod losses;
mod measures;
mod models;
mod operations;
mod optimizers;
mod parity_autoencoders;
mod parity_layers;
mod parity_lbfgs;
mod parity_likelihoods;
mod parity_muon;
mod parity_optim;
mod parity_shelf;
mod shelf_pages;
mod support;
mod theory;
