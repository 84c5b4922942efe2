//! Clients that were written for other servers, and tools that everybody has.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Daemon, Scratch};

#[test]
fn a_tray_icon_sends_an_object_without_a_newline_waits_and_closes() {
    let daemon = Daemon::forgetful(&[]);
    for (request, message) in [
        (&b"{\"action\":\"toggle\"}"[..], "Recording started"),
        (b"{\"action\": \"toggle\"}", "Recording stopped"),
        (b"{\n  \"action\": \"toggle\"\n}", "Recording started"),
    ] {
        let mut stream = daemon.connect("control.sock");
        stream.write_all(request).unwrap();
        // It reads once, as much as comes.
        let mut buffer = [0; 4096];
        let size = stream.read(&mut buffer).unwrap();
        let reply: Value = serde_json::from_slice(&buffer[..size]).unwrap();
        assert_eq!((&reply["status"], &reply["message"]), (&"success".into(), &message.into()));
    }
    let mut stream = daemon.connect("control.sock");
    stream.write_all(b"{\"action\":\"status\"}").unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    let reply: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(reply["state"], "recording");
}

#[test]
fn a_bare_listener_has_the_keys_of_old_exactly() {
    let scratch = Scratch::new();
    let config = scratch.write(
        "kymo.toml",
        "[journal]\nenabled = false\n[[listener]]\npath = 'metrics.sock'\nformat = 'json'\n\
         bare = true\nstreams = ['events']\n",
    );
    let daemon = Daemon::start_in_scratch(scratch, &["--config", &config]);
    let events = [
        json!({"type": "session_start", "session_id": 123, "timestamp": 1_699_000_000.0}),
        json!({"type": "state_change", "state": "recording", "timestamp": 1_699_000_000.0}),
        json!({
            "type": "transcription", "text": "Hello world", "timestamp": "14:23:15",
            "wpm": 145.2, "latency_ms": 234.5, "words": 2,
        }),
        json!({
            "type": "metrics_update", "state": "recording", "session_id": 123, "segments": 5,
            "words": 42, "wpm": 145.2, "duration_s": 30.5, "latency_ms": 234.5,
            "gpu_memory_mb": 1823.4, "gpu_memory_percent": 45.2, "cpu_percent": 23.1,
        }),
    ];
    let end = json!({"type": "session_end", "session_id": 123, "timestamp": 1_699_000_030.0});
    let mut client = daemon.json("metrics.sock");
    assert_eq!(client.expect("state_change")["state"], "idle");
    let mut owner = daemon.owner();
    for event in events.iter().chain([&end]) {
        owner.submit(event);
        assert_eq!(client.line(), *event);
    }
    // And so has the catch-up.
    owner.submit(&events[0]);
    owner.submit(&events[2]);
    let mut client = daemon.json("metrics.sock");
    let told = [client.line(), client.line(), client.line()];
    assert_eq!(told, [events[1].clone(), events[0].clone(), events[2].clone()]);
}

/// A program that is there or not.
fn tool(name: &str, arguments: &[&str]) -> Option<Command> {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|place| place.join(name).exists()));
    if !found {
        println!("{name} is not installed; nothing was tested");
        return None;
    }
    let mut command = Command::new(name);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    Some(command)
}

#[test]
fn tools_that_everybody_has_are_clients() {
    let daemon = Daemon::forgetful(&[]);
    let json_path = daemon.path("json.sock").display().to_string();
    let control_path = daemon.path("control.sock").display().to_string();
    let connect = format!("UNIX-CONNECT:{json_path}");
    for (name, arguments) in [("nc", &["-U", &json_path][..]), ("socat", &["-", &connect])] {
        let Some(mut command) = tool(name, arguments) else { continue };
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(next()["type"], "welcome");
        assert_eq!(next()["type"], "state_change");
        let sequence = daemon.owner().submit(&json!({"topic": name}));
        let event = std::iter::repeat_with(&mut next).find(|line| line["type"] != "vitals");
        assert_eq!(event.map(|event| event["seq"].clone()), Some(sequence.into()));
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"{\"subscribe\":[]}\n").unwrap();
        let granted = std::iter::repeat_with(&mut next).find(|line| line["type"] != "vitals");
        assert_eq!(granted.unwrap()["type"], "subscribed");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // Commands from a shell: the input ends before the reply comes.
    let connect = format!("UNIX-CONNECT:{control_path}");
    for (name, arguments) in [("nc", &["-N", "-U", &control_path][..]), ("socat", &["-", &connect])]
    {
        for _ in 0..5 {
            let Some(mut command) = tool(name, arguments) else { continue };
            let mut child = command.spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            stdin.write_all(b"{\"action\":\"ping\"}\n{\"action\":\"toggle\"}").unwrap();
            drop(stdin);
            let output = child.wait_with_output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            assert_eq!(text.lines().count(), 2, "{name}: {text}");
            assert!(text.contains("\"pong\"") && text.contains("Recording st"), "{name}: {text}");
        }
    }
    std::thread::sleep(Duration::from_millis(50));
    daemon.owner().act("ping");
}
