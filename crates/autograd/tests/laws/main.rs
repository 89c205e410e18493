//! Laws of the tape and of every operation.

mod acts;
mod fused;
mod gradients;
mod misuse;
mod probes;
mod steps;
mod threads;
