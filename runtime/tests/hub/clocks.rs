//! Suspends, and steps of the wall clock.

use kymo::journal::{MemoryStorage, Start};
use kymo::{History, SessionId, Sources};
use kymo_protocol::{Body, Data, EventFields, Frame, FrameHeader, Group};
use serde_json::{Value, json};

use crate::rig::{CONTROL, JSON, MS, Rig, STREAM, request, subscription};
use crate::sensors::Double;

const S: u64 = 1000 * MS;
const BARE: usize = 3;

fn of_type(lines: &[Value], name: &str) -> Vec<Value> {
    lines.iter().filter(|line| line["type"] == name).cloned().collect()
}

/// Topics and data of the events among lines.
fn events(lines: &[Value]) -> Vec<(String, Value)> {
    let events = of_type(lines, "event");
    events.iter().map(|e| (e["topic"].as_str().unwrap().into(), e["data"].clone())).collect()
}

fn event(topic: &str, data: Value) -> (String, Value) {
    (topic.into(), data)
}

/// Lines of so many milliseconds at 25 Hz.
fn pass(rig: &mut Rig, id: SessionId, ms: u64) -> Vec<Value> {
    let mut lines = Vec::new();
    for _ in 0..ms / 40 {
        rig.pass(40 * MS);
        lines.extend(rig.lines(id));
    }
    lines
}

#[test]
fn a_suspend_is_told_and_nothing_is_measured_across_it() {
    let mut rig = Rig::new(4);
    let id = rig.connect(JSON);
    rig.run();
    let before = of_type(&pass(&mut rig, id, 1000), "vitals");
    assert!(before.last().unwrap()["cpu_usage"].is_number());
    // Everybody stands still for two seconds before it and three behind it.
    rig.pass(2 * S);
    rig.suspend(3600 * S);
    rig.pass(3 * S);
    let lines = rig.lines(id);
    assert_eq!(events(&lines), [event("kymo.resumed", json!({"slept_s": 3600.0}))]);
    let vitals = of_type(&lines, "vitals");
    assert_eq!(vitals.len(), 1, "{vitals:?}");
    assert_eq!(
        (&vitals[0]["cpu_usage"], &vitals[0]["momentum"]["color"]),
        (&Value::Null, &json!("idle"))
    );
    let expected =
        json!({"cpu_usage": "pending", "power_watts": "absent", "battery_charge": "absent"});
    assert_eq!(vitals[0]["validity"], expected, "read anew, all of it");
    assert_eq!(rig.hub.ticks_missed(), 0);
    let passed = vitals[0]["timestamp"].as_f64().unwrap()
        - before.last().unwrap()["timestamp"].as_f64().unwrap();
    assert!((3605.0..3605.1).contains(&passed), "{passed}");
    // A share is known again when it says something, and what was told is not told again.
    let lines = pass(&mut rig, id, 400);
    let vitals = of_type(&lines, "vitals");
    let pending = vitals.iter().take_while(|line| line["cpu_usage"].is_null()).count();
    assert!((3..=6).contains(&pending) && vitals.len() == 10, "{pending} of {}", vitals.len());
    assert_eq!(events(&lines), []);
    // Without a suspend the same pause is one of ours.
    rig.pass(5 * S);
    rig.run();
    assert_eq!(rig.hub.ticks_missed(), 5000 / 40 - 1);
}

#[test]
fn sources_are_scanned_anew_after_a_suspend() {
    let double = Double::with(Group::Pressure, 10 * S, 2);
    let mut rig = Rig::new(4);
    rig.sources = Sources::new(vec![double.source()], 1.0, || {}).unwrap();
    let id = rig.connect(STREAM);
    rig.say(id, b"{\"subscribe\":[\"samples\"],\"rate_hz\":25}\n");
    pass(&mut rig, id, 400);
    assert_eq!(double.counts()[..2], [1, 1]);
    double.script().fill(7, 3);
    rig.suspend(5 * S);
    pass(&mut rig, id, 400);
    assert_eq!(double.counts()[..2], [1, 1], "no sooner than it may");
    rig.suspend(5 * S);
    let lines = pass(&mut rig, id, 80);
    assert_eq!(double.counts()[..2], [2, 2]);
    assert_eq!(of_type(&lines, "catalog")[0]["total"], 3);
}

#[test]
fn a_step_is_told_with_a_new_clock_map() {
    let mut rig = Rig::with(8, 60 * 1024, History::none());
    let all = rig.connect(JSON);
    let bare = rig.connect(BARE);
    let vitals = rig.connect(STREAM);
    rig.say(vitals, b"{\"subscribe\":[\"vitals\"]}\n");
    let cut = rig.connect(STREAM);
    let mut fixed = kymo_protocol::subscribe::SubscribeFixed::default();
    fixed.streams.set(8);
    rig.say(cut, &subscription(&fixed, &["long"]));
    for id in [all, bare, vitals, cut] {
        rig.read_all(id);
    }
    // In the middle of an event whose rest is longer than what is kept of it.
    rig.socket(cut).capacity = 500;
    let data = vec![7; 50_000];
    rig.turn(&[EventFields::custom("long", Data::Bytes(&data))]);
    for (moved_ns, told) in [(-7_200_000_000_000, -7200.0), (250_000_000, 0.25)] {
        rig.step(moved_ns);
        let wall_s = rig.now.wall_ns as f64 / 1e9;
        let lines = rig.lines(all);
        assert_eq!(events(&lines).last(), Some(&event("kymo.clock", json!({"moved_s": told}))));
        assert!((lines.last().unwrap()["timestamp"].as_f64().unwrap() - wall_s).abs() < 1e-5);
        for (id, beats) in [(vitals, 1), (bare, 0)] {
            let lines = rig.lines(id);
            let found = of_type(&lines, "heartbeat");
            assert_eq!(found.len(), beats, "{lines:?}");
            for beat in found {
                assert!((beat["timestamp"].as_f64().unwrap() - wall_s).abs() < 1e-5);
            }
        }
    }
    rig.socket(cut).capacity = usize::MAX;
    let bytes = rig.read_all(cut);
    let (mut at, mut kinds) = (0, Vec::new());
    while at < bytes.len() {
        let size = 32 + FrameHeader::parse(&bytes[at..]).unwrap().payload_size();
        let frame = Frame::parse(&bytes[at..at + size]).unwrap();
        at += size;
        match frame.body {
            Body::Heartbeat(beat) => {
                assert_eq!(beat.wall_ns.get(), rig.now.wall_ns);
                kinds.push("heartbeat");
            }
            Body::Event(_) => kinds.push("event"),
            _ => {}
        }
    }
    assert_eq!(kinds, ["event", "heartbeat"]);
}

#[test]
fn slewing_and_passing_time_are_no_news() {
    let mut rig = Rig::new(4);
    let id = rig.connect(JSON);
    rig.read_all(id);
    for _ in 0..100 {
        rig.pass(900 * S);
        assert_eq!(events(&rig.lines(id)), []);
    }
}

#[test]
fn what_happened_with_nobody_there_is_in_the_history() {
    let mut rig = Rig::new(4);
    rig.pass(S);
    rig.suspend(60 * S);
    rig.pass(S);
    rig.suspend(40 * S);
    rig.step(5_000_000_000);
    // The turn that takes somebody in tells both nights as one.
    rig.run();
    let id = rig.connect(STREAM);
    let resume = json!({"epoch": format!("{:032x}", crate::rig::EPOCH), "events": 0});
    let line = json!({"subscribe": ["events"], "resume": resume});
    rig.say(id, format!("{line}\n").as_bytes());
    let told = events(&rig.lines(id));
    let slept = event("kymo.resumed", json!({"slept_s": 100.0}));
    assert_eq!(told, [slept, event("kymo.clock", json!({"moved_s": 5.0}))]);
}

#[test]
fn what_the_journal_did_not_take_is_told_when_it_does() {
    let disk = MemoryStorage::new(4, 512 * 1024);
    let start = Start { epoch: 9, salt: 3, boot: 1 };
    let history = History::open(Box::new(disk.clone()), &start, false).unwrap();
    let mut rig = Rig::with(4, 8192, history);
    let id = rig.connect(JSON);
    rig.read_all(id);
    disk.fail_writes(u64::MAX, 0);
    for ns in [2 * S, 3 * S] {
        rig.suspend(ns);
        assert_eq!(events(&rig.lines(id)), []);
        rig.pass(2 * S);
    }
    disk.fail_writes(0, 0);
    let told = events(&rig.lines(id));
    assert_eq!(told, [event("kymo.resumed", json!({"slept_s": 5.0}))]);
    rig.pass(2 * S);
    assert_eq!(events(&rig.lines(id)), []);
}

#[test]
fn nobody_else_speaks_with_its_voice() {
    let mut rig = Rig::new(4);
    let id = rig.connect(JSON);
    let owner = rig.connect(CONTROL);
    rig.read_all(id);
    for topic in ["\"kymo.resumed\"", "\"\\u006bymo.x\"", "\"kymo.\""] {
        let line = format!("{{\"action\":\"submit\",\"event\":{{\"topic\":{topic}}}}}");
        rig.say(owner, line.as_bytes());
        let reply = &rig.lines(owner)[0];
        assert_eq!((&reply["status"], &reply["code"]), (&json!("error"), &json!("denied")));
    }
    let fields = EventFields::custom("kymo.clock", Data::Json("{}"));
    let frames = rig.connect(CONTROL);
    rig.say(frames, &request(1, kymo_protocol::Action::Submit, Some(&fields)));
    let reply = rig.read_all(frames);
    let Body::Reply(reply) = Frame::parse(&reply).unwrap().body else { panic!("no reply") };
    assert!(reply.text().contains("\"code\":\"denied\""), "{}", reply.text());
    rig.turn(&[EventFields { wall_ns: 1, ..fields }]);
    assert_eq!(rig.hub.counters().events_refused, 1);
    let line = b"{\"action\":\"submit\",\"event\":{\"topic\":\"kymograph.x\"}}";
    rig.say(owner, line);
    assert_eq!(rig.lines(owner)[0]["status"], "success");
    assert_eq!(events(&rig.lines(id)).len(), 1);
}
