//! `kymo doctor`, end to end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

mod common;

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Output};

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

/// The findings about one thing.
fn about<'r>(report: &'r Value, what: &str) -> Vec<&'r Value> {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().filter(|finding| finding["what"] == what).collect()
}

/// What people are told; it must fit a screen.
fn page(command: &mut Command) -> String {
    let output = output(command);
    let text = printed(&output).to_string();
    let longest = text.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(longest <= 80 && text.lines().count() <= 40, "{text}");
    assert!(!text.contains('\u{1b}'), "a pipe has no colours: {text:?}");
    text
}

#[test]
fn people_read_one_screen() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    let text = page(kymo(&["doctor", "--wait", "1", "--dir"]).arg(&scratch.0));
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with(concat!("kymo ", env!("CARGO_PKG_VERSION"), " on ")), "{text}");
    for title in ["daemon", "sensors of the daemon", "machine"] {
        assert!(lines.contains(&title), "{title}: {text}");
    }
    let line = |start: &str| lines.iter().find(|line| line.trim_start().starts_with(start));
    let kymod = concat!("ok  answers      kymod ", env!("CARGO_PKG_VERSION"), ", as this kymo,");
    assert!(line(kymod).is_some(), "{text}");
    assert!(line("ok  sockets      0600 in a directory 0700").is_some(), "{text}");
    assert!(line("ok  clients      0 of 256").is_some(), "{text}");
    // Nothing of the daemon is to be looked at; what a busy or an odd machine adds is its own.
    let last = lines.last().unwrap();
    let named = last.split_once(" to look at: ").map(|(_, names)| names).unwrap_or_default();
    let odd = ["cost", "clock", "descriptors", "service"];
    assert!(named.is_empty() || named.split(", ").all(|name| odd.contains(&name)), "{text}");
    assert!(!named.is_empty() || *last == "nothing to mend", "{text}");
    assert_eq!(last.contains("look at"), line("!!").is_some(), "{text}");
}

#[test]
fn nobody_there_is_one_screen_too() {
    let scratch = Scratch::new();
    let text = page(kymo(&["doctor", "--wait", "0", "--dir"]).arg(scratch.0.join("none")));
    assert!(text.contains("!!  answers      nobody"), "{text}");
    assert!(text.contains("-> `kymod` starts one"), "{text}");
    assert!(text.ends_with("\n1 thing to look at: answers\n"), "{text}");

    let mut command = kymo(&["doctor", "--wait", "1"]);
    let text = page(command.env("KYMO_DIR", scratch.0.join("none")).env("HOME", &scratch.0));
    assert!(text.contains("\nsensors, read by this process for want of a daemon\n"), "{text}");
    assert!(text.contains("--  looked in    ~/none: absent\n"), "{text}");
}

#[test]
fn a_socket_that_is_left_over_is_told_from_none() {
    let scratch = Scratch::new();
    fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o700)).unwrap();
    drop(UnixListener::bind(scratch.0.join("control.sock")).unwrap());
    let mut command = kymo(&["doctor", "--wait", "0", "--json", "--dir"]);
    let told = output(command.arg(&scratch.0));
    let report = &values(printed(&told).as_bytes())[0];
    assert_eq!(report["daemon"]["why"], "stale", "{report}");
    assert!(about(report, "answers")[0]["is"].as_str().unwrap().contains("left over"), "{report}");
    // The advice holds: kymod takes its place.
    let _daemon = kymod(&scratch.0, &[]);
    let text = page(kymo(&["doctor", "--wait", "0", "--dir"]).arg(&scratch.0));
    assert!(text.contains("ok  answers"), "{text}");
}

#[test]
fn doubtful_settings_are_found() {
    let scratch = Scratch::new();
    let config = scratch.0.join("kymo.toml");
    let text = "[sandbox]\nenabled = false\n[journal]\nenabled = false\n[limits]\nclients = 1\n\
        [[listener]]\npath = \"wide.sock\"\nformat = \"json\"\n";
    fs::write(&config, text).unwrap();
    let directory = scratch.0.join("k");
    let _daemon = kymod(&directory, &["--config", config.to_str().unwrap()]);
    for (name, mode) in [("json.sock", 0o666), ("", 0o777)] {
        let path = directory.join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let _watcher = {
        let mut watcher = UnixStream::connect(directory.join("json.sock")).unwrap();
        assert!(watcher.read(&mut [0; 64]).unwrap() > 0);
        watcher
    };
    let mut command = kymo(&["doctor", "--wait", "0", "--json", "--dir"]);
    let told = output(command.arg(&directory));
    let report = &values(printed(&told).as_bytes())[0];
    for (what, verdict) in [
        ("sandbox", "look"),
        ("journal", "told"),
        ("clients", "look"),
        ("sockets", "look"),
        ("directory", "look"),
        ("version", ""),
    ] {
        let found: Vec<&Value> = about(report, what).iter().map(|one| &one["verdict"]).collect();
        let expected: &[&str] = if verdict.is_empty() { &[] } else { &[verdict] };
        assert_eq!(found, expected, "{what}: {report}");
    }
    assert!(about(report, "clients")[0]["is"].as_str().unwrap().starts_with("1 of 1"), "{report}");
    for finding in report["findings"].as_array().unwrap() {
        assert!(finding["verdict"] != "look" || finding["do"].is_string(), "{finding}");
    }
}

#[test]
fn the_report_has_the_kernel_and_the_service() {
    let scratch = Scratch::new();
    let bin = scratch.0.join("bin");
    fs::create_dir(&bin).unwrap();
    let systemctl = bin.join("systemctl");
    let script = "#!/bin/sh\ncase \"$*\" in\n*is-active*) exit 3;;\nesac\n\
        printf 'ActiveState=failed\\nSubState=failed\\nMainPID=4711\\nUnitFileState=enabled\\n\
        FragmentPath=%s\\nResult=exit-code\\nExecMainStatus=78\\n' \"$HOME/kymod.service\"\n";
    fs::write(&systemctl, script).unwrap();
    fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = kymo(&["doctor", "--wait", "0", "--json", "--dir"]);
    command.arg(&scratch.0).env("HOME", &scratch.0);
    let told = output(command.env("PATH", format!("{}:/usr/bin:/bin", bin.display())));
    let text = printed(&told);
    let report = &values(text.as_bytes())[0];
    assert!(report["kernel"]["seccomp"].is_boolean(), "{report}");
    if cfg!(target_os = "linux") {
        assert_eq!(report["kernel"]["timer"], true);
        let service = &report["service"];
        assert_eq!(
            (&service["answers"], &service["file"]),
            (&true.into(), &"~/kymod.service".into())
        );
        let finding = about(report, "service")[0];
        assert_eq!(finding["verdict"], "look", "{finding}");
        assert!(finding["do"].as_str().unwrap().contains("journalctl"), "{finding}");
        assert!(!text.contains("4711"), "{text}");
    }
}

/// What Linux keeps in memory, and every distribution has.
const IN_MEMORY: &str = "/dev/shm";

#[test]
fn a_journal_in_memory_is_told() {
    if !cfg!(target_os = "linux") || !Path::new(IN_MEMORY).is_dir() {
        return;
    }
    let scratch = Scratch::new();
    let state = Scratch(Path::new(IN_MEMORY).join(scratch.0.file_name().unwrap()));
    let _daemon = kymod(&scratch.0, &["--state", state.0.to_str().unwrap()]);
    let text = page(kymo(&["doctor", "--wait", "0", "--dir"]).arg(&scratch.0));
    assert!(text.contains("--  journal      in memory"), "{text}");
}
