//! kymod as its clients and its administrator meet it: the real program over real sockets.
//!
//! What is exact is asserted exactly: frames, their order, counts, exit codes, modes. Times are not
//! the machine's to promise while it compiles, so they have wide bounds or three attempts.

// clippy knows test functions, but not the helpers around them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(target_os = "linux")] // /proc tells what the daemon holds and uses

#[path = "../common/mod.rs"]
mod common;
// Machines that are trees of files, as the sources are tested with.
#[path = "../../../platform/tests/common/mod.rs"]
mod trees;

mod binary;
mod control;
mod events;
mod files;
mod follow;
mod formats;
mod hardware;
mod journal;
mod journal_faults;
mod json;
mod limits;
mod manager;
mod options;
mod processes;
mod profiles;
mod quotas;
mod rates;
mod recorders;
mod reload;
mod requests;
mod resume;
mod samples;
mod sandbox;
mod sessions;
mod slow;
mod stop;
mod survival;
