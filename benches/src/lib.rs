#![forbid(unsafe_code)]
//! Measures kymo: each program in `src/bin` answers one question, and `bench` runs them all.
//!
//! Every figure stands beside a *floor* of the same run: a bare program that does only what the
//! kernel demands for the same result (one timer, the same reads, one send for each subscriber).
//! kymo and floor take turns, so that whatever else the machine does hits both; what is judged is
//! the median of the paired ratios. Wall time is never compared between two machines or two runs.
//!
//! The order to read the modules in: [`program`], [`row`], [`pairs`], [`reader`], [`watch`],
//! [`bare`], [`sensors`], [`server`], [`process`], [`events`], [`flow`].

pub mod args;
pub mod bare;
pub mod baseline;
pub mod callgrind;
pub mod collectd;
pub mod cost;
pub mod events;
pub mod files;
pub mod flow;
pub mod host;
pub mod memory;
pub mod pairs;
pub mod process;
pub mod program;
pub mod reader;
pub mod results;
pub mod row;
pub mod sample;
pub mod sensors;
pub mod server;
pub mod stats;
pub mod timing;
pub mod watch;

/// What went wrong, in words; a benchmark has nobody to handle it.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
