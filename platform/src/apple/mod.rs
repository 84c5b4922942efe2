//! Macs, but for what only a Mac has: formats, tables and sources over the few calls that `macos`
//! makes.
//!
//! Everything here is pure and compiled on every system, so that it is tested where no Mac is at
//! hand. Each door to the machine is a trait with two implementors: the thin one in `macos`, and
//! one for tests that answers as machines were seen to.

pub mod hid;
pub mod kernel;
pub mod launchd;
pub mod machine;
mod processes;
mod processors;
pub mod registry;
pub mod report;
pub mod smc;
pub mod sources;
mod unique;

pub use machine::{DiskCounters, Mac};
pub use processes::ranker;
