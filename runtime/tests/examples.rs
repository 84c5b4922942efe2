//! The examples do what they say.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]

#[path = "common/example.rs"]
mod example;

use example::{number_after, run};

#[test]
fn own_thread() {
    let text = run("own_thread", &[]);
    let memory = number_after(&text, "vitals 1: memory ");
    assert!(memory > 0.0 && memory < 100.0, "{text}");
    assert!(text.ends_with("stopped after 5 frames\n"), "{text}");
}

#[test]
fn own_loop() {
    let text = run("own_loop", &[]);
    assert!(text.contains("frames and the keys abc in "), "{text}");
    // Not more than the ticks, the keys and a few words of the hub's: it does not spin.
    let waits = number_after(&text, "abc in ");
    assert!((10.0..200.0).contains(&waits), "{text}");
}

#[test]
fn dashboard() {
    let text = run("dashboard", &[]);
    let sum = text.lines().last().unwrap();
    let sequence: f64 = sum.split(' ').next().unwrap().parse().unwrap();
    let parts = ["= ", "drawn + ", "over + "].map(|mark| number_after(sum, mark));
    assert!((parts.iter().sum::<f64>() - sequence).abs() < 0.5, "{sum}");
    assert!(parts[0] > 5.5 && parts[1] > 5.5 && parts[2] > 0.5, "{sum}");
}

#[test]
fn custom_sensor() {
    let text = run("custom_sensor", &[]);
    let expected = ["app.jobs.waiting in {job}", "None, absent", "Some(7.0), ok", "Some(14.0), ok"];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn application() {
    let text = run("application", &[]);
    for words in ["Hello world", "this is a test", "good bye"] {
        assert!(text.contains(&format!("transcription Text(Plain(\"{words}\"))")), "{text}");
    }
    let updates = u32::try_from(text.matches("metrics_update").count()).unwrap();
    // 300 calls in 150 ms and more, of which the first, the last and one each 100 ms are sent.
    assert!((2..50).contains(&updates), "{text}");
    let skipped = number_after(&text, "broadcast, ");
    assert!((skipped + f64::from(updates) - 300.0).abs() < 0.5, "{updates} and {text}");
    assert!(!text.contains("lost"), "{text}");
}

#[test]
fn publish_only() {
    let text = run("publish_only", &[]);
    assert_eq!(text, "welcomed: true\n101 published, 0 dropped, 101 heard\n");
}

/// The same to the last tick, however fast the machine is.
#[test]
fn sans_io() {
    let text = run("sans_io", &[]);
    assert!(text.starts_with("1200 vitals of ten minutes in "), "{text}");
    assert_eq!(text, run("sans_io", &[]));
}
