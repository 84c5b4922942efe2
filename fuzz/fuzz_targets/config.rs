#![no_main]
//! A file of settings is refused at a place that it has, or says the same when it is read again.

#[path = "../../runtime/tests/fuzz/config.rs"]
mod config;

libfuzzer_sys::fuzz_target!(|data: &[u8]| config::check(data));
