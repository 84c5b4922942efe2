//! `kymo get`, end to end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

mod common;

use std::fs;

use common::kymod::forgetful;
use common::{Scratch, kymo, output, said, values};

#[test]
fn values_come_once_and_what_is_missing_is_told_by_word_and_exit_code() {
    let scratch = Scratch::new();
    let proc = scratch.0.join("proc");
    fs::create_dir_all(&proc).unwrap();
    fs::write(proc.join("loadavg"), "0.25 1.50 3.00 1/42 7\n").unwrap();
    let proc = proc.to_str().unwrap().to_string();
    let _daemon = forgetful(&scratch, &["--proc", &proc, "--sys", &proc]);
    let get = |arguments: &[&str], code: i32| {
        let outcome = output(kymo(&["get", "--dir"]).arg(&scratch.0).args(arguments));
        assert_eq!(outcome.status.code(), Some(code), "{}", said(&outcome));
        outcome.stdout
    };
    assert_eq!(get(&["load"], 0), b"0.25 1.5 3.0\n");
    assert_eq!(get(&["temperature"], 1), b"absent\n");
    assert_eq!(
        get(&["load", "temperature"], 1),
        b"load         0.25 1.5 3.0\ntemperature  absent\n"
    );
    let told = values(&get(&["load", "temperature", "--json"], 1));
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["type"], &told[0]["load"][1]), (&"vitals".into(), &1.5.into()));
    assert!(told[0]["temperature"].is_null() && told[0].get("cpu_usage").is_none());
    assert_eq!(told[0]["validity"], serde_json::json!({"temperature": "absent"}));
    // All of them, and nobody named one that is not there.
    assert_eq!(String::from_utf8(get(&[], 0)).unwrap().lines().count(), 21);
}

#[test]
fn without_a_daemon_it_looks_itself_and_waits_for_a_share() {
    let outcome = output(&mut kymo(&["get", "cpu_usage"]));
    assert!(said(&outcome).contains("no daemon found"), "{}", said(&outcome));
    let usage: f64 = str::from_utf8(&outcome.stdout).unwrap().trim_end().parse().unwrap();
    assert!((0.0..=100.0).contains(&usage), "{usage}");
    let scratch = Scratch::new();
    let outcome = output(kymo(&["get", "--dir"]).arg(&scratch.0));
    assert_eq!(outcome.status.code(), Some(69), "{}", said(&outcome));
}
