#![no_main]
//! Whatever stands in files of procfs and of control groups, every source conforms.

#[allow(dead_code)] // the platform's tests use the rest of it
#[path = "../../platform/tests/common/mod.rs"]
mod common;
#[path = "../../platform/tests/fuzz/proc_sources.rs"]
mod proc_sources;

libfuzzer_sys::fuzz_target!(|data: &[u8]| proc_sources::check(data));
