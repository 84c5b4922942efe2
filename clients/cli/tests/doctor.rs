//! `kymo doctor`, end to end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

mod common;

use std::process::Output;

use common::kymod::kymod;
use common::{Scratch, kymo, output, said, values};
use serde_json::Value;

/// What it printed; it must end well, whatever it finds.
fn printed(output: &Output) -> &str {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    assert_eq!(said(output), "");
    str::from_utf8(&output.stdout).unwrap()
}

#[test]
fn a_daemon_is_described_and_nobody_named() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    let mut command = kymo(&["doctor", "--json", "--wait", "1", "--dir"]);
    let parent = scratch.0.parent().unwrap();
    let output = output(command.arg(&scratch.0).env("HOME", parent));
    let text = printed(&output);
    let report = &values(text.as_bytes())[0];
    assert_eq!(report["type"], "doctor");
    assert_eq!(report["kymo"], env!("CARGO_PKG_VERSION"));
    assert!(report["system"]["kernel"].as_str().unwrap().contains(' '), "{text}");
    assert!(report["clocks"]["awake_s"].as_u64().unwrap() > 0);
    assert!(report["clocks"]["monotonic_resolution_ns"].as_u64().unwrap() > 0);
    assert!(!report["limits"]["descriptors_soft"].is_null());
    assert!(report["limits"]["socket_path_bytes"].as_u64().unwrap() > 100);
    let place = &report["places"][0];
    assert_eq!(report["places"].as_array().unwrap().len(), 1);
    for socket in ["stream.sock", "json.sock", "control.sock"] {
        assert_eq!(place[socket], "socket 0600 own");
    }
    let below = format!("~/{}", scratch.0.file_name().unwrap().to_str().unwrap());
    assert_eq!(
        (&place["directory"], &report["daemon"]["directory"]),
        (&below.clone().into(), &below.into())
    );
    let daemon = &report["daemon"];
    assert_eq!((&daemon["answers"], &daemon["journal"]), (&true.into(), &true.into()));
    let sources = report["sources"].as_array().unwrap();
    assert_eq!(report["sensors"]["from"], "daemon");
    let groups = report["groups"].as_array().unwrap();
    if cfg!(target_os = "linux") {
        let read = |source: &Value| source["reads"].as_u64() > Some(0);
        assert!(sources.iter().any(read), "{text}");
        let cpu = groups.iter().find(|group| group["group"] == "cpu").unwrap();
        assert!(cpu["ok"].as_u64() > Some(0) && cpu["sensors"].as_u64() >= cpu["ok"].as_u64());
    }
    assert_eq!(daemon["subscribers"], 0, "it has let go");
    for secret in ["\"epoch\"", "\"run\"", "\"uid\"", "\"pid\"", parent.to_str().unwrap()] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[test]
fn no_daemon_is_a_finding() {
    let scratch = Scratch::new();
    let mut command = kymo(&["doctor", "--wait", "0", "--json", "--dir"]);
    let home = scratch.0.parent().unwrap();
    let asked = output(command.arg(&scratch.0).env("HOME", home));
    assert!(!printed(&asked).contains(home.to_str().unwrap()), "{}", printed(&asked));
    let report = &values(printed(&asked).as_bytes())[0];
    assert_eq!(report["daemon"]["answers"], false);
    assert!(report["daemon"]["error"].as_str().unwrap().contains("control.sock"), "{report}");
    assert!(report["sensors"]["error"].is_string(), "who names a daemon means that one");
    assert_eq!(report["places"][0]["json.sock"], "absent");

    let mut command = kymo(&["doctor", "--wait", "1", "--json"]);
    let found = output(command.env("KYMO_DIR", scratch.0.join("none")).env("HOME", &scratch.0));
    let report = &values(printed(&found).as_bytes())[0];
    assert_eq!(report["sensors"]["from"], "this process", "{report}");
    let places: Vec<&str> = report["places"]
        .as_array()
        .unwrap()
        .iter()
        .map(|place| place["directory"].as_str().unwrap())
        .collect();
    assert!(places[0] == "~/none" && places.contains(&"~/.cache/kymo/run"), "{places:?}");
}

#[test]
fn people_read_it_line_by_line() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    let output = output(kymo(&["doctor", "--wait", "1", "--dir"]).arg(&scratch.0));
    let text = printed(&output);
    let line = |key: &str| text.lines().find(|line| line.split_whitespace().next() == Some(key));
    for key in ["kymo", "system.kernel", "clocks.asleep_s", "daemon.answers", "sensors.from"] {
        assert!(line(key).is_some_and(|line| line.split_whitespace().count() > 1), "{key}: {text}");
    }
    assert!(
        ["\nplaces\n", "socket 0600 own", "\nsources\n", "\ngroups\n"]
            .map(|part| text.contains(part))
            == [true; 4],
        "{text}"
    );
}
