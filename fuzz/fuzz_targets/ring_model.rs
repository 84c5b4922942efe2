#![no_main]
//! The ring keeps and gives what a map of its bytes says.

#[path = "../../runtime/tests/fuzz/ring_model.rs"]
mod ring_model;

libfuzzer_sys::fuzz_target!(|data: &[u8]| ring_model::check(data));
