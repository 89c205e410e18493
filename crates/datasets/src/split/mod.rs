//! Cutting rows into a part to learn from and a part to judge by: once, in folds, by class, by group, again and again.
//!
//! | the rows | once | in folds |
//! |---|---|---|
//! | in an order that means something | [`holdout()`] | |
//! | exchangeable | [`shuffle_split()`] | [`k_fold()`] |
//! | in classes whose shares shall be kept | [`stratified_split()`] | [`stratified_k_fold()`] |
//! | in groups that must stay together (patients, machines) | [`group_split()`] | [`group_k_fold()`] |
//! | normal ones and anomalies | [`half_of_normals()`] | |
//!
//! [`repeated()`] draws any of them several times. Everything random comes from the stream given.

mod folds;
mod groups;
mod parts;
mod repeat;

pub use folds::{k_fold, stratified_k_fold};
pub use groups::{group_k_fold, group_split};
pub use parts::{
    Split, SplitIndices, half_of_normals, half_of_normals_in_file_order, holdout, shuffle_split, stratified_split,
};
pub use repeat::repeated;
