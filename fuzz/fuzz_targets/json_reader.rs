#![no_main]
//! The reader accepts what serde_json accepts, and reads the same value.

#[allow(dead_code)] // each target checks one of them
#[path = "../../protocol/tests/properties/invariants/mod.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|data: &[u8]| invariants::json_reader::check(data));
