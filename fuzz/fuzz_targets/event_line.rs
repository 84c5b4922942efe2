#![no_main]
//! The line of an event fits, says what its payload says, and can be submitted again.

#[allow(dead_code)] // each target checks one of them
#[path = "../../protocol/tests/properties/invariants/mod.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|data: &[u8]| invariants::event_line::check(data));
