//! Laws of the tape and of every operation.

mod acts;
mod fused;
mod gradients;
mod ledger;
mod misuse;
mod places;
mod probes;
mod steps;
mod threads;
