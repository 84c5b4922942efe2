//! What clients, the daemon and its files go through, and who is harmed by that.

use std::fs;
use std::io::Read;
use std::os::unix::net::UnixStream;

use nix::sys::signal::Signal;
use serde_json::json;

use super::events::{listener, silent};
use crate::common::{Daemon, Scratch};

#[test]
fn a_start_without_a_journal_is_another_history() {
    let scratch = Scratch::new();
    let config = scratch.write("kymo.toml", "[journal]\nenabled = false\n");
    let mut tokens = Vec::new();
    for signal in [Signal::SIGTERM, Signal::SIGKILL, Signal::SIGTERM] {
        let mut daemon = Daemon::start_in(&scratch.0, &["--config", &config]);
        let mut client = daemon.json("stream.sock");
        for token in &tokens {
            let line = json!({"subscribe": ["events"], "resume": token});
            let [_, granted] = daemon.json("stream.sock").subscribe(&line);
            assert_eq!(granted["resume"], "fresh");
        }
        let [welcome, _] = client.subscribe(&json!({"subscribe": ["events"]}));
        client.expect("state_change");
        let sequence = daemon.owner().submit(&json!({"topic": "t"}));
        assert_eq!(sequence, 1);
        client.expect("event");
        tokens.push(json!({"epoch": welcome["epoch"], "events": sequence}));
        daemon.signal(signal);
        if signal == Signal::SIGTERM {
            assert_eq!(client.expect("goodbye")["reason"], "shutdown");
        }
        assert_eq!(client.try_line(), None);
        daemon.wait();
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 3);
}

#[test]
fn clients_that_crash_in_the_middle_harm_nobody() {
    let daemon = Daemon::forgetful(&[]);
    let mut owner = daemon.owner();
    let mut witness = listener(&daemon);
    let long = "x".repeat(6000);
    for round in 0..40u64 {
        let mut victims: Vec<UnixStream> = (0..3).map(|_| daemon.connect("json.sock")).collect();
        for (victim, size) in victims.iter_mut().zip([10, 700, 3000]) {
            let _ = victim.read(&mut vec![0; size]).unwrap();
        }
        let sequence = owner.submit(&json!({"topic": "long", "data": long}));
        drop(victims);
        assert_eq!(sequence, round + 1);
        let line = witness.expect("event");
        assert_eq!((&line["seq"], &line["data"]), (&sequence.into(), &long.as_str().into()));
    }
    assert_eq!(owner.act("status")["events_sent"].as_u64().map(|sent| sent >= 40), Some(true));
}

/// A socket's file that is deleted can't be connected to any more, and is not made again before
/// the next start; whoever is connected, and every other socket, goes on.
#[test]
fn deleting_a_socket_cuts_nobody() {
    let mut daemon = Daemon::forgetful(&[]);
    let (mut client, _) = silent(&daemon, 1);
    let mut owner = daemon.owner();
    fs::remove_file(daemon.path("json.sock")).unwrap();
    fs::remove_file(daemon.path("control.sock")).unwrap();
    assert_eq!(owner.submit(&json!({"topic": "t"})), 1);
    assert_eq!(client.told(), "event 1 t");
    assert!(UnixStream::connect(daemon.path("json.sock")).is_err());
    assert!(UnixStream::connect(daemon.path("control.sock")).is_err());
    listener(&daemon);
    // What somebody else puts in their place is not the daemon's to remove.
    fs::write(daemon.path("json.sock"), "mine").unwrap();
    owner.act("quit");
    assert_eq!(daemon.wait().code(), Some(0));
    assert_eq!(fs::read_to_string(daemon.path("json.sock")).unwrap(), "mine");
    assert!(!daemon.path("stream.sock").exists());
}

/// The bug it finds: a reply, or an event, that nobody sends again when the kernel had no memory.
#[test]
fn a_kernel_short_of_memory_delays_and_loses_nothing() {
    let daemon = Daemon::start(&[]);
    let (mut follower, _) = crate::journal::resume(&daemon, &crate::journal::epoch(&daemon), 0);
    let mut control = daemon.json("control.sock");
    let inject = "inject=sendto,sendmsg:error=ENOBUFS:when=1..5";
    let options = ["-e", "trace=sendto,sendmsg", "-e", inject];
    let Some(tracer) = crate::common::Tracer::attach(&daemon, &options) else { return };
    assert_eq!(crate::journal::sequence(&crate::journal::submit(&mut control, 7, "")), 1);
    crate::journal::expect_events(&mut follower, [(1, 7)]);
    assert_eq!(control.say("{\"action\":\"ping\"}").line()["status"], "success");
    let seen = tracer.detach();
    assert_eq!(seen.iter().filter(|line| line.contains("INJECTED")).count(), 5, "{seen:#?}");
    assert!(seen.len() < 30, "it rests between two tries: {seen:#?}");
}
