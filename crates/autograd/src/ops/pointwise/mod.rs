//! Elementary functions as pointwise operations, one file each.

mod abs;
mod clamp;
mod exp;
mod log;
mod scale;
mod shift;
mod sqrt;
mod square;
