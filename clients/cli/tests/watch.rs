//! `kymo watch` without a terminal, end to end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Stdio;
use std::time::Instant;

use kymo_protocol::welcome::WelcomeFixed;
use kymo_protocol::{
    Body, ErrorCode, ErrorReport, Frame, Hello, Payload, Position, Resume, Stamp, StreamId,
    Subscribed, Vitals, Welcome, emit,
};

use common::kymod::kymod;
use common::{PATIENCE, Process, Scratch, kymo, output, said, values, watch};
use nix::sys::signal::Signal;

#[test]
fn lines_are_counted() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    let output = watch(&scratch.0, &["--rate", "100", "--count", "5"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(said(&output), "");
    let values = values(&output.stdout);
    assert_eq!(values.len(), 5);
    for (value, seq) in values.iter().zip(1..) {
        assert_eq!((&value["type"], &value["seq"]), (&"vitals".into(), &seq.into()));
    }
}

#[test]
fn without_a_daemon_it_samples_itself() {
    let scratch = Scratch::new();
    let mut command = kymo(&["watch", "--count", "3", "--rate", "50"]);
    let output = output(command.env("KYMO_DIR", &scratch.0));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(said(&output), "kymo: no daemon found; sampling in this process\n");
    let values = values(&output.stdout);
    assert_eq!(values.len(), 3);
    assert!(values.iter().all(|value| value["type"] == "vitals"));
    assert!(values[0]["memory_total"].as_u64().unwrap() > 0);
}

#[test]
fn where_a_daemon_was_asked_for_there_must_be_one() {
    let scratch = Scratch::new();
    let output = watch(&scratch.0, &["--count", "1"]);
    assert_eq!(output.status.code(), Some(69));
    let path = scratch.0.join("stream.sock");
    assert!(said(&output).starts_with(&format!("kymo: no daemon at {}: ", path.display())));
    assert!(output.stdout.is_empty());
    // A socket that nobody serves any more.
    drop(UnixListener::bind(&path).unwrap());
    assert_eq!(watch(&scratch.0, &[]).status.code(), Some(69));
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    // The second is closed while nothing is to be written for a long time.
    for (rate, lines) in [("1000", 3), ("0.1", 1)] {
        let mut command = kymo(&["watch", "--rate", rate, "--dir"]);
        let mut process = Process(command.arg(&scratch.0).spawn().unwrap());
        let mut output = BufReader::new(process.0.stdout.take().unwrap());
        for _ in 0..lines {
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            assert!(line.starts_with("{\"type\":\"vitals\""), "{line}");
        }
        drop(output);
        let start = Instant::now();
        assert_eq!(process.wait().code(), Some(0));
        assert!(start.elapsed().as_secs() < 5, "it waits for the next frame");
        let mut text = String::new();
        process.0.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "");
    }
}

#[test]
fn help_to_a_closed_pipe_is_no_failure() {
    let mut process = Process(kymo(&["--help"]).spawn().unwrap());
    drop(process.0.stdout.take());
    assert_eq!(process.wait().code(), Some(0));
    let output = output(&mut kymo(&["wacht"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("wacht") && said(&output).contains("--help"));
}

#[test]
fn a_full_disk_is_a_failure() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let Ok(full) = full else { return };
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    let mut command = kymo(&["watch", "--dir"]);
    let output = output(command.arg(&scratch.0).stdout(full));
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).starts_with("kymo: standard output: "), "{}", said(&output));
}

#[test]
fn a_daemon_that_goes_away_is_waited_for() {
    let scratch = Scratch::new();
    let mut daemon = kymod(&scratch.0, &[]);
    let mut command = kymo(&["watch", "--rate", "50", "--count", "40", "--dir"]);
    let mut process = Process(command.arg(&scratch.0).spawn().unwrap());
    let mut output = BufReader::new(process.0.stdout.take().unwrap());
    let mut lines = vec![String::new(); 10];
    for line in &mut lines {
        output.read_line(line).unwrap();
    }
    daemon.signal(Signal::SIGKILL);
    daemon.wait();
    let mut errors = BufReader::new(process.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    let lost = errors.next().unwrap();
    let place = scratch.0.display();
    assert!(lost.starts_with(&format!("kymo: lost the daemon in {place}: ")), "{lost}");
    let mut again = kymod(&scratch.0, &[]);
    assert_eq!(errors.next().unwrap(), format!("kymo: connected to the daemon in {place}"));
    let mut rest = String::new();
    // Once more, and this time with a word.
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    rest.push_str(&line);
    again.signal(Signal::SIGTERM);
    assert_eq!(again.wait().code(), Some(0));
    assert_eq!(errors.next().unwrap(), "kymo: the daemon says goodbye: shutdown");
    assert!(errors.next().unwrap().contains("lost the daemon"));
    let _daemon = kymod(&scratch.0, &[]);
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(process.wait().code(), Some(0));
    let values = values((lines.concat() + &rest).as_bytes());
    assert_eq!(values.len(), 40);
    let starts = values.iter().filter(|value| value["seq"] == 1).count();
    assert_eq!(starts, 3, "each run begins at 1, and nothing of it is lost");
}

#[test]
fn a_closed_pipe_ends_the_waiting_too() {
    let scratch = Scratch::new();
    let mut daemon = kymod(&scratch.0, &[]);
    let mut command = kymo(&["watch", "--dir"]);
    let mut process = Process(command.arg(&scratch.0).spawn().unwrap());
    let mut line = String::new();
    let mut output = BufReader::new(process.0.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    daemon.signal(Signal::SIGKILL);
    daemon.wait();
    let mut errors = BufReader::new(process.0.stderr.take().unwrap()).lines();
    assert!(errors.next().unwrap().unwrap().contains("waiting for it"));
    drop(output);
    assert_eq!(process.wait().code(), Some(0));
}

#[test]
fn an_error_line_is_a_failure() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &["--clients", "1"]);
    let mut first = BufReader::new(UnixStream::connect(scratch.0.join("json.sock")).unwrap());
    first.read_line(&mut String::new()).unwrap();
    let output = watch(&scratch.0, &["--count", "1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).starts_with("kymo: the daemon says: "), "{}", said(&output));
    assert!(said(&output).ends_with("(full)\n"), "{}", said(&output));
    drop(first);

    let scratch = Scratch::new();
    let daemon = impostor(&scratch, vec![error(ErrorCode::NoStream, "no\u{1b}[2J")]);
    let output = watch(&scratch.0, &[]);
    daemon.join().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(said(&output), "kymo: the daemon says: no\u{fffd}[2J (no_stream)\n");

    let scratch = Scratch::new();
    let daemon = impostor(&scratch, vec![error(ErrorCode::Denied, "not yours")]);
    let output = watch(&scratch.0, &[]);
    daemon.join().unwrap();
    assert_eq!(output.status.code(), Some(77));
    let place = scratch.0.join("stream.sock");
    assert_eq!(said(&output), format!("kymo: denied at {}: not yours\n", place.display()));
}

fn frame<P: Payload>(at: Position, fill: impl FnOnce(&mut P)) -> Vec<u8> {
    let mut bytes = vec![0; P::FRAME_SIZE];
    fill(emit::<P>(&mut bytes, at, Stamp { boot_ns: 1 }).unwrap().0);
    bytes
}

fn error(code: ErrorCode, text: &str) -> Vec<u8> {
    frame::<ErrorReport>(Position::NONE, |report| report.set(code, text))
}

/// A daemon that answers with `answers`, one to each connection, and hangs up.
fn impostor(scratch: &Scratch, answers: Vec<Vec<u8>>) -> std::thread::JoinHandle<()> {
    let listener = UnixListener::bind(scratch.0.join("stream.sock")).unwrap();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            // Hello and subscribe come in one send.
            let mut request = [0; 2048];
            let size = stream.read(&mut request).unwrap();
            let hello = Frame::parse(&request[..Hello::FRAME_SIZE]).unwrap();
            assert!(matches!(hello.body, Body::Hello(hello) if hello.name() == "kymo watch"));
            assert!(Frame::parse(&request[Hello::FRAME_SIZE..size]).is_ok());
            stream.write_all(&answer).unwrap();
        }
    })
}

#[test]
fn what_is_no_frame_is_not_printed() {
    let scratch = Scratch::new();
    let mut welcome = vec![0; 512];
    let stamp = Stamp { boot_ns: 1 };
    let size = Welcome::emit(&mut welcome, stamp, &WelcomeFixed::default(), &[]).unwrap();
    welcome.truncate(size);
    let granted = frame::<Subscribed>(Position::NONE, |granted| {
        granted.resume.set(Resume::Fresh as u16);
        granted.next[0].set(9);
    });
    let at = Position { stream: StreamId::VITALS, sequence: 9 };
    let vitals = frame::<Vitals>(at, |_| {});
    let good = [welcome.clone(), granted.clone(), vitals.clone()].concat();
    let cut = [welcome, granted, vitals[..200].to_vec()].concat();
    let nonsense = b"\x1b[2J nonsense".to_vec();
    let daemon = impostor(&scratch, vec![nonsense, cut, good]);
    let output = watch(&scratch.0, &["--count", "1"]);
    daemon.join().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let values = values(&output.stdout);
    assert_eq!((values.len(), &values[0]["seq"]), (1, &9.into()));
    assert!(said(&output).contains("no frame starts here"), "{}", said(&output));
    assert!(said(&output).contains("lost the daemon"), "{}", said(&output));
    assert!(!said(&output).contains('\u{1b}'));
}

#[test]
fn standard_input_is_left_alone() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    let mut command = kymo(&["watch", "--count", "1", "--dir"]);
    let mut process = Process(command.arg(&scratch.0).stdin(Stdio::piped()).spawn().unwrap());
    assert_eq!(process.wait().code(), Some(0));
}
