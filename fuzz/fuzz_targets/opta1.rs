#![no_main]
//! A version-1 message that decodes is what writing its fields again gives.

#[allow(dead_code)] // each target checks one of them
#[path = "../../protocol/tests/properties/invariants/mod.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|data: &[u8]| invariants::opta1::check(data));
