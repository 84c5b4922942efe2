#![no_main]
//! What is written of sensors and their samples is what their frames and lines say.

#[allow(dead_code)] // each target checks one of them
#[path = "../../protocol/tests/properties/invariants/mod.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|data: &[u8]| invariants::catalog::check(data));
