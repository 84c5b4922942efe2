#![deny(unsafe_code)]
//! Measures kymo beside what else people would use: `bench-peers` asks, `peer-server` serves.
//!
//! Everybody publishes the same number of bytes at the same pace to the same number of subscribers,
//! over Unix sockets, from a process of its own; all subscribers are in one other process. Systems
//! take turns (A B C D A B C D ...) in one run; ratios are those of the same turn.
//!
//! The order to read the modules in: [`system`], [`message`], [`served`], [`seat`], [`rounds`],
//! [`table`], [`parts`].

pub mod chart;
pub mod codec;
pub mod message;
pub mod parts;
pub mod publish;
#[cfg(any(feature = "nng", feature = "zeromq"))]
mod raw;
pub mod report;
pub mod rounds;
pub mod scrape;
pub mod seat;
pub mod seats;
pub mod served;
pub mod system;
pub mod table;
