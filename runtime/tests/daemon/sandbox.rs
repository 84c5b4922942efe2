//! What kymod gives up, as others see it. What the rules do to who breaks them is tried by
//! `platform/tests/sandbox.rs`, and that nothing is missed by every other test.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::common::{Daemon, Scratch, command_after, eventually};

/// The words behind `name` in the status of each thread.
fn threads(daemon: &Daemon, name: &str) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{}/task", daemon.pid())).unwrap();
    let statuses = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("status")));
    let word = |status: String| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
        line.unwrap().to_string()
    };
    statuses.map(|status| word(status.unwrap())).collect()
}

fn rate(daemon: &Daemon) -> Value {
    daemon.json("json.sock").admitted()["rate_hz"].clone()
}

fn reload(daemon: &Daemon) -> Value {
    daemon.owner().ask("{\"action\":\"reload\"}")
}

#[test]
fn all_threads_are_confined_and_the_status_says_so() {
    let daemon = Daemon::start(&[]);
    let calls = threads(&daemon, "Seccomp");
    assert!(calls.len() >= 2 && calls.iter().all(|mode| mode == "2"), "{calls:?}");
    assert!(threads(&daemon, "NoNewPrivs").iter().all(|flag| flag == "1"));
    let status = daemon.owner().act("status");
    assert_eq!(status["sandbox"]["seccomp"], true, "{status}");
    assert!(status["sandbox"].get("seccomp_missing").is_none(), "{status}");
    let landlock = status["sandbox"]["landlock"].as_u64().unwrap();
    // A kernel without it is named; neither is a guess.
    assert_eq!(landlock == 0, status["sandbox"].get("landlock_missing").is_some(), "{status}");
    let metrics = daemon.owner().act("metrics");
    let text = metrics["metrics"].as_str().unwrap();
    assert!(text.contains(&format!("\nkymo_sandbox_landlock {landlock}\n")), "{text}");
    assert!(text.contains("\nkymo_sandbox_seccomp 1\n"), "{text}");
}

#[test]
fn a_setting_leaves_it_away_and_the_status_says_so() {
    let scratch = Scratch::new();
    let path = scratch.write("kymo.toml", "[sandbox]\nenabled = false\n");
    let daemon = Daemon::start_in_scratch(scratch, &["--config", &path]);
    assert!(threads(&daemon, "Seccomp").iter().all(|mode| mode == "0"));
    let status = daemon.owner().act("status");
    let why = "switched off by sandbox.enabled";
    let expected = json!({
        "landlock": 0, "seccomp": false, "landlock_missing": why, "seccomp_missing": why,
    });
    assert_eq!(status["sandbox"], expected);
    fs::write(&path, "").unwrap();
    let refused = reload(&daemon);
    assert_eq!(refused["error"], "[sandbox] needs a restart");
}

#[test]
fn settings_are_read_from_their_folder_alone() {
    let scratch = Scratch::new();
    let folders = ["here", "there"].map(|name| scratch.0.join(name));
    folders.iter().for_each(|folder| fs::create_dir(folder).unwrap());
    let path = folders[0].join("kymo.toml");
    fs::write(&path, "rate_hz = 5").unwrap();
    let daemon = Daemon::start_in_scratch(scratch, &["--config", path.to_str().unwrap()]);
    assert_eq!(rate(&daemon), 5);
    // As editors and package managers do it.
    let next = folders[0].join("kymo.toml.new");
    fs::write(&next, "rate_hz = 6").unwrap();
    fs::rename(&next, &path).unwrap();
    assert_eq!(reload(&daemon)["status"], "success", "{}", daemon.said());
    assert_eq!(rate(&daemon), 6);
    let elsewhere = folders[1].join("kymo.toml");
    fs::write(&elsewhere, "rate_hz = 7").unwrap();
    fs::remove_file(&path).unwrap();
    symlink(&elsewhere, &path).unwrap();
    let landlock = daemon.owner().act("status")["sandbox"]["landlock"].as_u64();
    let answer = reload(&daemon);
    if landlock == Some(0) {
        return;
    }
    let error = answer["error"].as_str().unwrap();
    assert!(error.ends_with("Permission denied"), "{error}");
    assert_eq!(rate(&daemon), 6);
}

#[test]
fn sockets_outside_the_directory_are_removed_at_the_end() {
    let (scratch, elsewhere) = (Scratch::new(), Scratch::new());
    let socket = elsewhere.0.join("x.sock");
    let settings = format!("[[listener]]\npath = {socket:?}\nformat = 'json'\n");
    let path = scratch.write("kymo.toml", &settings);
    let mut daemon = Daemon::start_in(&scratch.0, &["--config", &path]);
    assert!(socket.exists());
    daemon.signal(Signal::SIGTERM);
    assert!(daemon.wait().success());
    assert!(!socket.exists());
    assert!(!scratch.0.join("json.sock").exists());
}

/// Landlock holds for threads that start later; the filter for those that are there.
#[test]
fn no_thread_has_rights_of_before() {
    if Command::new("strace").arg("-V").output().is_err() {
        return eprintln!("not run: no strace");
    }
    let scratch = Scratch::new();
    let (directory, trace) = (scratch.0.to_str().unwrap(), scratch.0.join("trace"));
    let calls = "trace=bind,clone,clone3,landlock_restrict_self,seccomp";
    // With -D the shell's process becomes kymod and not strace.
    let options = format!("-D -f -o {} -e {calls}", trace.display());
    let shell = format!("set -- {options} \"$0\" \"$@\"; exec strace \"$@\"");
    let mut command = command_after(&shell, &["--dir", directory]);
    let mut daemon = Daemon::start_as(&scratch.0, &mut command);
    let is_confined = daemon.owner().act("status")["sandbox"]["landlock"] != 0;
    daemon.signal(Signal::SIGTERM);
    assert!(daemon.wait().success());
    let whole = || fs::read_to_string(&trace).ok().filter(|text| text.contains("exited with 0"));
    let text = eventually(whole).unwrap();
    let name =
        |line: &str| Some(line.split_once(' ')?.1.trim_start().split_once('(')?.0.to_string());
    let mut found: Vec<_> = text.lines().filter_map(name).collect();
    found.dedup();
    let threads = if found.iter().any(|name| name == "clone") { "clone" } else { "clone3" };
    let mut expected = vec!["bind", "landlock_restrict_self", threads, "seccomp"];
    expected.retain(|name| is_confined || *name != "landlock_restrict_self");
    assert_eq!(found, expected, "{text}");
}
