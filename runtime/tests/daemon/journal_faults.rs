//! The journal when its disk is full, damaged, or fails.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::geteuid;
use serde_json::{Value, json};

use crate::common::{Daemon, Scratch, Tracer, command_after, eventually, run, said};
use crate::journal::{
    SMALL, end, epoch, expect_events, resume, same, sequence, status, submit, submit_all,
};

const SETTING: Option<i32> = Some(78);

/// A small file system in memory, while this lives.
struct Mount(PathBuf);

impl Mount {
    /// `None`, with a word about it, for who may not mount.
    fn new(scratch: &Scratch, name: &str, options: &str) -> Option<Self> {
        let path = scratch.0.join(name);
        fs::create_dir(&path).unwrap();
        let place = path.to_str().unwrap();
        let mounted = geteuid().is_root()
            && Command::new("mount")
                .args(["-t", "tmpfs", "-o", options, "tmpfs", place])
                .status()
                .is_ok_and(|status| status.success());
        if !mounted {
            println!("skipped: no file system can be mounted here");
        }
        mounted.then_some(Self(path))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Starts kymod with its state in `state`, which must fail with this code and name that place.
fn refused(scratch: &Scratch, state: &Path, code: Option<i32>, why: &str) {
    let output = run(&scratch.0, &["--state", state.to_str().unwrap()]);
    let text = said(&output);
    assert_eq!(output.status.code(), code, "{text}");
    assert!(text.contains(state.to_str().unwrap()) && text.contains(why), "{text}");
    assert!(output.stdout.is_empty() && text.lines().count() == 1, "{text}");
    assert!(!scratch.0.join("json.sock").exists());
}

#[test]
fn a_place_that_can_not_be_used_is_named() {
    let scratch = Scratch::new();
    let file = PathBuf::from(scratch.write("file", ""));
    refused(&scratch, &file, SETTING, "not a directory");
    refused(&scratch, &file.join("state"), Some(1), "Not a directory");
    let open = scratch.0.join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, PermissionsExt::from_mode(0o770)).unwrap();
    refused(&scratch, &open, SETTING, "writable");
    if let Some(mount) = Mount::new(&scratch, "read-only", "size=8m,mode=0700,ro") {
        refused(&scratch, &mount.0, Some(1), "Read-only");
        refused(&scratch, &mount.0.join("state"), Some(1), "Read-only");
    }
}

/// The bug it finds: directories made on the way to the journal, for everybody to enter.
#[test]
fn what_is_made_is_the_owners_alone() {
    for state in [None, Some("some/state")] {
        let scratch = Scratch::new();
        let directory = scratch.0.join("made/here");
        let state = state.map(|state| scratch.0.join(state));
        let mut command = command_after("umask 022", &["--dir"]);
        command.arg(&directory);
        if let Some(state) = &state {
            command.arg("--state").arg(state);
        }
        drop(Daemon::start_as(&directory, &mut command));
        let journal = state.unwrap_or_else(|| directory.join("journal"));
        for path in [directory.as_path(), directory.parent().unwrap(), &journal] {
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", path.display());
        }
    }
}

/// The bug it finds: a daemon that starts, and finds in the middle of a turn that the disk is full.
#[test]
fn a_full_disk_is_found_at_the_start() {
    let scratch = Scratch::new();
    let Some(mount) = Mount::new(&scratch, "full", "size=2m,mode=0700") else { return };
    refused(&scratch, &mount.0.join("state"), Some(1), "No space left");
    // With room for it, it does.
    let config = scratch.write("kymo.toml", SMALL);
    let state = mount.0.join("state");
    fs::remove_dir_all(&state).unwrap();
    let options = ["--config", config.as_str(), "--state", state.to_str().unwrap()];
    let daemon = Daemon::start_in(&scratch.0, &options);
    // From then on nothing of the disk is needed.
    let rest = vec![0; 4 << 20];
    assert!(fs::write(mount.0.join("rest"), rest).is_err());
    assert_eq!(submit_all(&daemon, 1..=3000), 3000);
    assert_eq!(status(&daemon)["commits_failed"], 0);
}

#[test]
fn a_state_directory_has_one_daemon() {
    let (scratch, other) = (Scratch::new(), Scratch::new());
    let state = scratch.0.join("state");
    let options = ["--state", state.to_str().unwrap()];
    let daemon = Daemon::start_in(&scratch.0, &options);
    assert_eq!(submit_all(&daemon, 1..=2), 2);
    let output = run(&other.0, &options);
    assert_eq!(output.status.code(), Some(75));
    let expected =
        format!("kymod: {} is served by process {} already\n", state.display(), daemon.pid());
    assert_eq!(said(&output), expected);
    assert_eq!(submit_all(&daemon, 3..=3), 3);
}

/// Where in a directory's segments the frame of an event lies whose data is this number.
fn find(journal: &Path, number: u64) -> (PathBuf, u64) {
    let data = format!("t{number}\0");
    for entry in fs::read_dir(journal).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let is_segment = path.extension().is_some_and(|extension| extension == "kymo");
        let place = bytes.windows(data.len()).position(|window| window == data.as_bytes());
        if let Some(place) = place.filter(|_| is_segment) {
            return (path, place as u64);
        }
    }
    panic!("number {number} is not there");
}

/// Turns over some bits.
fn flip(path: &Path, offset: u64) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 0x55], offset).unwrap();
}

/// Names of what was kept as evidence.
fn evidence(journal: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(journal).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "bad")).collect()
}

fn gap(first: u64, last: u64, reason: &str) -> Value {
    let count = last - first + 1;
    json!({
        "type": "gap", "stream": "events", "first": first, "last": last, "count": count,
        "reason": reason,
    })
}

/// The bug it finds: an event that comes back changed, or that takes others with it.
#[test]
fn damage_is_an_exact_gap() {
    for is_killed in [false, true] {
        let scratch = Scratch::new();
        let daemon = Daemon::start_in(&scratch.0, &[]);
        assert_eq!(submit_all(&daemon, 101..=130), 30);
        let first = epoch(&daemon);
        end(daemon, is_killed);
        let journal = scratch.0.join("journal");
        let (path, place) = find(&journal, 110);
        let before = fs::read(&path).unwrap();
        flip(&path, place);
        let damaged = fs::read(&path).unwrap();
        assert_ne!(before, damaged);
        for round in 0..2_u64 {
            let daemon = Daemon::start_in(&scratch.0, &[]);
            assert_eq!(epoch(&daemon), first, "its end is certain");
            let found = status(&daemon);
            assert_eq!(found["journal_epoch"], "continued");
            assert_eq!(found["journal_events_found"], 29 + round);
            assert_eq!(found["journal_events_missing"], 1);
            let told =
                "missing events: 1, damaged segments: 1, lost segments: 0; its epoch goes on";
            eventually(|| daemon.said().contains(told).then_some(())).unwrap();
            let (mut client, how) = resume(&daemon, &first, 5);
            assert_eq!(how, "tail");
            expect_events(&mut client, (6..=9).map(|sequence| (sequence, sequence + 100)));
            assert_eq!(client.line(), gap(10, 10, "damage"));
            expect_events(&mut client, (11..=30 + round).map(|n| (n, n + 100)));
            // Who stands in front of it is told so.
            assert_eq!(resume(&daemon, &first, 9).1, "gap");
            assert_eq!(submit_all(&daemon, 131 + round..=131 + round), 31 + round);
            end(daemon, is_killed);
            let kept = evidence(&journal);
            assert_eq!(kept.len(), 1, "{kept:?}");
            assert!(round > 0 || fs::read(&kept[0]).unwrap()[..4096] == damaged[..4096]);
        }
    }
}

/// The bug it finds: an epoch that goes on although its end may be lost, so that a sequence stands
/// for two events.
#[test]
fn a_lost_header_begins_an_epoch() {
    for is_killed in [false, true] {
        let scratch = Scratch::new();
        let daemon = Daemon::start_in(&scratch.0, &[]);
        assert_eq!(submit_all(&daemon, 1..=30), 30);
        let first = epoch(&daemon);
        end(daemon, is_killed);
        let path = scratch.0.join("journal/segment-00.kymo");
        File::options().write(true).open(&path).unwrap().write_all_at(&[7; 4096], 0).unwrap();
        let damaged = fs::read(&path).unwrap();
        let daemon = Daemon::start_in(&scratch.0, &[]);
        assert_ne!(epoch(&daemon), first);
        assert_eq!(resume(&daemon, &first, 30).1, "fresh");
        submit_all(&daemon, 1..=1);
        let second = epoch(&daemon);
        end(daemon, true);
        let kept = evidence(&scratch.0.join("journal"));
        assert!(kept.iter().any(|path| fs::read(path).unwrap() == damaged), "{kept:?}");
        let daemon = Daemon::start_in(&scratch.0, &[]);
        assert_eq!(epoch(&daemon), second);
    }
}

/// Makes writes to the journal fail, and work again.
trait Breaker {
    fn fail(&mut self, daemon: &Daemon);
    fn mend(&mut self, daemon: &Daemon);
}

/// The limit on the sizes of files, which holds for writes in their midst as well.
struct Limit;

fn limit(daemon: &Daemon, size: &str) {
    let pid = daemon.pid().to_string();
    let status = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={size}")]).status();
    assert!(status.unwrap().success());
}

impl Breaker for Limit {
    fn fail(&mut self, daemon: &Daemon) {
        limit(daemon, "0:");
    }

    fn mend(&mut self, daemon: &Daemon) {
        limit(daemon, "unlimited:");
    }
}

/// An error of the disk.
struct Inject(Option<Tracer>);

impl Breaker for Inject {
    fn fail(&mut self, daemon: &Daemon) {
        let options = ["-e", "trace=pwrite64", "-e", "inject=pwrite64:error=EIO"];
        self.0 = Tracer::attach(daemon, &options);
    }

    fn mend(&mut self, _: &Daemon) {
        drop(self.0.take());
    }
}

/// The bug it finds: an event that is acknowledged and not there, or refused and there; a daemon
/// that ends, or whose vitals stop, because of its disk.
fn survives(mut breaker: impl Breaker) {
    let scratch = Scratch::new();
    let daemon = Daemon::start_in(&scratch.0, &[]);
    assert_eq!(submit_all(&daemon, 1..=10), 10);
    let first = epoch(&daemon);
    let (mut live, how) = resume(&daemon, &first, 5);
    assert_eq!(how, "tail");
    expect_events(&mut live, same(6..=10));
    let mut vitals = daemon.json("json.sock");
    vitals.expect("welcome");
    breaker.fail(&daemon);
    let mut control = daemon.json("control.sock");
    let key = |number: u64| format!("\"key\":{{\"client\":\"c\",\"number\":{number}}},");
    for number in 11..=14 {
        let reply = submit(&mut control, number, &key(number));
        assert_eq!(reply["code"], "journal_failed", "{reply}");
    }
    let reply = control.say("{\"action\":\"toggle\"}\n").line();
    assert_eq!(reply["code"], "journal_failed", "{reply}");
    let failed = status(&daemon)["commits_failed"].as_u64().unwrap();
    assert_eq!((failed, &status(&daemon)["state"]), (5, &"idle".into()));
    assert_eq!(status(&daemon)["journal_is_failing"], true);
    // Once, however many met it.
    let told = || daemon.said().matches("the journal can't be written: ").count();
    eventually(|| (told() > 0).then_some(())).unwrap();
    assert_eq!(told(), 1);
    assert!(!daemon.said().contains("written again"));
    let before = status(&daemon)["frames_produced"].as_u64().unwrap();
    // Behind the snapshot and the vitals of before.
    while vitals.line()["seq"].as_u64().is_none_or(|sequence| sequence < before + 3) {}
    breaker.mend(&daemon);
    // The same keys again: none of them was used.
    let told: Vec<u64> =
        (11..=14).map(|number| sequence(&submit(&mut control, number, &key(number)))).collect();
    let next = told[0];
    assert!(told.windows(2).all(|pair| pair[1] == pair[0] + 1), "{told:?}");
    let expect_rest = |client: &mut crate::common::Json| {
        if next > 11 {
            assert_eq!(client.line(), gap(11, next - 1, "unjournalled"));
        }
        expect_events(client, told.iter().copied().zip(11..=14));
    };
    expect_rest(&mut live);
    assert_eq!(status(&daemon)["commits_failed"], failed);
    assert_eq!(status(&daemon)["journal_is_failing"], false);
    eventually(|| daemon.said().contains("the journal is written again").then_some(())).unwrap();
    let mut daemon = daemon;
    for is_killed in [true, false] {
        end(daemon, is_killed);
        daemon = Daemon::start_in(&scratch.0, &[]);
        assert_eq!(epoch(&daemon), first);
        let (mut client, how) = resume(&daemon, &first, 5);
        assert_eq!(how, "tail");
        expect_events(&mut client, same(6..=10));
        expect_rest(&mut client);
        // Keys are kept with their events.
        let reply = submit(&mut daemon.json("control.sock"), 14, &key(14));
        assert_eq!(sequence(&reply), told[3]);
    }
}

#[test]
fn a_limit_that_writes_meet_is_survived() {
    survives(Limit);
}

#[test]
fn a_disk_that_fails_is_survived() {
    let daemon = Daemon::start(&[]);
    let Some(tracer) = Tracer::attach(&daemon, &["-e", "trace=pwrite64"]) else { return };
    drop((tracer, daemon));
    survives(Inject(None));
}

/// The bug it finds: replies in another order than their requests, of which some wait for the disk.
#[test]
fn a_sync_that_fails_is_told_in_order() {
    let daemon = Daemon::start(&[]);
    let mut control = daemon.json("control.sock");
    if submit(&mut control, 1, "\"ack\":\"synced\",")["status"] != "success" {
        println!("skipped: nothing is synced here");
        return;
    }
    let inject = ["-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:delay_enter=50000"];
    let Some(tracer) = Tracer::attach(&daemon, &inject) else { return };
    let request = |(id, ack): (u64, &str)| {
        let key = format!("{{\"client\":\"c\",\"number\":{id}}}");
        let event = "{\"topic\":\"t\"}";
        let id = format!("\"id\":{id},\"ack\":\"{ack}\",\"key\":{key}");
        format!("{{\"action\":\"submit\",{id},\"event\":{event}}}\n")
    };
    let acks = ["synced", "durable", "synced", "received"];
    let requests: String = (1..).zip(acks).map(request).collect();
    control.say(&requests);
    let replies: Vec<Value> = (0..4).map(|_| control.line()).collect();
    let told: Vec<_> = replies.iter().map(|reply| (&reply["id"], &reply["status"])).collect();
    let expected = ["error", "success", "error", "success"].map(Value::from);
    let ids = [1, 2, 3, 4].map(Value::from);
    assert_eq!(told, ids.iter().zip(&expected).collect::<Vec<_>>());
    assert_eq!(replies[0]["code"], "journal_failed");
    drop(tracer);
    // What was not synced never is, and nobody waits for it; it is in the journal all the same.
    let key = "\"key\":{\"client\":\"c\",\"number\":1},";
    let reply = submit(&mut control, 1, &format!("\"ack\":\"synced\",{key}"));
    assert_eq!(reply["code"], "journal_failed", "{reply}");
    assert_eq!(sequence(&submit(&mut control, 1, key)), 2);
    // A disk that works again is used again.
    let reply = submit(&mut control, 5, "\"ack\":\"synced\",");
    assert_eq!((sequence(&reply), &reply["ack"]), (6, &"synced".into()));
}

/// The bug it finds: events that are said to be durable and go into files that nobody finds again.
#[test]
fn a_journal_that_is_deleted_meanwhile_keeps_nothing_and_says_so() {
    let scratch = Scratch::new();
    let daemon = Daemon::start_in(&scratch.0, &[]);
    assert_eq!(submit_all(&daemon, 1..=3), 3);
    let journal = scratch.0.join("journal");
    for entry in fs::read_dir(&journal).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let reply = submit(&mut daemon.json("control.sock"), 4, "");
    assert_eq!(reply["code"], "journal_failed", "{reply}");
    let told = "deleted or cut off by somebody else";
    eventually(|| daemon.said().contains(told).then_some(())).unwrap();
}

/// The bug it finds: a history that is gone, and a start that calls itself the first.
#[test]
fn a_lost_segment_is_told() {
    let scratch = Scratch::new();
    let daemon = Daemon::start_in(&scratch.0, &[]);
    assert_eq!(submit_all(&daemon, 1..=3), 3);
    end(daemon, false);
    fs::remove_file(scratch.0.join("journal/segment-00.kymo")).unwrap();
    let daemon = Daemon::start_in(&scratch.0, &[]);
    assert_eq!(status(&daemon)["journal_segments_lost"], 1);
    eventually(|| daemon.said().contains("lost segments: 1").then_some(())).unwrap();
}
