//! Topics, tokens, and events under load: none twice, none missing, each as it was published.

use std::time::Duration;

use kymo_protocol::Body;
use serde_json::json;

use super::follow::{Frames, Reader, Seen, event};
use crate::common::Daemon;

fn read_to(client: &mut impl Reader, seen: &mut Seen, last: u64) {
    while seen.last < last {
        client.step(seen).expect("the daemon has gone");
    }
}

#[test]
fn topics_let_through_what_they_say() {
    let daemon = Daemon::forgetful(&[]);
    let wishes = [
        (json!(["build.*"]), vec!["build.done", "build.a.b", "build."]),
        (json!(["*"]), vec![]),
        (json!(["build", "transcription"]), vec!["build", "transcription", "transcription"]),
        // The snapshot is filtered as what it is.
        (json!(["*e"]), vec!["state_change", "build.done", "rebuild.done", "é/done"]),
        (json!(["é*", "b*d*e"]), vec!["build.done", "é/done"]),
        (json!(["BUILD*", "nothing"]), vec![]),
    ];
    let topics =
        ["build.done", "build.a.b", "build.", "build", "rebuild.done", "é/done", "transcription"];
    let mut clients: Vec<_> = wishes
        .iter()
        .map(|(wish, _)| {
            let mut client = daemon.json("stream.sock");
            client.subscribe(&json!({"subscribe": ["events"], "topics": wish}));
            client
        })
        .collect();
    let mut frames = Frames::subscribe(&daemon, None, &["build.*", "state_*"]);
    frames.admitted();
    assert!(frames.next(|frame| assert!(matches!(frame.body, Body::Event(_)))));
    clients[1].expect("state_change");
    let mut owner = daemon.owner();
    for topic in topics {
        owner.submit(&json!({ "topic": topic }));
    }
    owner.submit(&json!({"type": "transcription", "text": "x"}));
    owner.act("quit");
    for ((wish, expected), client) in wishes.iter().zip(&mut clients) {
        let mut got = Vec::new();
        while let Some(line) = client.try_line().filter(|line| line["type"] != "goodbye") {
            assert_ne!(line["type"], "gap", "what is withheld is no loss");
            got.push(line.get("topic").unwrap_or(&line["type"]).as_str().unwrap().to_string());
        }
        let all: Vec<&str> = topics.into_iter().chain(["transcription"]).collect();
        let expected = if *wish == json!(["*"]) { all } else { expected.clone() };
        assert_eq!(got, expected, "{wish}");
    }
    let mut got = 0;
    while frames.next(|frame| got += u32::from(matches!(frame.body, Body::Event(_)))) {}
    assert_eq!(got, 3);
}

#[test]
fn a_token_is_answered_by_tail_gap_or_fresh() {
    let daemon = Daemon::forgetful(&[]);
    let mut owner = daemon.owner();
    let mut client = daemon.json("stream.sock");
    let [welcome, _] = client.subscribe(&json!({"subscribe": []}));
    let epoch = welcome["epoch"].as_str().unwrap().to_string();
    let ask = |epoch: &str, events: u64| {
        let mut client = daemon.json("stream.sock");
        let resume = json!({"epoch": epoch, "events": events});
        let [welcome, granted] =
            client.subscribe(&json!({"subscribe": ["events"], "resume": resume}));
        assert_eq!(granted["next"]["events"], welcome["streams"]["events"]["next"]);
        (granted["resume"].as_str().unwrap().to_string(), client)
    };
    assert_eq!(ask(&epoch, 0).0, "tail");
    assert_eq!(ask(&epoch, 1).0, "fresh");
    owner.submit_all((1..=10).map(event));
    for events in 0..=10 {
        let (answer, mut client) = ask(&epoch, events);
        assert_eq!(answer, "tail");
        let mut seen = Seen { last: events, ..Seen::default() };
        read_to(&mut client, &mut seen, 10);
        assert_eq!((seen.got, seen.missed), (10 - events, 0));
    }
    for (epoch, events) in [(epoch.as_str(), 11), (epoch.as_str(), u64::MAX), (&"0".repeat(32), 3)]
    {
        let (answer, mut client) = ask(epoch, events);
        assert_eq!(answer, "fresh");
        assert_eq!(client.told(), "state_change idle catchup");
    }
    // Hexadecimal digits may be of either case.
    assert_eq!(ask(&epoch.to_uppercase(), 10).0, "tail");
    owner.submit_all((11..=2000).map(event));
    let (answer, mut client) = ask(&epoch, 10);
    assert_eq!(answer, "gap");
    let gap = client.expect("gap");
    let last = gap["last"].as_u64().unwrap();
    assert_eq!((&gap["first"], &gap["count"]), (&11.into(), &(last - 10).into()));
    assert_eq!(client.told(), "state_change idle catchup");
    let mut seen = Seen { last, ..Seen::default() };
    read_to(&mut client, &mut seen, 2000);
    assert_eq!((seen.got, seen.missed), (2000 - last, 0));
    // The oldest that is there needs no gap.
    assert_eq!(ask(&epoch, last).0, "tail");
    assert_eq!(ask(&epoch, last - 1).0, "gap");
}

/// Publishes events 1 to `count` in bursts, on a thread of its own.
fn publish(daemon: &Daemon, count: u64, pause_ms: u64) -> std::thread::JoinHandle<()> {
    let mut owner = daemon.owner();
    std::thread::spawn(move || {
        for first in (1..=count).step_by(20) {
            let last = (first + 19).min(count);
            assert!(owner.submit_all((first..=last).map(event)).into_iter().eq(first..=last));
            std::thread::sleep(Duration::from_millis(pause_ms));
        }
    })
}

#[test]
fn who_comes_back_under_load_finds_no_seam() {
    const COUNT: u64 = 3000;
    let daemon = Daemon::forgetful(&[]);
    let mut probe = Frames::subscribe(&daemon, None, &[]);
    let (epoch, _) = probe.admitted();
    let name = u128::from_be_bytes(epoch);
    let publisher = publish(&daemon, COUNT, 4);
    std::thread::scope(|scope| {
        for round in 0..3u64 {
            let daemon = &daemon;
            scope.spawn(move || {
                let (mut seen, mut stays) = (Seen::default(), 0);
                while seen.last < COUNT {
                    stays += 1;
                    let until = (seen.last + 40 + 90 * round).min(COUNT);
                    if stays % 2 == 0 {
                        let mut client = Frames::subscribe(daemon, Some((epoch, seen.last)), &[]);
                        client.admitted();
                        read_to(&mut client, &mut seen, until);
                    } else {
                        let resume = json!({"epoch": format!("{name:032x}"), "events": seen.last});
                        let mut client = daemon.json("stream.sock");
                        client.subscribe(&json!({"subscribe": ["events"], "resume": resume}));
                        read_to(&mut client, &mut seen, until);
                    }
                }
                assert_eq!(seen.got + seen.missed, COUNT);
                assert!(stays > 5 && seen.got > 500, "{seen:?}");
            });
        }
    });
    publisher.join().unwrap();
}

#[test]
fn slow_readers_get_every_event_or_are_told_of_it() {
    const COUNT: u64 = 4000;
    let daemon = Daemon::forgetful(&[]);
    let mut bytewise = Frames::subscribe(&daemon, None, &[]);
    bytewise.admitted();
    bytewise.read_max = 1;
    let mut stuck = Frames::subscribe(&daemon, None, &[]);
    stuck.admitted();
    let mut stuck_lines = daemon.json("stream.sock");
    stuck_lines.subscribe(&json!({"subscribe": ["events"]}));
    let mut fast = Frames::subscribe(&daemon, None, &[]);
    fast.admitted();
    let publisher = publish(&daemon, COUNT, 2);
    let mut seen = [Seen::default(), Seen::default(), Seen::default(), Seen::default()];
    let [fast_seen, byte_seen, stuck_seen, line_seen] = &mut seen;
    std::thread::scope(|scope| {
        scope.spawn(|| read_to(&mut bytewise, byte_seen, COUNT));
        read_to(&mut fast, fast_seen, COUNT);
    });
    publisher.join().unwrap();
    // They have not read a byte before, and the ring has gone around many times.
    read_to(&mut stuck, stuck_seen, COUNT);
    read_to(&mut stuck_lines, line_seen, COUNT);
    for seen in &seen {
        assert_eq!(seen.got + seen.missed, COUNT, "{seen:?}");
    }
    assert_eq!(seen[0].missed, 0, "who keeps up misses nothing");
    assert!(seen[2].missed > 100 && seen[3].missed > 100 && seen[2].got > 10, "{seen:?}");
    let status = daemon.owner().act("status");
    let lost: u64 = seen.iter().map(|seen| seen.missed).sum();
    assert_eq!(status["events_lost"], lost);
}
