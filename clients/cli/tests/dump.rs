//! `kymo dump` and `kymo record --last` with a real daemon.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::Value;

use common::kymod::kymod;
use common::{PATIENCE, Process, Scratch, kymo, output, said, values};

fn daemon(scratch: &Scratch, settings: &str) -> Process {
    let settings = scratch.write("kymo.toml", settings);
    kymod(&scratch.0, &["--config", &settings])
}

fn run(scratch: &Scratch, arguments: &[&str]) -> Output {
    output(kymo(arguments).arg("--dir").arg(&scratch.0))
}

/// Waits until the first recorder keeps so many seconds.
fn wait_for(scratch: &Scratch, seconds: f64) {
    let end = Instant::now() + PATIENCE;
    loop {
        let status = &values(&run(scratch, &["status", "--json"]).stdout)[0];
        if status["recorders"][0]["held_s"].as_f64() > Some(seconds) {
            return;
        }
        assert!(Instant::now() < end, "{status}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The vitals of a recording, which must be whole.
fn vitals(path: &Path) -> Vec<Value> {
    let mut replay = kymo(&["replay", "--json", "--speed", "max"]);
    let replayed = output(replay.arg(path));
    assert!(replayed.status.success(), "{}", said(&replayed));
    let mut lines = values(&replayed.stdout);
    lines.retain(|line| line["type"] == "vitals");
    lines
}

#[test]
fn the_last_seconds_are_had_afterwards() {
    let scratch = Scratch::new();
    let _kymod = daemon(&scratch, "[[recorder]]\nname = 'one'\n[[recorder]]\nname = 'two'");
    wait_for(&scratch, 1.5);
    let path = scratch.0.join("last.kymo");
    let file = path.to_str().unwrap();
    let done = run(&scratch, &["record", file, "--last", "1s", "--json"]);
    assert!(done.status.success(), "{}", said(&done));
    let told = &values(&done.stdout)[0];
    let lines = vitals(&path);
    assert_eq!(told["frames"].as_u64().map(|frames| frames >= lines.len() as u64), Some(true));
    assert!((10..=26).contains(&lines.len()), "{} frames in a second at 25 Hz", lines.len());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    // Times are those of the machine: the recording ends now, and began a second ago.
    let [first, .., last] = &lines[..] else { panic!() };
    let at = |line: &Value| line["timestamp"].as_f64().unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    assert!((0.0..10.0).contains(&(now - at(last))), "{now} {last}");
    assert!((0.3..=1.05).contains(&(at(last) - at(first))), "{first} {last}");
    // It is not written over, and not made longer than it is.
    let again = run(&scratch, &["record", file, "--last", "1s"]);
    assert!(said(&again).contains("is there already; --force"), "{}", said(&again));
    let forced = run(&scratch, &["record", file, "--force", "--last", "1h", "--recorder", "two"]);
    assert!(forced.status.success(), "{}", said(&forced));
    assert!(said(&forced).contains("the recorder held no more than"), "{}", said(&forced));
    assert!(vitals(&path).len() > lines.len());
}

#[test]
fn what_a_recorder_keeps_is_written_where_it_says() {
    let scratch = Scratch::new();
    let _kymod = daemon(&scratch, "[[recorder]]\nname = 'one'\nafter_s = 60");
    wait_for(&scratch, 0.3);
    let text = run(&scratch, &["dump"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.ends_with("; goes on for 60 s\n"), "{text}");
    let json = &values(&run(&scratch, &["dump", "one", "--json"]).stdout)[0];
    let file = json["file"].as_str().unwrap();
    assert!(text.starts_with(file), "the same file: {text} {json}");
    let cut_off = output(kymo(&["replay", "--json", "--speed", "max"]).arg(file));
    assert!(said(&cut_off).contains("no end"), "{}", said(&cut_off));
    assert!(!values(&cut_off.stdout).is_empty());
}

#[test]
fn what_can_not_be_had_is_said() {
    let scratch = Scratch::new();
    let kymod = daemon(&scratch, "rate_hz = 25");
    let path = scratch.0.join("x.kymo");
    let file = path.to_str().unwrap();
    for arguments in [&["dump"][..], &["record", file, "--last", "60s"]] {
        let refused = run(&scratch, arguments);
        assert_eq!(refused.status.code(), Some(1));
        assert!(said(&refused).contains("no [[recorder]] in its settings"), "{}", said(&refused));
    }
    drop(kymod);
    assert_eq!(run(&scratch, &["dump"]).status.code(), Some(69));
    assert!(!path.exists());
}
