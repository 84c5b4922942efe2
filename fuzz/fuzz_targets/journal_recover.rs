#![no_main]
//! A damaged journal gives back nothing that was not written, and tells what it lost.

#[allow(dead_code)] // the journal's tests use the rest of it
#[path = "../../runtime/tests/journal/rig.rs"]
mod rig;

#[path = "../../runtime/tests/journal/recover.rs"]
mod recover;

libfuzzer_sys::fuzz_target!(|data: &[u8]| recover::check(data));
