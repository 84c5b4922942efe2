//! Events across restarts: what is acknowledged, kept, repeated, and told again.

use std::fs::{self, File};
use std::time::{Duration, Instant};

use kymo_platform::durability;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::common::{Daemon, Json, Scratch, Tracer, one_of_three};

/// The smallest journal that may be set: it forgets soon.
pub const SMALL: &str = "journal.bytes = 262144\n";

/// Submits event `number`, with more keys of the request.
pub fn submit(control: &mut Json, number: u64, more: &str) -> Value {
    let event = format!("{{\"topic\":\"t\",\"data\":{number}}}");
    control.say(&format!("{{\"action\":\"submit\",{more}\"event\":{event}}}\n")).line()
}

/// The sequence of an event that was taken.
pub fn sequence(reply: &Value) -> u64 {
    assert_eq!(reply["status"], "success", "{reply}");
    reply["seq"].as_u64().unwrap()
}

/// Submits the events with these numbers; the sequence of the last.
pub fn submit_all(daemon: &Daemon, numbers: std::ops::RangeInclusive<u64>) -> u64 {
    let mut control = daemon.json("control.sock");
    numbers.map(|number| sequence(&submit(&mut control, number, ""))).last().unwrap()
}

/// Fills a small journal more than once; the sequence of the last event.
fn fill(daemon: &Daemon) -> u64 {
    let mut control = daemon.json("control.sock");
    let text = "x".repeat(2000);
    let request =
        format!("{{\"action\":\"submit\",\"event\":{{\"topic\":\"f\",\"data\":\"{text}\"}}}}\n");
    (0..250).map(|_| sequence(&control.say(&request).line())).last().unwrap()
}

/// What a daemon says of itself.
pub fn status(daemon: &Daemon) -> Value {
    daemon.json("control.sock").say("{\"action\":\"status\"}\n").line()
}

/// A daemon's epoch.
pub fn epoch(daemon: &Daemon) -> String {
    status(daemon)["epoch"].as_str().unwrap().into()
}

/// A subscriber of events that has all up to `last`, and how it is continued.
pub fn resume(daemon: &Daemon, epoch: &str, last: u64) -> (Json, String) {
    let mut client = daemon.json("stream.sock");
    client.say(&format!(
        "{{\"subscribe\":[\"events\"],\"resume\":{{\"epoch\":\"{epoch}\",\"events\":{last}}}}}\n"
    ));
    client.expect("welcome");
    let how = client.expect("subscribed")["resume"].as_str().unwrap().into();
    (client, how)
}

/// The next lines must be events with these sequences, and with these numbers as data.
pub fn expect_events(client: &mut Json, expected: impl IntoIterator<Item = (u64, u64)>) {
    for (sequence, number) in expected {
        let line = client.expect("event");
        assert_eq!((&line["seq"], &line["data"]), (&sequence.into(), &number.into()), "{line}");
    }
}

/// Sequences that are numbers as well.
pub fn same(range: std::ops::RangeInclusive<u64>) -> impl Iterator<Item = (u64, u64)> {
    range.map(|number| (number, number))
}

/// Ends a daemon in one of two ways.
pub fn end(mut daemon: Daemon, is_killed: bool) {
    if is_killed {
        daemon.signal(Signal::SIGKILL);
        assert_eq!(daemon.wait().code(), None);
    } else {
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.wait().code(), Some(0), "{}", daemon.said());
    }
}

/// Whether what is synced below the daemon's directory survives a loss of power.
fn is_lasting(daemon: &Daemon) -> bool {
    durability::is_lasting(&File::open(&daemon.directory).unwrap()).unwrap()
}

#[test]
fn the_ack_that_was_reached_is_named() {
    let daemon = Daemon::start(&[]);
    let mut control = daemon.json("control.sock");
    for (asked, reached) in [
        ("", "durable"),
        ("\"ack\":\"received\",", "received"),
        ("\"ack\":\"durable\",", "durable"),
        ("\"ack\":\"synced\",", "synced"),
    ] {
        let reply = submit(&mut control, 1, asked);
        if reached == "synced" && !is_lasting(&daemon) {
            assert_eq!(reply["code"], "not_synced", "{reply}");
        } else {
            assert_eq!((sequence(&reply) > 0, &reply["ack"]), (true, &reached.into()), "{reply}");
        }
    }
    assert!(daemon.path("journal/segment-00.kymo").exists());
}

/// The bug it finds: a promise that is kept later than it is given.
#[test]
fn synced_is_said_when_the_disk_has_it() {
    let daemon = Daemon::start(&[]);
    if !is_lasting(&daemon) {
        println!("skipped: the temporary directory is in memory");
        return;
    }
    let calls = "trace=pwrite64,fdatasync,fsync,sendto,sendmsg,write,writev";
    let Some(tracer) = Tracer::attach(&daemon, &["-s", "200", "-e", calls]) else { return };
    let mut control = daemon.json("control.sock");
    sequence(&submit(&mut control, 1, "\"ack\":\"durable\","));
    sequence(&submit(&mut control, 2, "\"ack\":\"synced\","));
    let seen = tracer.detach();
    let find = |is: &dyn Fn(&str) -> bool| {
        seen.iter().position(|line| is(line)).unwrap_or_else(|| panic!("{seen:#?}"))
    };
    let durable = find(&|line| line.contains("durable"));
    let synced = find(&|line| line.contains("\\\"synced\\\""));
    let written = find(&|line| line.contains("pwrite64("));
    let sync = find(&|line| line.contains("fdatasync") && line.ends_with("= 0"));
    let writes: Vec<_> = seen.iter().filter(|line| line.contains("pwrite64(")).collect();
    assert_eq!(writes.len(), 3, "a header, and one write for each event: {seen:#?}");
    assert!(written < durable && durable < sync && sync < synced, "{seen:#?}");
}

#[test]
fn memory_is_never_synced() {
    let state = format!("/dev/shm/kymo-test-{}", std::process::id());
    let _ = fs::remove_dir_all(&state);
    let daemon = Daemon::start(&["--state", &state]);
    let mut control = daemon.json("control.sock");
    let reply = submit(&mut control, 1, "\"ack\":\"synced\",");
    assert_eq!(reply["code"], "not_synced", "{reply}");
    assert_eq!(sequence(&submit(&mut control, 1, "")), 1);
    drop(daemon);
    fs::remove_dir_all(&state).unwrap();
}

#[test]
fn without_a_journal_nothing_is_promised() {
    let scratch = Scratch::new();
    let config = scratch.write("kymo.toml", "journal.enabled = false\n");
    let options = ["--config", config.as_str()];
    let daemon = Daemon::start_in(&scratch.0, &options);
    let mut control = daemon.json("control.sock");
    for ack in ["durable", "synced"] {
        let reply = submit(&mut control, 1, &format!("\"ack\":\"{ack}\","));
        assert_eq!(reply["code"], "no_journal", "{reply}");
    }
    let reply = submit(&mut control, 1, "");
    assert_eq!((sequence(&reply), &reply["ack"]), (1, &"received".into()));
    assert!(!daemon.path("journal").exists());
    let old = epoch(&daemon);
    end(daemon, false);
    let daemon = Daemon::start_in(&scratch.0, &options);
    assert_ne!(epoch(&daemon), old);
    assert_eq!(resume(&daemon, &old, 1).1, "fresh");
}

/// The bug it finds: an event twice, because a key was not kept with it.
#[test]
fn a_key_makes_one_event_over_restarts() {
    let scratch = Scratch::new();
    let key = |number: u64| format!("\"key\":{{\"client\":\"c\",\"number\":{number}}},");
    for is_killed in [false, true] {
        let daemon = Daemon::start_in(&scratch.0, &[]);
        let mut control = daemon.json("control.sock");
        // The second time around these are repeats.
        for (number, expected) in [(7, 1), (8, 2), (7, 1), (3, 3)] {
            let reply = submit(&mut control, number, &key(number));
            assert_eq!((sequence(&reply), &reply["ack"]), (expected, &"durable".into()));
        }
        end(daemon, is_killed);
    }
    let daemon = Daemon::start_in(&scratch.0, &[]);
    let mut control = daemon.json("control.sock");
    assert_eq!(sequence(&submit(&mut control, 9, &key(2000))), 4);
    let reply = submit(&mut control, 9, &key(8));
    assert_eq!(reply["code"], "key_expired", "{reply}");
    end(daemon, true);
    let daemon = Daemon::start_in(&scratch.0, &[]);
    let mut control = daemon.json("control.sock");
    let reply = submit(&mut control, 9, &key(8));
    assert_eq!(reply["code"], "key_expired", "{reply}");
    // Of another client it is another event.
    let other = "\"key\":{\"client\":\"d\",\"number\":8},";
    assert_eq!(sequence(&submit(&mut control, 10, other)), 5);
    let (mut client, how) = resume(&daemon, &epoch(&daemon), 0);
    assert_eq!(how, "tail");
    expect_events(&mut client, [(1, 7), (2, 8), (3, 3), (4, 9), (5, 10)]);
}

#[test]
fn a_token_holds_over_restarts() {
    let scratch = Scratch::new();
    let mut daemon = Daemon::start_in(&scratch.0, &[]);
    let mut count = submit_all(&daemon, 1..=10);
    let first = epoch(&daemon);
    for is_killed in [false, true, true, false] {
        end(daemon, is_killed);
        daemon = Daemon::start_in(&scratch.0, &[]);
        assert_eq!(epoch(&daemon), first);
        for last in [0, 1, count - 1, count] {
            let (mut client, how) = resume(&daemon, &first, last);
            assert_eq!(how, "tail", "{last} of {count}");
            expect_events(&mut client, same(last + 1..=count));
            // Then what is live, without a seam.
            assert_eq!(submit_all(&daemon, count + 1..=count + 1), count + 1);
            count += 1;
            expect_events(&mut client, same(count..=count));
        }
        // A token of the future, and one of elsewhere.
        let other = "0123456789abcdef0123456789abcdef";
        for (epoch, last) in [(first.as_str(), count + 1), (&first, u64::MAX), (other, 1)] {
            let (mut client, how) = resume(&daemon, epoch, last);
            assert_eq!(how, "fresh", "{last} of {count}");
            let snapshot = client.expect("state_change");
            assert_eq!((&snapshot["seq"], &snapshot["catchup"]), (&Value::Null, &true.into()));
        }
    }
}

/// The bug it finds: a gap that hides an event that is there, or leaves one out that is not.
#[test]
fn what_is_no_longer_kept_is_an_exact_gap() {
    let scratch = Scratch::new();
    let config = scratch.write("kymo.toml", SMALL);
    let options = ["--config", config.as_str()];
    let daemon = Daemon::start_in(&scratch.0, &options);
    submit_all(&daemon, 1..=3);
    let (last, first) = (fill(&daemon), epoch(&daemon));
    end(daemon, true);
    for is_killed in [false, true] {
        let daemon = Daemon::start_in(&scratch.0, &options);
        let welcome = daemon.json("json.sock").expect("welcome");
        let oldest = welcome["streams"]["events"]["oldest"].as_u64().unwrap();
        assert!(oldest > 100 && last - oldest > 80, "{oldest} to {last}");
        let (mut client, how) = resume(&daemon, &first, 2);
        assert_eq!(how, "gap");
        let gap = client.expect("gap");
        let expected = json!({
            "type": "gap", "stream": "events", "first": 3, "last": oldest - 1,
            "count": oldest - 3, "reason": "retention",
        });
        assert_eq!(gap, expected);
        let snapshot = client.expect("state_change");
        assert_eq!((&snapshot["seq"], &snapshot["catchup"]), (&Value::Null, &true.into()));
        for sequence in oldest..=last {
            assert_eq!(client.expect("event")["seq"], sequence);
        }
        assert_eq!(resume(&daemon, &first, oldest - 1).1, "tail");
        assert_eq!(resume(&daemon, &first, oldest - 2).1, "gap");
        end(daemon, is_killed);
    }
}

/// What the application does, as `status` says it.
fn activity(daemon: &Daemon) -> (String, Value) {
    let status = status(daemon);
    (status["state"].as_str().unwrap().into(), status["session_id"].clone())
}

fn toggle(daemon: &Daemon) -> (String, u64) {
    let reply = daemon.json("control.sock").say("{\"action\":\"toggle\"}\n").line();
    assert_eq!(reply["status"], "success", "{reply}");
    (reply["state"].as_str().unwrap().into(), reply["session_id"].as_u64().unwrap())
}

/// The bug it finds: a session that is forgotten, or whose number is used again, when its events
/// are in the journal or have left it.
#[test]
fn sessions_go_on_over_restarts() {
    let scratch = Scratch::new();
    let config = scratch.write("kymo.toml", SMALL);
    let options = ["--config", config.as_str()];
    let mut daemon = Daemon::start_in(&scratch.0, &options);
    assert_eq!(activity(&daemon), ("idle".into(), Value::Null));
    for (round, is_killed) in [(1, false), (2, true)] {
        assert_eq!(toggle(&daemon), ("recording".into(), round));
        end(daemon, is_killed);
        daemon = Daemon::start_in(&scratch.0, &options);
        assert_eq!(activity(&daemon), ("recording".into(), round.into()));
        // Its beginning leaves the journal.
        fill(&daemon);
        end(daemon, is_killed);
        daemon = Daemon::start_in(&scratch.0, &options);
        assert_eq!(activity(&daemon), ("recording".into(), round.into()));
        assert_eq!(toggle(&daemon), ("idle".into(), round));
        end(daemon, is_killed);
        daemon = Daemon::start_in(&scratch.0, &options);
        assert_eq!(activity(&daemon), ("idle".into(), Value::Null));
        fill(&daemon);
        end(daemon, !is_killed);
        daemon = Daemon::start_in(&scratch.0, &options);
    }
    assert_eq!(toggle(&daemon), ("recording".into(), 3));
}

#[test]
fn newcomers_catch_up_after_a_restart() {
    let scratch = Scratch::new();
    let mut daemon = Daemon::start_in(&scratch.0, &[]);
    toggle(&daemon);
    for text in ["one two", "three"] {
        let event = format!("{{\"type\":\"transcription\",\"text\":\"{text}\"}}");
        let request = format!("{{\"action\":\"submit\",\"event\":{event}}}\n");
        sequence(&daemon.json("control.sock").say(&request).line());
    }
    let mut before = Vec::new();
    for is_killed in [true, false] {
        let mut client = daemon.json("stream.sock");
        client.say("{\"subscribe\":[\"events\"]}\n").expect("welcome");
        assert_eq!(client.expect("subscribed")["next"]["events"], 5);
        let lines: Vec<Value> = (0..4).map(|_| client.line()).collect();
        let kinds: Vec<_> = lines.iter().map(|line| (&line["type"], &line["seq"])).collect();
        assert_eq!(
            kinds,
            [
                (&"state_change".into(), &Value::Null),
                (&"session_start".into(), &1.into()),
                (&"transcription".into(), &3.into()),
                (&"transcription".into(), &4.into()),
            ]
        );
        assert!(lines.iter().all(|line| line["catchup"] == true), "{lines:#?}");
        assert_eq!((&lines[0]["state"], &lines[2]["words"]), (&"recording".into(), &2.into()));
        // The same words, whoever tells them.
        assert!(before.is_empty() || before == lines, "{before:#?} {lines:#?}");
        before = lines;
        end(daemon, is_killed);
        daemon = Daemon::start_in(&scratch.0, &[]);
    }
}

/// Beside other work a debug build may take its time.
#[test]
fn a_full_journal_is_read_soon() {
    let limit = Duration::from_millis(if cfg!(debug_assertions) { 800 } else { 50 });
    let scratch = Scratch::new();
    let daemon = Daemon::start_in(&scratch.0, &[]);
    let mut control = daemon.json("control.sock");
    let request = format!(
        "{{\"action\":\"submit\",\"event\":{{\"topic\":\"f\",\"data\":\"{}\"}}}}\n",
        "x".repeat(120)
    );
    let requests = request.repeat(32);
    for _ in 0..20_000 / 32 {
        control.say(&requests);
        (0..32).for_each(|_| assert!(sequence(&control.line()) > 0));
    }
    assert!(status(&daemon)["events_oldest"].as_u64().unwrap() > 1000);
    end(daemon, true);
    one_of_three(|| {
        let start = Instant::now();
        let daemon = Daemon::start_in(&scratch.0, &[]);
        let took = start.elapsed();
        end(daemon, true);
        println!("{took:.1?} with a full journal");
        if took <= limit { Ok(()) } else { Err(format!("{took:?}")) }
    });
}
