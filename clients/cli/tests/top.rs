//! `kymo top`, end to end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

mod common;

use std::fs;

use common::kymod::forgetful;
use common::{Scratch, kymo, output, said, values};

#[test]
fn processes_are_told_as_lines_and_without_what_a_terminal_would_act_on() {
    let scratch = Scratch::new();
    let folder = scratch.0.join("proc/7");
    fs::create_dir_all(&folder).unwrap();
    let text = "7 (\u{1b}]0;x\u{7}) R 1 1 1 0 -1 0 0 0 0 0 5 0 0 0 20 0 1 0 5 0 300 0\n";
    fs::write(folder.join("stat"), text).unwrap();
    let proc = scratch.0.join("proc").to_str().unwrap().to_string();
    let _daemon = forgetful(&scratch, &["--proc", &proc, "--sys", &proc]);
    let top = |arguments: &[&str]| {
        let outcome = output(kymo(&["top", "--dir"]).arg(&scratch.0).args(arguments));
        assert_eq!(outcome.status.code(), Some(0), "{}", said(&outcome));
        outcome.stdout
    };
    let told = values(&top(&["--count", "2", "--rate", "2", "--json"]));
    assert_eq!(told.len(), 2);
    for line in &told {
        assert_eq!((&line["type"], &line["total"]), (&"processes".into(), &1.into()));
        assert_eq!(line["processes"][0]["name"], "?]0;x?");
        assert_eq!(line["processes"][0]["memory"], 300 * 4096);
    }
    assert!(told[0]["processes"][0]["cpu"].is_null() && told[1]["processes"][0]["cpu"] == 0.0);
    let watched =
        output(kymo(&["watch", "--streams", "processes", "--count", "1", "--dir"]).arg(&scratch.0));
    assert_eq!(values(&watched.stdout)[0]["type"], "processes");
}

#[test]
fn without_a_daemon_it_looks_itself() {
    let outcome = output(&mut kymo(&["top", "--count", "1"]));
    assert!(said(&outcome).contains("no daemon found"), "{}", said(&outcome));
    let told = values(&outcome.stdout);
    assert!(told[0]["total"].as_u64().unwrap() > 1, "{told:?}");
}
