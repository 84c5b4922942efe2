//! kymo in the loops of others.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]

#[path = "../../runtime/tests/common/example.rs"]
mod example;

use example::{number_after, run};

#[test]
fn in_tokio() {
    let text = run("in_tokio", &[]);
    assert_eq!(text, "20 frames and four quarters\nstopped\n");
}

#[test]
fn in_calloop() {
    let text = run("in_calloop", &[]);
    let frames = number_after(&text, "");
    let readable = number_after(&text, "readable ");
    assert!(frames > 19.5 && number_after(&text, "frames and ") > 3.5, "{text}");
    // Once a tick or so, and neither never nor always.
    assert!(readable > 9.5 && readable < 10.0 * frames, "{text}");
}
