//! The journal beside a model that forgets nothing, under kills, failed writes, damage and losses
//! of power.
//!
//! Each frame says which sequence it was given and which event it is, so that a wrong one, or a
//! sequence given twice, shows wherever it comes up.

// clippy knows test functions, but not the helpers around them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod after_start;
mod damage;
mod disk;
mod edges;
mod faults;
#[path = "../common/heap.rs"]
mod heap;
mod model;
#[path = "../common/random.rs"]
mod random;
mod recover;
mod rig;
