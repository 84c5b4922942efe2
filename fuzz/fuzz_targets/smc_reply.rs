#![no_main]
//! Whatever a Mac's controller replies, sensors say a sane number or why there is none, within
//! bounded calls, and the same replies say the same.

#[path = "../../platform/tests/smc/reply.rs"]
mod reply;

libfuzzer_sys::fuzz_target!(|data: &[u8]| reply::check(data));
