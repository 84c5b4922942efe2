#![no_main]
//! A frame that parses is what writing its fields again gives; its line is JSON.

#[allow(dead_code)] // each target checks one of them
#[path = "../../protocol/tests/properties/invariants/mod.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|data: &[u8]| invariants::frame_parse::check(data));
