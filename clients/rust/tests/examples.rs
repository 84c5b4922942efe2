//! The examples do what they say, with the real daemon.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

mod common;
#[path = "../../../runtime/tests/common/example.rs"]
mod example;

use common::Scratch;
use common::kymod::forgetful;
use example::run;

#[test]
fn subscribe_only() {
    let scratch = Scratch::new();
    let _daemon = forgetful(&scratch, &[]);
    let text = run("subscribe_only", &[scratch.0.to_str().unwrap()]);
    assert!(text.starts_with("connected at 25000 mHz\n"), "{text}");
    assert_eq!(text.matches("vitals ").count(), 10, "{text}");
    assert!(text.lines().last().unwrap().starts_with("token "), "{text}");
}
