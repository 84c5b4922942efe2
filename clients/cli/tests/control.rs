//! The commands that ask, submit, and show events, end to end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Output, Stdio};

use common::kymod::forgetful;
use common::{PATIENCE, Process, Scratch, kymo, output, said, values};
use nix::sys::signal::Signal;

/// Runs `kymo` in `scratch`'s directory to its end.
fn run(scratch: &Scratch, arguments: &[&str]) -> Output {
    output(kymo(arguments).arg("--dir").arg(&scratch.0))
}

fn printed(output: &Output) -> &str {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    assert_eq!(said(output), "");
    str::from_utf8(&output.stdout).unwrap()
}

#[test]
fn questions_are_answered() {
    let scratch = Scratch::new();
    let mut daemon = forgetful(&scratch, &[]);
    let text = run(&scratch, &["status"]);
    let text = printed(&text);
    assert!(text.contains("\nstate ") && !text.contains('{'), "{text}");
    let json = run(&scratch, &["status", "--json"]);
    assert_eq!(values(printed(&json).as_bytes())[0]["status"], "success");
    let toggled = run(&scratch, &["toggle"]);
    assert_eq!(printed(&toggled), "Recording started, session 1\n");
    assert_eq!(printed(&run(&scratch, &["toggle"])), "Recording stopped, session 1\n");
    let pinged = run(&scratch, &["ping", "--count", "2"]);
    let lines: Vec<&str> = printed(&pinged).lines().collect();
    let place = scratch.0.display().to_string();
    assert!(lines[0].starts_with(&format!("{place} answered in ")), "{lines:?}");
    assert!(lines.len() == 3 && lines[2].starts_with("2 times: least "), "{lines:?}");
    // What the daemon can't do yet, or does: but never nothing.
    for action in ["metrics", "reload"] {
        let output = run(&scratch, &[action]);
        match output.status.code() {
            Some(0) => assert!(!output.stdout.is_empty(), "{action}"),
            code => {
                assert_eq!(code, Some(1), "{action}");
                let text = said(&output);
                assert!(text.starts_with("kymo: the daemon says: "), "{action}: {text}");
                assert!(text.ends_with(")\n"), "{action}: {text}");
            }
        }
    }
    run(&scratch, &["quit"]);
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn nobody_refused_and_denied_are_told_apart() {
    let scratch = Scratch::new();
    for command in [&["status"][..], &["ping"], &["submit", "--topic", "t"], &["toggle"]] {
        let output = run(&scratch, command);
        assert_eq!(output.status.code(), Some(69), "{command:?}: {}", said(&output));
        let path = scratch.0.join("control.sock");
        let expected = format!("kymo: no daemon at {}: ", path.display());
        assert!(said(&output).starts_with(&expected), "{}", said(&output));
    }
    // Events have to come from somewhere. (The system's daemon may be there.)
    if !Path::new("/run/kymo/stream.sock").exists() {
        let mut command = kymo(&["watch", "--streams", "events"]);
        assert_eq!(output(command.env("KYMO_DIR", &scratch.0)).status.code(), Some(69));
    }
    let _daemon = forgetful(&scratch, &[]);
    let output = run(&scratch, &["submit", "--topic", "t", "--ack", "synced"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).ends_with("(no_journal)\n"), "{}", said(&output));
    let output = run(&scratch, &["submit", "--type", "state_change", "--state", "sleepy"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("state") && said(&output).ends_with("(json)\n"));
    let output = run(&scratch, &["submit", "--topic", "t", "--data", "{"]);
    assert_eq!(output.status.code(), Some(2));

    let scratch = Scratch::new();
    let listener = UnixListener::bind(scratch.0.join("control.sock")).unwrap();
    let daemon = std::thread::spawn(move || {
        let line = b"{\"type\":\"error\",\"code\":\"denied\",\"error\":\"not yours\"}\n";
        for _ in 0..2 {
            listener.accept().unwrap().0.write_all(line).unwrap();
        }
    });
    for command in [&["status"][..], &["submit", "--topic", "t"]] {
        let output = run(&scratch, command);
        assert_eq!(output.status.code(), Some(77), "{}", said(&output));
    }
    daemon.join().unwrap();
}

#[test]
fn what_is_submitted_is_seen() {
    let scratch = Scratch::new();
    let _daemon = forgetful(&scratch, &[]);
    let mut watch = kymo(&["watch", "--streams", "events", "--count", "4", "--dir"]);
    let mut watch = Process(watch.arg(&scratch.0).spawn().unwrap());
    let mut seen = BufReader::new(watch.0.stdout.take().unwrap());
    let mut text = String::new();
    // The snapshot says that it is there.
    seen.read_line(&mut text).unwrap();
    let data = "{\"ok\": true}";
    let output = run(&scratch, &["submit", "--topic", "build.done", "--data", data]);
    assert_eq!(printed(&output), "event 1, received\n");
    assert_eq!(printed(&run(&scratch, &["submit", "--text", "Hello you"])), "event 2, received\n");
    let mut command = kymo(&["submit", "-", "--json", "--dir"]);
    let mut submit = Process(command.arg(&scratch.0).stdin(Stdio::piped()).spawn().unwrap());
    let event = b"{\"type\":\"notification\",\n \"hook_name\":\"h\",\"hook_data\":[1]}\n";
    submit.0.stdin.take().unwrap().write_all(event).unwrap();
    assert_eq!(submit.wait().code(), Some(0));
    let mut reply = String::new();
    submit.0.stdout.take().unwrap().read_to_string(&mut reply).unwrap();
    assert_eq!(values(reply.as_bytes())[0]["seq"], 3);
    seen.read_to_string(&mut text).unwrap();
    assert_eq!(watch.wait().code(), Some(0));
    let values = values(text.as_bytes());
    assert_eq!((&values[0]["state"], &values[0]["catchup"]), (&"idle".into(), &true.into()));
    assert_eq!(
        (&values[1]["topic"], &values[1]["data"]["ok"]),
        (&"build.done".into(), &true.into())
    );
    assert_eq!((&values[2]["text"], &values[2]["words"]), (&"Hello you".into(), &2.into()));
    assert_eq!(values[2]["timestamp"].as_str().map(str::len), Some(8), "the daemon fills it in");
    assert_eq!((&values[3]["hook_name"], &values[3]["hook_data"][0]), (&"h".into(), &1.into()));
}

#[test]
fn topics_choose() {
    let scratch = Scratch::new();
    let _daemon = forgetful(&scratch, &[]);
    let mut watch = kymo(&["watch", "--topic", "a.*", "--topic", "b", "--topic", "state_change"]);
    let mut watch = Process(watch.args(["--count", "3", "--dir"]).arg(&scratch.0).spawn().unwrap());
    let mut seen = BufReader::new(watch.0.stdout.take().unwrap());
    let mut text = String::new();
    seen.read_line(&mut text).unwrap();
    for topic in ["c", "a.1", "bb", "b"] {
        printed(&run(&scratch, &["submit", "--topic", topic]));
    }
    seen.read_to_string(&mut text).unwrap();
    let topics: Vec<String> =
        values(text.as_bytes())[1..].iter().map(|value| value["topic"].to_string()).collect();
    assert_eq!(topics, ["\"a.1\"", "\"b\""]);
    assert_eq!(watch.wait().code(), Some(0));
}

#[test]
fn a_file_remembers_what_was_seen() {
    let scratch = Scratch::new();
    let mut daemon = forgetful(&scratch, &[]);
    let file = scratch.0.join("seen");
    let watch =
        |count: &str, resume: &str| run(&scratch, &["watch", "--resume", resume, "--count", count]);
    let path = file.to_str().unwrap();
    // Without a place there is the snapshot, and then it remembers the present one.
    assert_eq!(values(printed(&watch("1", path)).as_bytes())[0]["type"], "state_change");
    for topic in ["a", "b", "c"] {
        printed(&run(&scratch, &["submit", "--topic", topic]));
    }
    let seqs = |output: &Output| -> Vec<u64> {
        let values = values(printed(output).as_bytes());
        values.iter().map(|value| value["seq"].as_u64().unwrap()).collect()
    };
    assert_eq!(seqs(&watch("2", path)), [1, 2]);
    assert_eq!(seqs(&watch("1", path)), [3]);
    let kept = fs::read_to_string(&file).unwrap();
    assert!(kept.ends_with(":3\n"), "{kept}");
    assert_eq!(
        fs::read_dir(&scratch.0)
            .unwrap()
            .filter(|entry| {
                entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("seen")
            })
            .count(),
        1,
        "nothing is left beside it"
    );
    // The same as a token.
    let token = kept.trim().replace(":3", ":1");
    assert_eq!(seqs(&watch("2", &token)), [2, 3]);
    // Another daemon does not know the place.
    daemon.signal(Signal::SIGKILL);
    daemon.wait();
    let _daemon = forgetful(&scratch, &[]);
    let output = watch("1", path);
    assert_eq!(output.status.code(), Some(0));
    let expected = format!("may be lost: the daemon does not know those behind {}", kept.trim());
    assert!(said(&output).contains(&expected), "{}", said(&output));
    fs::write(&file, "nonsense").unwrap();
    let output = watch("1", path);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("seen: a token is"), "{}", said(&output));
}

#[test]
fn a_loss_stands_where_the_events_would_have_stood() {
    let scratch = Scratch::new();
    let _daemon = forgetful(&scratch, &[]);
    let file = scratch.0.join("seen");
    let watch = |count: &str| {
        run(&scratch, &["watch", "--resume", file.to_str().unwrap(), "--count", count])
    };
    assert_eq!(values(printed(&watch("1")).as_bytes()).len(), 1);
    let text = "x".repeat(6000);
    for _ in 0..40 {
        printed(&run(&scratch, &["submit", "--topic", "t", "--text", &text]));
    }
    let output = watch("3");
    let values = values(printed(&output).as_bytes());
    let (gap, snapshot, event) = (&values[0], &values[1], &values[2]);
    assert_eq!((&gap["type"], &gap["first"]), (&"gap".into(), &1.into()));
    assert_eq!(snapshot["type"], "state_change");
    assert_eq!(event["seq"].as_u64(), gap["last"].as_u64().map(|last| last + 1));
}

#[test]
fn a_keyed_submit_survives_its_daemon() {
    let scratch = Scratch::new();
    let listener = UnixListener::bind(scratch.0.join("control.sock")).unwrap();
    let daemon = std::thread::spawn(move || {
        let mut requests = Vec::new();
        for answer in [&b""[..], b"{\"status\":\"success\",\"ack\":\"received\",\"seq\":7}\n"] {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            requests.push(line);
            stream.write_all(answer).unwrap();
        }
        // One without a key is not sent again.
        let (stream, _) = listener.accept().unwrap();
        BufReader::new(&stream).read_line(&mut String::new()).unwrap();
        requests
    });
    let output = run(&scratch, &["submit", "--topic", "t", "--client", "c", "--number", "9"]);
    assert_eq!(printed(&output), "event 7, received\n");
    let output = run(&scratch, &["submit", "--topic", "t"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("lost before the reply"), "{}", said(&output));
    let requests = daemon.join().unwrap();
    assert_eq!(requests[0], requests[1]);
    assert!(requests[0].contains("\"key\":{\"client\":\"c\",\"number\":9}"), "{requests:?}");
}
