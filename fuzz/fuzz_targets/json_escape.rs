#![no_main]
//! A written string is read back as it was.

#[allow(dead_code)] // each target checks one of them
#[path = "../../protocol/tests/properties/invariants/mod.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|data: &[u8]| invariants::json_escape::check(data));
