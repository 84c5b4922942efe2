//! `kymo record`, `kymo replay` and `kymo export` with a real daemon.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use kymo_protocol::Body;
use kymo_protocol::recording::{Content, Damage, Scanner, Step};
use nix::sys::signal::Signal;
use serde_json::Value;

use common::kymod::kymod;
use common::{Process, Scratch, kymo, output, said, values, watch};

/// `kymo record` into `name` of a scratch directory, which is the daemon's too.
fn record(scratch: &Scratch, name: &str, arguments: &[&str]) -> (PathBuf, Output) {
    let path = scratch.0.join(name);
    let mut command = kymo(&["record"]);
    command.arg(&path).arg("--dir").arg(&scratch.0).args(arguments);
    (path, output(&mut command))
}

/// What a program prints, which may be more than a pipe holds.
fn printed(command: &str, path: &Path, arguments: &[&str]) -> Output {
    let mut command = kymo(&[command]);
    command.arg(path).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn replay(path: &Path, arguments: &[&str]) -> Output {
    printed("replay", path, &[&["--json", "--speed", "max"], arguments].concat())
}

/// The sequences of a stream's lines.
fn sequences(values: &[Value], kind: &str) -> Vec<u64> {
    let of_kind = values.iter().filter(|value| value["type"] == kind);
    of_kind.filter_map(|value| value["seq"].as_u64()).collect()
}

/// The sequences of the vitals in a file, and what of it is damaged.
fn scanned(path: &Path) -> (Vec<u64>, Vec<Damage>) {
    let bytes = fs::read(path).unwrap();
    let (mut scanner, mut at) = (Scanner::default(), 0);
    let (mut frames, mut damages) = (Vec::new(), Vec::new());
    loop {
        let (taken, step) = scanner.step(&bytes[at..], true);
        at += taken;
        match step {
            Step::Record(record) => {
                if let Content::Frame(frame, _) = record.content
                    && let Body::Vitals(_) = frame.body
                {
                    frames.push(frame.header.sequence.get());
                }
            }
            Step::Damage(damage) => damages.push(damage),
            Step::More => panic!("that was all"),
            Step::End => return (frames, damages),
        }
    }
}

#[test]
fn what_came_is_shown_again_as_it_was() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    let event = ["submit", "--topic", "a.b", "--data", "7", "--dir"];
    let submitted = output(kymo(&event).arg(&scratch.0));
    assert_eq!(submitted.status.code(), Some(0), "{}", said(&submitted));
    let streams = ["--streams", "vitals,events,samples,processes", "--rate", "50"];
    let mut command = kymo(&["record"]);
    let path = scratch.0.join("a.kymo");
    command
        .arg(&path)
        .arg("--dir")
        .arg(&scratch.0)
        .args(streams)
        .args(["--for", "1500ms", "--json"]);
    let recorder = Process(command.spawn().unwrap());
    std::thread::sleep(Duration::from_millis(500));
    output(kymo(&event).arg(&scratch.0));
    let told = recorder.wait_with_output();
    assert_eq!((told.status.code(), said(&told)), (Some(0), ""));
    let told = &values(&told.stdout)[0];
    assert_eq!((&told["complete"], &told["missed"]), (&true.into(), &0.into()));
    assert_eq!(told["bytes"].as_u64(), fs::metadata(&path).ok().map(|file| file.len()));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(scanned(&path).1, [], "nothing is damaged");

    let replayed = replay(&path, &[]);
    assert_eq!((replayed.status.code(), said(&replayed)), (Some(0), ""));
    let shown = values(&replayed.stdout);
    let vitals = sequences(&shown, "vitals");
    assert!(vitals.len() > 50, "{}", vitals.len());
    assert!(vitals.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{vitals:?}");
    let events = shown.iter().filter(|value| value["topic"] == "a.b").count();
    assert_eq!(events, 1, "who asks for no past gets what comes");
    let sensors: Vec<_> = shown.iter().filter(|value| value["type"] == "sensor").collect();
    assert!(sensors.len() > 20 && sensors.iter().all(|sensor| sensor["identity"].is_string()));
    assert!(shown.iter().any(|value| value["type"] == "processes"));
    let times = shown.iter().filter(|value| value["type"] == "vitals");
    let times: Vec<f64> = times.map(|value| value["timestamp"].as_f64().unwrap()).collect();
    let span = times.last().unwrap() - times[0];
    assert!((1.0..2.0).contains(&span), "{span}");
}

#[test]
fn a_file_that_is_there_stays_and_an_interrupt_ends_well() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    scratch.write("a.kymo", "mine");
    let (path, refused) = record(&scratch, "a.kymo", &["--for", "1s"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("--force"), "{}", said(&refused));
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    for force in [&[][..], &["--force"]] {
        let (_, refused) = record(&scratch, "", force);
        assert_eq!(refused.status.code(), Some(1));
        assert!(said(&refused).contains("is a directory; "), "{}", said(&refused));
    }
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        // So that it is not the one of before that has frames.
        fs::write(&path, "mine").unwrap();
        let mut command = kymo(&["record", "--force", "--streams", "vitals", "--rate", "100"]);
        let process = Process(command.arg(&path).arg("--dir").arg(&scratch.0).spawn().unwrap());
        let start = Instant::now();
        while scanned(&path).0.len() < 20 {
            assert!(start.elapsed() < Duration::from_secs(20), "nothing is written");
            std::thread::sleep(Duration::from_millis(20));
        }
        process.signal(signal);
        let told = process.wait_with_output();
        assert_eq!((told.status.code(), said(&told)), (Some(0), ""));
        let replayed = replay(&path, &[]);
        assert_eq!((replayed.status.code(), said(&replayed)), (Some(0), ""));
    }
}

#[test]
fn what_a_killed_recorder_wrote_is_there_and_its_end_is_said_to_be_missing() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    let path = scratch.0.join("a.kymo");
    let mut command = kymo(&["record", "--streams", "vitals", "--rate", "100", "--dir"]);
    let mut process = Process(command.arg(&scratch.0).arg(&path).spawn().unwrap());
    std::thread::sleep(Duration::from_millis(2500));
    process.signal(Signal::SIGKILL);
    process.wait();
    let (vitals, damages) = scanned(&path);
    assert!(vitals.len() >= 100, "{}", vitals.len());
    assert_eq!(damages, [], "each write is whole records");
    let replayed = replay(&path, &[]);
    assert_eq!(replayed.status.code(), Some(1));
    assert!(said(&replayed).contains("has no end"), "{}", said(&replayed));
    assert_eq!(sequences(&values(&replayed.stdout), "vitals"), vitals);
}

#[test]
fn a_daemon_that_goes_away_is_waited_for_and_what_was_missed_is_named() {
    let scratch = Scratch::new();
    let mut daemon = kymod(&scratch.0, &[]);
    let path = scratch.0.join("a.kymo");
    let mut command =
        kymo(&["record", "--streams", "vitals", "--rate", "50", "--for", "6s", "--dir"]);
    let process = Process(command.arg(&scratch.0).arg(&path).spawn().unwrap());
    std::thread::sleep(Duration::from_millis(1000));
    daemon.signal(Signal::SIGKILL);
    daemon.wait();
    let _again = kymod(&scratch.0, &[]);
    let told = process.wait_with_output();
    assert_eq!(told.status.code(), Some(0));
    assert!(said(&told).contains("lost the daemon"), "{}", said(&told));
    let replayed = replay(&path, &[]);
    assert_eq!(replayed.status.code(), Some(0));
    assert!(said(&replayed).contains("the recorder lost the daemon"), "{}", said(&replayed));
    let shown = values(&replayed.stdout);
    let vitals = sequences(&shown, "vitals");
    assert_eq!(vitals.iter().filter(|sequence| **sequence == 1).count(), 2, "each run begins at 1");
    // The loss has a line between what was before and what was behind.
    let place = shown.iter().position(|value| value["type"] == "lost").unwrap();
    assert!(shown[place]["why"].as_str().is_some_and(|why| !why.is_empty()), "{}", shown[place]);
    let time = |value: &Value| value["timestamp"].as_f64().unwrap();
    let (before, lost) = (time(&shown[place - 1]), time(&shown[place]));
    assert!((before..before + 1.0).contains(&lost), "{before} {lost}");
    assert!(time(&shown[place + 1]) > lost && shown[place + 1]["seq"] == 1);
}

#[test]
fn a_full_file_is_said_and_left_whole() {
    let scratch = Scratch::new();
    let mut daemon = kymod(&scratch.0, &[]);
    let path = scratch.0.join("a.kymo");
    // As a disk that is full: the system refuses what lies beyond.
    let script = format!(
        "ulimit -f 64; exec {} record {} --dir {} --streams vitals --rate 1000 --for 20s --json",
        env!("CARGO_BIN_EXE_kymo"),
        path.display(),
        scratch.0.display()
    );
    let told = output(
        Command::new("bash").args(["-c", &script]).stdout(Stdio::piped()).stderr(Stdio::piped()),
    );
    assert_eq!(told.status.code(), Some(1));
    assert!(said(&told).contains("; safe in it are 0:00"), "{}", said(&told));
    let object = &values(&told.stdout)[0];
    let (vitals, damages) = scanned(&path);
    assert_eq!((object["complete"].clone(), damages), (false.into(), vec![]));
    assert_eq!(object["frames"].as_u64(), Some(vitals.len() as u64));
    assert!(fs::metadata(&path).unwrap().len() <= 64 * 1024 && vitals.len() > 100);
    assert_eq!(
        replay(&path, &[]).stdout.iter().filter(|byte| **byte == b'\n').count(),
        vitals.len()
    );
    // The daemon goes on.
    assert_eq!(watch(&scratch.0, &["--count", "1"]).status.code(), Some(0));
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn a_damaged_recording_says_what_is_lost_and_shows_the_rest() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    let arguments = ["--streams", "vitals", "--rate", "100", "--for", "1s"];
    let (path, _) = record(&scratch, "a.kymo", &arguments);
    let whole = fs::read(&path).unwrap();
    let all = scanned(&path).0;
    let mut damaged = whole.clone();
    // In the middle of one frame.
    let place = whole.len() / 2;
    damaged[place] ^= 4;
    fs::write(&path, &damaged).unwrap();
    let replayed = replay(&path, &[]);
    assert_eq!(replayed.status.code(), Some(1));
    let (_, damages) = scanned(&path);
    let [Damage { offset, bytes, records: Some(1) }] = damages[..] else { panic!("{damages:?}") };
    let lost = format!("kymo: lost: {bytes} bytes at {offset}, 1 record, between 0:00.");
    assert!(said(&replayed).starts_with(&lost), "{}", said(&replayed));
    assert!(said(&replayed).contains("is damaged: "), "{}", said(&replayed));
    assert_eq!(sequences(&values(&replayed.stdout), "vitals").len(), all.len() - 1);
    // Cut off in the middle of a record.
    fs::write(&path, &whole[..place]).unwrap();
    let replayed = replay(&path, &[]);
    assert_eq!(replayed.status.code(), Some(1));
    assert!(said(&replayed).contains("an unknown number of records, from 0:00."));
    let kept = sequences(&values(&replayed.stdout), "vitals");
    assert!(kept.len() > 20 && all.starts_with(&kept));
    // An export leaves out the same.
    let table = printed("export", &path, &["--csv", "--fields", "cpu_usage"]);
    assert_eq!(table.status.code(), Some(1));
    assert!(said(&table).contains("has no end"), "{}", said(&table));
    assert_eq!(table.stdout.split(|byte| *byte == b'\n').count(), kept.len() + 2);
    for nothing in [b"".as_slice(), b"nothing of the kind", &[0; 9000]] {
        fs::write(&path, nothing).unwrap();
        let replayed = replay(&path, &[]);
        assert_eq!(replayed.status.code(), Some(1));
        assert!(said(&replayed).ends_with("a.kymo is no recording\n"), "{}", said(&replayed));
    }
    let missing = replay(&scratch.0.join("b.kymo"), &[]);
    assert_eq!(missing.status.code(), Some(1));
}

#[test]
fn a_part_of_a_recording_is_shown_at_its_pace() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    let arguments = ["--rate", "20", "--for", "4s", "--groups", "memory"];
    let (path, _) = record(&scratch, "a.kymo", &arguments);
    let all = values(&replay(&path, &[]).stdout);
    let first = all.iter().find(|value| value["type"] == "vitals").unwrap();
    let begun = first["timestamp"].as_f64().unwrap();
    let part = replay(&path, &["--from", "2s", "--to", "3s"]);
    assert_eq!(part.status.code(), Some(0), "{}", said(&part));
    let part = values(&part.stdout);
    let vitals = sequences(&part, "vitals");
    assert!((17..=22).contains(&vitals.len()), "{vitals:?}");
    let times = part.iter().map(|value| value["timestamp"].as_f64().unwrap() - begun);
    assert!(times.clone().all(|at| (1.9..=3.1).contains(&at)), "{:?}", times.collect::<Vec<_>>());
    assert!(part.iter().any(|value| value["type"] == "sensor"), "the catalog was found");
    // Without an index all of it is read, and the same is shown.
    let whole = fs::read(&path).unwrap();
    let without = scratch.0.join("b.kymo");
    fs::write(&without, &whole[..whole.len() - 8]).unwrap();
    let scanned = replay(&without, &["--from", "2s", "--to", "3s"]);
    assert_eq!(scanned.status.code(), Some(0), "the end is not reached: {}", said(&scanned));
    assert_eq!(values(&scanned.stdout), part);
    // An index that leads elsewhere is not believed.
    let mut astray = whole.clone();
    let second = whole.len() / 8 / 2 * 8;
    astray[second..second + 8].fill(0xEE);
    fs::write(&without, &astray).unwrap();
    let beyond = replay(&without, &["--from", "3s"]);
    let of_whole = replay(&path, &["--from", "3s"]);
    assert_eq!(beyond.stdout, of_whole.stdout);
    // Behind its end is nothing, which is said.
    let length = said(&replay(&path, &["--from", "1h"])).to_owned();
    assert!(length.contains("a.kymo: it is 0:0"), "{length}");
    assert!(length.ends_with(" long, and --from lies behind its end\n"), "{length}");
    for (command, form) in [("replay", "--json"), ("export", "--csv"), ("export", "--svg")] {
        let nothing = printed(command, &path, &[form, "--from", "1h"]);
        assert_eq!((nothing.status.code(), nothing.stdout.len()), (Some(1), 0));
        assert_eq!(said(&nothing), length);
    }
    let unlike = replay(&path, &["--sensors", "nosuch"]);
    assert!(said(&unlike).contains("no sensor of the recording is like that"), "{}", said(&unlike));
    let start = Instant::now();
    let paced = printed("replay", &path, &["--json", "--from", "1s", "--to", "3s", "--speed", "4"]);
    let took = start.elapsed().as_secs_f64();
    assert!((0.4..2.0).contains(&took), "two seconds, four times as fast, took {took} s");
    assert!(sequences(&values(&paced.stdout), "vitals").len() > 30);
}

#[test]
fn a_recording_is_served_to_any_client() {
    let scratch = Scratch::new();
    let path = scratch.0.join("a.kymo");
    {
        let daemon = Scratch::new();
        let _daemon = kymod(&daemon.0, &[]);
        let mut command = kymo(&["record", "--rate", "20", "--for", "4s"]);
        command.arg(&path).arg("--dir").arg(&daemon.0);
        command.args(["--streams", "vitals,samples,processes", "--groups", "memory"]);
        assert_eq!(output(&mut command).status.code(), Some(0));
    }
    let recorded = values(&replay(&path, &[]).stdout);
    let totals = |values: &[Value], kind: &str, key: &str| -> Vec<String> {
        let of_kind = values.iter().filter(|value| value["type"] == kind);
        of_kind.map(|value| value[key].to_string()).collect()
    };
    let served = Scratch::new();
    let mut command = kymo(&["replay", "--from", "1s"]);
    command.arg(&path).arg("--serve").arg(&served.0);
    let process = Process(command.spawn().unwrap());
    let start = Instant::now();
    while !served.0.join("stream.sock").exists() {
        assert!(start.elapsed() < Duration::from_secs(20), "nothing is served");
        std::thread::sleep(Duration::from_millis(5));
    }
    let streams = ["--streams", "vitals,samples,processes", "--rate", "20", "--count", "60"];
    let watched = watch(&served.0, &streams);
    assert_eq!(watched.status.code(), Some(0), "{}", said(&watched));
    let watched = values(&watched.stdout);
    // Values that were recorded, of now.
    let known = totals(&recorded, "vitals", "memory_used");
    let shown = totals(&watched, "vitals", "memory_used");
    assert!(shown.len() > 1 && shown.iter().all(|used| known.contains(used)), "{shown:?}");
    let known = totals(&recorded, "sensor", "value");
    let shown = totals(&watched, "sensor", "value");
    assert!(shown.len() > 3 && shown.iter().all(|value| known.contains(value)), "{shown:?}");
    let last = recorded.iter().rev().find(|value| value["type"] == "vitals").unwrap();
    let is_later = |value: &Value| value["timestamp"].as_f64() > last["timestamp"].as_f64();
    assert!(watched.iter().all(is_later));
    let told = process.wait_with_output();
    assert_eq!(told.status.code(), Some(0), "{}", said(&told));
    assert!(said(&told).starts_with("kymo: serving "), "{}", said(&told));
    assert!(!served.0.join("stream.sock").exists());
}

#[test]
fn without_a_daemon_it_records_this_process() {
    let scratch = Scratch::new();
    let path = scratch.0.join("a.kymo");
    let run = |arguments: &[&str]| {
        let mut command = kymo(&["record", "--rate", "50", "--for", "1s", "--groups", "memory"]);
        output(command.arg(&path).args(arguments).env("KYMO_DIR", &scratch.0))
    };
    let asked = run(&["--streams", "events,samples"]);
    assert_eq!(asked.status.code(), Some(69), "it has no events");
    assert!(!path.exists(), "nothing is begun for nothing");
    let told = run(&[]);
    assert_eq!(told.status.code(), Some(0), "{}", said(&told));
    assert_eq!(said(&told), "kymo: no daemon found; sampling in this process\n");
    let values = values(&replay(&path, &[]).stdout);
    assert!(sequences(&values, "vitals").len() > 20);
    assert!(values.iter().any(|value| value["type"] == "sensor"));
}

#[test]
fn a_table_has_what_was_read_and_a_plot_is_xml() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    let (path, _) = record(&scratch, "a.kymo", &["--rate", "25", "--for", "2s"]);
    let recorded = values(&replay(&path, &[]).stdout);
    let vitals: Vec<&Value> = recorded.iter().filter(|value| value["type"] == "vitals").collect();
    let table = printed("export", &path, &["--csv", "--fields", "memory_used,load,power_watts"]);
    assert_eq!(table.status.code(), Some(0), "{}", said(&table));
    let text = String::from_utf8(table.stdout).unwrap();
    let mut rows = text.split("\r\n");
    let head = "timestamp,seconds,memory_used,load_1m,load_5m,load_15m,power_watts";
    assert_eq!(rows.next(), Some(head));
    let rows: Vec<&str> = rows.filter(|row| !row.is_empty()).collect();
    assert_eq!(rows.len(), vitals.len());
    for (row, value) in rows.iter().zip(&vitals) {
        let cells: Vec<&str> = row.split(',').collect();
        assert_eq!(cells.len(), 7, "{row}");
        assert_eq!(cells[2], value["memory_used"].to_string());
        assert_eq!(cells[0].parse::<f64>().unwrap(), value["timestamp"].as_f64().unwrap());
        assert_eq!(cells[6].is_empty(), value["power_watts"].is_null());
    }
    let sensors = printed("export", &path, &["--csv", "--sensors", "memory"]);
    let text = String::from_utf8(sensors.stdout).unwrap();
    assert!(text.starts_with("timestamp,seconds,memory/"), "{}", &text[..80]);
    let lines = printed("export", &path, &["--json", "--fields", "cpu_usage,power_watts"]);
    let lines = values(&lines.stdout);
    assert_eq!(lines.len(), vitals.len());
    assert_eq!(lines[0]["power_watts"], vitals[0]["power_watts"]);
    let plot = printed("export", &path, &["--svg"]);
    assert_eq!((plot.status.code(), said(&plot)), (Some(0), ""));
    let svg = String::from_utf8(plot.stdout).unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert!(svg.contains(">memory_usage</text>") && svg.matches("<path class=\"l c").count() > 4);
    let nothing = printed("export", &path, &["--csv", "--sensors", "warmth"]);
    assert_eq!(nothing.status.code(), Some(1));
}
