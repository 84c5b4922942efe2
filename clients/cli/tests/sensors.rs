//! `kymo sensors` and `kymo watch --sensors`, end to end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixListener;
use std::process::Output;
use std::time::{Duration, Instant};

use common::kymod::forgetful;
use common::{PATIENCE, Process, Scratch, kymo, output, said, values};
use kymo_protocol::welcome::WelcomeFixed;
use kymo_protocol::{
    Body, CatalogPart, CatalogWriter, ErrorCode, ErrorReport, Frame, Group, Hello, METRICS,
    Payload, Position, Pushed, Resume, Samples, SamplesOf, SensorFields, Stamp, State, Subscribe,
    Subscribed, Welcome, emit,
};
use nix::sys::signal::Signal;
use serde_json::Value;

const STAMP: Stamp = Stamp { boot_ns: 1_000_000_000 };

/// Runs `kymo` in `scratch`'s directory to its end.
fn run(scratch: &Scratch, arguments: &[&str]) -> Output {
    output(kymo(arguments).arg("--dir").arg(&scratch.0))
}

fn printed(output: &Output) -> &str {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    assert_eq!(said(output), "");
    str::from_utf8(&output.stdout).unwrap()
}

/// The sensors of `kymo sensors --json`.
fn sensors(output: &Output) -> Vec<Value> {
    let value: Value = serde_json::from_str(printed(output)).unwrap();
    assert_eq!((&value["type"], &value["omitted"]), (&"sensors".into(), &0.into()));
    assert!(value["timestamp"].as_f64().unwrap() > 1.6e9);
    value["sensors"].as_array().unwrap().clone()
}

#[test]
fn every_sensor_has_a_value_or_a_reason() {
    let scratch = Scratch::new();
    let _daemon = forgetful(&scratch, &[]);
    let all = sensors(&run(&scratch, &["sensors", "--json"]));
    for sensor in &all {
        let has_value = matches!(sensor["state"].as_str().unwrap(), "ok" | "held");
        assert_eq!(sensor["value"].is_number(), has_value, "{sensor}");
        assert_eq!(sensor["age_ms"].is_number(), has_value, "{sensor}");
        assert_eq!(sensor.as_object().unwrap().len(), 13, "{sensor}");
    }
    // It takes two readings, and was waited for.
    let busy = all.iter().find(|sensor| sensor["name"] == "system.cpu.utilization").unwrap();
    assert_eq!(busy["state"], "ok", "{busy}");
    let total = all.iter().find(|sensor| sensor["identity"] == "memory/total").unwrap();
    assert!(total["value"].as_f64().unwrap() > 1e6, "{total}");
    assert_eq!(total["unit"], "By");

    let text = run(&scratch, &["sensors"]);
    let text = printed(&text);
    assert!(text.contains("\ncpu\n  ") && text.contains("\nmemory\n  "), "{text}");
    let line = text.lines().find(|line| line.trim_start().starts_with("total ")).unwrap();
    assert!(line.contains("iB  ok ") && line.ends_with("  cheap"), "{line}");
    assert!(!text.contains("memory/total") && !text.contains('{'), "{text}");
    let long = run(&scratch, &["sensors", "--long"]);
    assert!(printed(&long).contains("  system.memory.limit  "), "{long:?}");
}

#[test]
fn groups_are_chosen_by_patterns() {
    let scratch = Scratch::new();
    let _daemon = forgetful(&scratch, &[]);
    let some = sensors(&run(&scratch, &["sensors", "--json", "--groups", "mem*"]));
    assert!(some.iter().all(|sensor| sensor["group"] == "memory"), "{some:?}");
    assert!(!some.is_empty());
    let both = sensors(&run(&scratch, &["sensors", "--json", "--groups", "memory", "cpu"]));
    let groups: std::collections::BTreeSet<&str> =
        both.iter().map(|sensor| sensor["group"].as_str().unwrap()).collect();
    assert!(groups.iter().eq(&["cpu", "memory"]), "{groups:?}");
}

#[test]
fn the_vitals_are_still_to_be_had() {
    let scratch = Scratch::new();
    let _daemon = forgetful(&scratch, &[]);
    let text = run(&scratch, &["sensors", "--vitals"]);
    assert!(printed(&text).contains("memory_total"), "{text:?}");
    let json = run(&scratch, &["sensors", "--vitals", "--json"]);
    assert_eq!(values(printed(&json).as_bytes())[0]["status"], "success");
}

#[test]
fn exit_codes_tell_why_there_are_none() {
    let scratch = Scratch::new();
    let nobody = run(&scratch, &["sensors"]);
    assert_eq!(nobody.status.code(), Some(69));
    assert!(said(&nobody).starts_with("kymo: no daemon at "), "{}", said(&nobody));
    for (code, expected, exit) in [
        (ErrorCode::Denied, "kymo: denied at ", 77),
        (ErrorCode::NoStream, "kymo: the daemon says: \u{fffd} (no_stream)", 1),
    ] {
        let scratch = Scratch::new();
        let report = frame::<ErrorReport>(|report| report.set(code, "\u{9b}"));
        let server = impostor(&scratch, report, Duration::ZERO);
        let output = run(&scratch, &["sensors"]);
        server.join().unwrap();
        assert_eq!(output.status.code(), Some(exit), "{}", said(&output));
        assert!(said(&output).starts_with(expected), "{}", said(&output));
        assert!(output.stdout.is_empty());
    }
    // One that goes away before it has told anything.
    let scratch = Scratch::new();
    let server = impostor(&scratch, welcome(), Duration::ZERO);
    let output = run(&scratch, &["sensors"]);
    server.join().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).starts_with("kymo: lost the daemon: "), "{}", said(&output));
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let scratch = Scratch::new();
    let _daemon = forgetful(&scratch, &[]);
    let mut process = Process(kymo(&["sensors", "--dir"]).arg(&scratch.0).spawn().unwrap());
    drop(process.0.stdout.take());
    assert_eq!(process.wait().code(), Some(0));
    let mut text = String::new();
    process.0.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "");
}

fn frame<P: Payload>(fill: impl FnOnce(&mut P)) -> Vec<u8> {
    let mut bytes = vec![0; P::FRAME_SIZE];
    fill(emit::<P>(&mut bytes, Position::NONE, STAMP).unwrap().0);
    bytes
}

/// Welcome, and a subscription to samples that is granted.
fn welcome() -> Vec<u8> {
    let mut bytes = vec![0; 512];
    let size = Welcome::emit(&mut bytes, STAMP, &WelcomeFixed::default(), &[]).unwrap();
    bytes.truncate(size);
    let granted = frame::<Subscribed>(|granted| {
        granted.resume.set(Resume::Fresh as u16);
        granted.next[1].set(1);
    });
    [bytes, granted].concat()
}

/// Four sensors: one with a value and a harmful label, one that is root's, one that never comes,
/// one that sleeps; and 7 more that have no place.
fn strange() -> Vec<u8> {
    let harmful = "\u{202e}Tdie";
    let energy = METRICS.iter().find(|metric| metric.name == "hw.energy").unwrap();
    let fields = |id, group, label, identity| SensorFields {
        group,
        label,
        ..SensorFields::new(id, energy, identity)
    };
    let listed = [
        fields(1, Group::Hwmon, harmful, "hwmon/\u{2028}/1"),
        fields(2, Group::Power, "package-0", "powercap/0"),
        fields(3, Group::Gpu, "slow", "gpu/0/slow"),
        fields(4, Group::Hwmon, "sleeper", "hwmon/2"),
    ];
    let mut catalog = vec![0; 4096];
    let part = CatalogPart { topology: 1, total: 4, first: 0, omitted: 7 };
    let mut writer = CatalogWriter::new(&mut catalog, part).unwrap();
    for sensor in &listed {
        assert_eq!(writer.push_fields(sensor), Ok(Pushed::Taken));
    }
    let size = writer.finish(STAMP).unwrap();
    catalog.truncate(size);
    let told = [
        (Group::Hwmon, vec![(1, State::Ok), (4, State::Asleep)]),
        (Group::Power, vec![(2, State::Denied)]),
    ];
    let mut bytes = [welcome(), catalog].concat();
    for ((group, sensors), sequence) in told.into_iter().zip(1..) {
        let mut frame = vec![0; 1024];
        let of = SamplesOf { topology: 1, group, part: 1, parts: 1 };
        let (list, size) = Samples::emit(&mut frame, sequence, STAMP, of, sensors.len()).unwrap();
        for (sample, (id, state)) in list.iter_mut().zip(sensors) {
            sample.set(id, state, 0, 2500.0);
        }
        bytes.extend_from_slice(&frame[..size]);
    }
    bytes
}

/// A daemon that says this to one client, and hangs up a while after.
fn impostor(scratch: &Scratch, says: Vec<u8>, stays: Duration) -> std::thread::JoinHandle<Vec<u8>> {
    let listener = UnixListener::bind(scratch.0.join("stream.sock")).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut greeting = vec![0; 2048];
        let size = stream.read(&mut greeting).unwrap();
        stream.write_all(&says).unwrap();
        if !stays.is_zero() {
            // Until the client has gone.
            stream.set_read_timeout(Some(stays)).unwrap();
            let _ = stream.read(&mut [0; 1]);
        }
        greeting.truncate(size);
        greeting
    })
}

/// What a client asks for behind its hello.
fn subscription(greeting: &[u8]) -> &Subscribe {
    let frame = Frame::parse(&greeting[Hello::FRAME_SIZE..]).unwrap();
    let Body::Subscribe(subscribe) = frame.body else { panic!("kind") };
    subscribe
}

#[test]
fn what_does_not_come_is_pending_and_what_is_missing_is_told() {
    let scratch = Scratch::new();
    let server = impostor(&scratch, strange(), PATIENCE);
    let start = Instant::now();
    let output = run(&scratch, &["sensors", "--long", "--wait", "0.7"]);
    let took = start.elapsed();
    server.join().unwrap();
    let text = printed(&output);
    assert!(took >= Duration::from_millis(700) && took < PATIENCE / 2, "{took:?}");
    assert!(text.contains("\u{fffd}Tdie      2.50 kJ  ok "), "{text}");
    assert!(text.contains("hwmon/\u{fffd}/1\n"), "{text}");
    let harmless = |char: char| !char.is_control() || char == '\n';
    assert!(text.chars().all(|char| harmless(char) && char != '\u{202e}'), "{text:?}");
    let missing = text.split_once("\nmissing\n").unwrap().1;
    assert!(missing.starts_with("  no permission: power/package-0\n    "), "{missing}");
    assert!(missing.contains("CAP_DAC_READ_SEARCH") && missing.contains("udev"), "{missing}");
    assert!(missing.contains("  asleep: hwmon/sleeper\n"), "{missing}");
    assert!(missing.contains("  pending: gpu/slow\n    nothing came within 0.7 s;"), "{missing}");
    let end = "truncated: the daemon has no room for 7 more sensors\n\nno sensors of cpu, ";
    assert!(missing.contains(end) && !missing.contains(", gpu"), "{missing}");
}

#[test]
fn a_group_without_sensors_is_no_failure() {
    let scratch = Scratch::new();
    let server = impostor(&scratch, strange(), PATIENCE);
    let output = run(&scratch, &["sensors", "--groups", "disk"]);
    let greeting = server.join().unwrap();
    assert!(subscription(&greeting).groups().eq(["disk"]), "what is not asked for is not read");
    assert!(printed(&output).starts_with("no sensors\n\ntruncated: "), "{output:?}");
}

#[test]
fn groups_and_rate_are_asked_for() {
    let scratch = Scratch::new();
    let server = impostor(&scratch, strange(), PATIENCE);
    let arguments = ["watch", "--sensors", "T*", "--groups", "hw*", "--rate", "2", "--count", "1"];
    // A mark stands before the T of the only label that has one.
    let mut process = Process(kymo(&arguments).arg("--dir").arg(&scratch.0).spawn().unwrap());
    let mut errors = BufReader::new(process.0.stderr.take().unwrap());
    let mut text = String::new();
    errors.read_line(&mut text).unwrap();
    assert!(text.starts_with("kymo: no sensor is like that so far;"), "{text}");
    // The samples came with the catalog.
    process.signal(Signal::SIGTERM);
    process.wait();
    let greeting = server.join().unwrap();
    let subscribe = subscription(&greeting);
    assert_eq!((subscribe.fixed.rate_mhz.get(), subscribe.fixed.streams.get()), (2000, 0b10));
    assert!(subscribe.groups().eq(["hw*"]));
    text.clear();
    process.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "", "nothing else is shown");
}

#[test]
fn watched_sensors_are_lines() {
    let scratch = Scratch::new();
    let _daemon = forgetful(&scratch, &[]);
    let arguments = ["watch", "--sensors", "memory/total", "--sensors", "*utilization"];
    let output = run(&scratch, &[&arguments[..], &["--rate", "20", "--count", "12"]].concat());
    let lines = values(printed(&output).as_bytes());
    assert_eq!(lines.len(), 12);
    for line in &lines {
        assert_eq!(line["type"], "sensor");
        let is_wanted = line["identity"] == "memory/total"
            || line["name"].as_str().unwrap().ends_with("utilization");
        assert!(is_wanted && line["seq"].as_u64().unwrap() > 0, "{line}");
        assert!(line["timestamp"].as_f64().unwrap() > 1.6e9, "{line}");
    }
    assert!(lines.iter().any(|line| line["identity"] == "memory/total"));
    // Beside vitals.
    let arguments = ["watch", "--streams", "vitals,samples", "--sensors", "memory/total"];
    let output = run(&scratch, &[&arguments[..], &["--rate", "20", "--count", "9"]].concat());
    let lines = values(printed(&output).as_bytes());
    for kind in ["vitals", "sensor"] {
        assert!(lines.iter().any(|line| line["type"] == kind), "{kind}: {lines:?}");
    }
}

#[test]
fn without_a_daemon_sensors_are_read_in_this_process() {
    let scratch = Scratch::new();
    let arguments = ["watch", "--sensors", "memory/total", "--count", "2", "--rate", "50"];
    let output = output(kymo(&arguments).env("KYMO_DIR", &scratch.0));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(said(&output), "kymo: no daemon found; sampling in this process\n");
    let lines = values(&output.stdout);
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line["value"].as_f64().unwrap() > 1e6), "{lines:?}");
}

#[test]
fn a_daemon_that_starts_again_tells_its_catalog_again() {
    let scratch = Scratch::new();
    let mut daemon = forgetful(&scratch, &[]);
    let arguments = ["watch", "--sensors", "memory/total", "--rate", "20", "--count", "12"];
    let mut process = Process(kymo(&arguments).arg("--dir").arg(&scratch.0).spawn().unwrap());
    let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut seen: Vec<Value> =
        lines.by_ref().take(3).map(|line| serde_json::from_str(&line).unwrap()).collect();
    daemon.signal(Signal::SIGKILL);
    daemon.wait();
    let _again = forgetful(&scratch, &[]);
    seen.extend(lines.map(|line| serde_json::from_str::<Value>(&line).unwrap()));
    assert_eq!(process.wait().code(), Some(0));
    assert_eq!(seen.len(), 12);
    assert!(seen.iter().all(|line| line["identity"] == "memory/total"));
    let numbers: Vec<u64> = seen.iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    let starts = numbers.windows(2).filter(|pair| pair[1] <= pair[0]).count();
    assert_eq!(starts, 1, "another run begins anew: {numbers:?}");
    let mut text = String::new();
    process.0.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(text.contains("lost the daemon") && text.contains("connected to the daemon"), "{text}");
}
