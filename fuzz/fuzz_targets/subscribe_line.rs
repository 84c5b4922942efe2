#![no_main]
//! A subscribe line asks for what serde_json finds in it, and again when rewritten.

#[allow(dead_code)] // each target checks one of them
#[path = "../../protocol/tests/properties/invariants/mod.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|data: &[u8]| invariants::subscribe_line::check(data));
