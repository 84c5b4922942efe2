//! The hub without an operating system: its call order by hand, sockets that take what they are
//! told to, and a clock that stands until somebody moves it.

// clippy knows test functions, but not the helpers around them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod clocks;
mod control;
mod events;
mod fairness;
mod processes;
#[path = "../common/processes.rs"]
mod processes_double;
#[path = "../common/random.rs"]
mod random;
mod rig;
mod samples;
mod samples_oracle;
mod samples_sim;
#[path = "../common/sensors.rs"]
mod sensors;
