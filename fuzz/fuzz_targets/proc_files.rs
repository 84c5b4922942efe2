#![no_main]
//! What is taken from a file of procfs is what a naive reader takes from it.

#[path = "../../platform/tests/fuzz/proc_files.rs"]
mod proc_files;

libfuzzer_sys::fuzz_target!(|data: &[u8]| proc_files::check(data));
