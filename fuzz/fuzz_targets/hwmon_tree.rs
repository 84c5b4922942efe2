#![no_main]
//! Of any chips, every value is a sensor and says what a naive reader takes from its files.

#[allow(dead_code)] // the platform's tests use the rest of it
#[path = "../../platform/tests/common/mod.rs"]
mod common;
#[path = "../../platform/tests/fuzz/hwmon_tree.rs"]
mod hwmon_tree;

libfuzzer_sys::fuzz_target!(|data: &[u8]| hwmon_tree::check(data));
