#![no_main]
//! Any split of a stream into reads finds the frames of the whole stream.

#[allow(dead_code)] // each target checks one of them
#[path = "../../protocol/tests/properties/invariants/mod.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|data: &[u8]| invariants::decoder_split::check(data));
