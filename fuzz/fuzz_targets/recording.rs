#![no_main]
//! A damaged recording gives back every record that was not touched, and tells the rest.

#[allow(dead_code)] // each target checks one of them
#[path = "../../protocol/tests/properties/invariants/mod.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|data: &[u8]| invariants::recording::check(data));
