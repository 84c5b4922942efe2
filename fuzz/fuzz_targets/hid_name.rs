#![no_main]
//! Sensors of any names have one class each, a label that can be printed and an identity that no
//! other has.

#[path = "../../platform/tests/common/hid_name.rs"]
mod hid_name;

libfuzzer_sys::fuzz_target!(|data: &[u8]| hid_name::check(data));
