//! Macs, but for what only a Mac has: formats, tables and sources over the few calls that `macos`
//! makes.
//!
//! Everything here is pure and compiled on every system, so that it is tested where no Mac is at
//! hand. Each door to the machine is a trait with two implementors: the thin one in `macos`, and
//! one for tests that answers as machines were seen to.

pub mod hid;
pub mod registry;
pub mod report;
pub mod smc;
mod unique;
