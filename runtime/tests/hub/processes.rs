//! Processes: for whom, how often, and what a slow subscriber is told.

use kymo::{SessionId, Sources};
use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{Body, Frame};
use serde_json::{Value, json};

use crate::processes_double::Crowd;
use crate::rig::{JSON, MS, Rig, STREAM, subscription};

/// The bare listener of the rig.
const BARE: usize = 3;

fn rig(crowd: &Crowd) -> Rig {
    let mut rig = Rig::new(8);
    rig.sources = Sources::new(Vec::new(), 1e9, || {}).unwrap();
    rig.sources.read_processes(crowd.source());
    rig.hub.serve_processes();
    rig
}

fn subscribe(rig: &mut Rig, listener: usize, line: &Value) -> SessionId {
    let id = rig.connect(listener);
    rig.say(id, format!("{line}\n").as_bytes());
    id
}

fn asked(rate_hz: f64) -> Value {
    json!({"subscribe": ["processes"], "rate_hz": rate_hz})
}

fn binary(rig: &mut Rig, rate_mhz: u32) -> SessionId {
    let id = rig.connect(STREAM);
    let mut fixed = SubscribeFixed::default();
    fixed.streams.set(4);
    fixed.rate_mhz.set(rate_mhz);
    rig.say(id, &subscription(&fixed, &[]));
    id
}

/// Turns of so many milliseconds, and the lines of processes and gaps that come in them.
fn pass(rig: &mut Rig, id: SessionId, ms: u64) -> Vec<Value> {
    let mut lines = Vec::new();
    for _ in 0..ms / 10 {
        rig.pass(10 * MS);
        lines.extend(rig.lines(id));
    }
    lines.retain(|line| ["processes", "gap"].contains(&line["type"].as_str().unwrap()));
    lines
}

#[test]
fn who_did_not_ask_is_told_nothing_and_nothing_is_looked_at() {
    let crowd = Crowd::with(3);
    let mut rig = rig(&crowd);
    let silent = rig.connect(JSON);
    let others = json!({"subscribe": ["vitals", "samples", "events"], "rate_hz": 100});
    let others = subscribe(&mut rig, STREAM, &others);
    rig.pass(3000 * MS);
    assert!(pass(&mut rig, silent, 2000).is_empty() && pass(&mut rig, others, 2000).is_empty());
    assert_eq!(crowd.script().calls, 0);
    let id = subscribe(&mut rig, STREAM, &asked(1.0));
    let lines = rig.lines(id);
    let next = json!({"id": 3, "next": 1});
    assert_eq!((&lines[0]["type"], &lines[0]["streams"]["processes"]), (&json!("welcome"), &next));
    assert_eq!(lines[1]["next"], json!({"processes": 1}));
    assert!(pass(&mut rig, silent, 2000).is_empty() && pass(&mut rig, others, 2000).is_empty());
    assert_eq!(crowd.script().passes, 4);
    // One that is under way when the last one leaves is given up.
    crowd.script().slices = 1000;
    rig.pass(1000 * MS);
    rig.turn(&[]);
    rig.hang_up(id);
    rig.run();
    let calls = crowd.script().calls;
    assert_eq!((crowd.script().forgotten, rig.sources.slice_ns()), (1, None));
    pass(&mut rig, others, 2000);
    assert_eq!(crowd.script().calls, calls);
    for id in [silent, others] {
        rig.hang_up(id);
    }
    rig.run();
    assert_eq!((rig.hub.ticks(), rig.hub.wanted().processes_ns), (None, None));
}

#[test]
fn without_a_source_there_is_no_such_stream() {
    let mut rig = Rig::new(4);
    let id = subscribe(&mut rig, STREAM, &asked(1.0));
    let lines = rig.lines(id);
    assert_eq!(lines.last().unwrap()["code"], "no_stream", "{lines:?}");
    let silent = rig.connect(JSON);
    rig.pass(3000 * MS);
    rig.turn(&[]);
    assert_eq!(rig.lines(silent)[0]["streams"].get("processes"), None);
}

#[test]
fn rates_are_granted_up_to_what_passes_are_worth() {
    let crowd = Crowd::with(3);
    let mut rig = rig(&crowd);
    for (line, rate_hz, least_ms) in [
        (json!({"subscribe": ["processes"]}), 1.0, 1000),
        (asked(1000.0), 2.0, 500),
        (asked(0.5), 0.5, 2000),
        // The rate of the vitals is theirs.
        (json!({"subscribe": ["vitals", "processes"], "rate_hz": 100}), 100.0, 500),
    ] {
        rig.pass(3000 * MS);
        let before = crowd.script().passes;
        let id = subscribe(&mut rig, STREAM, &line);
        assert_eq!(rig.lines(id)[1]["rate_hz"].as_f64(), Some(rate_hz), "{line}");
        let lines = pass(&mut rig, id, 8000 - 10);
        let passes = crowd.script().passes - before;
        assert_eq!((passes, lines.len() as u64), (8000 / least_ms, passes - 1), "{line}");
        assert!(lines.iter().all(|line| line.get("merged").is_none()));
        rig.hang_up(id);
        rig.run();
    }
    // Who comes and goes makes no pass sooner.
    let before = crowd.script().passes;
    for _ in 0..100 {
        let id = subscribe(&mut rig, STREAM, &asked(2.0));
        rig.pass(20 * MS);
        rig.run();
        rig.hang_up(id);
        rig.run();
    }
    assert!((3..=5).contains(&(crowd.script().passes - before)));
}

#[test]
fn the_fastest_decides_and_others_get_the_newest_at_their_own_times() {
    let crowd = Crowd::with(3);
    let mut rig = rig(&crowd);
    let fast = subscribe(&mut rig, STREAM, &asked(2.0));
    let bare = subscribe(&mut rig, BARE, &asked(0.5));
    let binary = binary(&mut rig, 1000);
    let lines = pass(&mut rig, fast, 3980);
    let sequences: Vec<_> = lines.iter().filter_map(|line| line["seq"].as_u64()).collect();
    assert_eq!(sequences, (1..=8).skip_while(|seq| *seq < sequences[0]).collect::<Vec<_>>());
    let bare = pass(&mut rig, bare, 10);
    assert!(bare.len() == 2 && bare.iter().all(|line| line.get("seq").is_none()), "{bare:?}");
    let begun = std::mem::take(&mut rig.socket(binary).begun);
    let told = begun.iter().filter(|bytes| bytes[12] == 18);
    let sequences = told.map(|bytes| Frame::parse(bytes).unwrap().header.sequence.get());
    assert_eq!(sequences.collect::<Vec<_>>(), [1, 3, 5, 7]);
    // A newcomer is told what the last pass found.
    let newcomer = subscribe(&mut rig, STREAM, &asked(0.1));
    let lines = rig.lines(newcomer);
    assert_eq!(
        (&lines[2]["type"], &lines[2]["seq"]),
        (&json!("processes"), &json!(8)),
        "{lines:?}"
    );
}

#[test]
fn a_slow_subscriber_gets_the_newest_and_how_many_it_stands_for() {
    let crowd = Crowd::with(40);
    let mut rig = rig(&crowd);
    let [lines, frames] = [subscribe(&mut rig, STREAM, &asked(2.0)), binary(&mut rig, 2000)];
    rig.run();
    for id in [lines, frames] {
        rig.read(id, usize::MAX);
        rig.socket(id).capacity = 1000;
    }
    // The first is begun, two are due and never sent, and the last is.
    for first in [10, 20, 30, 40] {
        crowd.script().fill(first, 40);
        rig.pass(500 * MS);
        rig.run();
    }
    for id in [lines, frames] {
        rig.socket(id).capacity = usize::MAX;
    }
    let told = rig.lines(lines);
    let told: Vec<_> = told.iter().map(|line| (&line["total"], line.get("merged"))).collect();
    assert_eq!(told, [(&json!(50), None), (&json!(80), Some(&json!(2)))]);
    rig.read_all(frames);
    let begun = std::mem::take(&mut rig.socket(frames).begun);
    let bodies = begun.iter().map(|bytes| Frame::parse(bytes).unwrap().body);
    let told = bodies.filter_map(|body| match body {
        Body::Processes(told) => Some((told.fixed.total(), told.fixed.merged.get())),
        _ => None,
    });
    let told: Vec<_> = told.collect();
    assert_eq!(told[told.len() - 2..], [(Some(50), 0), (Some(80), 2)]);
    assert_eq!(rig.hub.counters().merged, 4);
}

#[test]
fn every_frame_comes_in_order_or_is_named_as_lost() {
    let crowd = Crowd::with(5);
    let mut rig = rig(&crowd);
    let mut every = |rate_hz: f64| {
        let line = json!({"subscribe": ["processes"], "rate_hz": rate_hz, "every": true});
        let id = subscribe(&mut rig, STREAM, &line);
        rig.run();
        id
    };
    let (slow, seldom) = (every(2.0), every(0.1));
    rig.lines(slow);
    let lines = pass(&mut rig, seldom, 4000);
    let sequences: Vec<_> = lines.iter().filter_map(|line| line["seq"].as_u64()).collect();
    assert_eq!(sequences, (2..=8).collect::<Vec<_>>(), "in batches");
    let told = rig.lines(slow).into_iter().filter_map(|line| line["seq"].as_u64());
    let told: Vec<_> = told.skip_while(|seq| *seq < 2).collect();
    assert_eq!(told, (2..=9).collect::<Vec<_>>());
    rig.socket(slow).capacity = 0;
    pass(&mut rig, seldom, 9000);
    rig.socket(slow).capacity = usize::MAX;
    rig.read(slow, usize::MAX);
    let lines = rig.lines(slow);
    let lines: Vec<_> = lines.iter().filter(|line| line["type"] != "heartbeat").collect();
    let gap = (&lines[0]["stream"], &lines[0]["first"], &lines[0]["last"], &lines[0]["reason"]);
    assert_eq!(gap, (&json!("processes"), &json!(10), &json!(19), &json!("lapped")));
    let sequences: Vec<_> = lines.iter().filter_map(|line| line["seq"].as_u64()).collect();
    assert_eq!(sequences, (20..=27).collect::<Vec<_>>());
}
