#![no_main]
//! Subscribers of a hub get every event in order, or are told which they will not get.

#[allow(dead_code)] // the hub's tests use the rest of it
#[path = "../../runtime/tests/fuzz/oracle.rs"]
mod oracle;
#[allow(dead_code)] // the hub's tests use the rest of it
#[path = "../../runtime/tests/hub/rig.rs"]
mod rig;
#[path = "../../runtime/tests/fuzz/session_ops.rs"]
mod session_ops;

libfuzzer_sys::fuzz_target!(|data: &[u8]| session_ops::check(data));
