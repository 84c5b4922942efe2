//! What must hold for any frame, any line and any bytes; and the golden vectors.
//!
//! One program, because the parts share their invariants and their random frames.

// Helpers of tests stop the test when something is off.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bad_cases;
mod cases;
mod control_cases;
mod decoded;
mod event_cases;
mod events;
mod floats;
mod frames;
mod invariants;
mod json;
mod line_cases;
mod lines;
mod patterns;
mod recordings;
mod seeds;
mod sensor_cases;
mod sensors;
mod spec;
mod streams;
mod support;
mod vectors;
