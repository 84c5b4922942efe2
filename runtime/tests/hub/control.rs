//! The owner's connections: order, ends, deadlines, and work that must not be forgotten.

use kymo_protocol::{Action, Body, Data, EventFields, Frame, FrameHeader, Words};
use serde_json::{Value, json};

use crate::rig::{CONTROL, JSON, MS, Rig, STREAM, request};

const SUBMIT: &str = r#"{"action":"submit","event":{"topic":"t"}}"#;
const PING: &str = r#"{"action":"ping"}"#;

/// Ids and codes of reply frames, all of them whole.
fn replies(mut bytes: &[u8]) -> Vec<(u64, u16)> {
    let mut replies = Vec::new();
    while !bytes.is_empty() {
        let size = 32 + FrameHeader::parse(bytes).unwrap().payload_size();
        let Body::Reply(reply) = Frame::parse(&bytes[..size]).unwrap().body else { panic!() };
        let text: Value = serde_json::from_str(reply.text()).unwrap();
        let fields = reply.fields();
        assert_eq!(text["status"] == "success", fields.code == 0);
        replies.push((fields.id, fields.code));
        bytes = &bytes[size..];
    }
    replies
}

#[test]
fn replies_come_before_the_word_about_a_mistake() {
    let event = EventFields::custom("t", Data::Text(Words::Plain("x")));
    let mut rig = Rig::new(4);
    let id = rig.connect(CONTROL);
    let submits = [1, 2, 3].map(|id| request(id, Action::Submit, Some(&event))).concat();
    rig.say(id, &[&submits[..], &[b'X'; 40]].concat());
    let bytes = rig.read_all(id);
    assert_eq!(replies(&bytes), [(1, 0), (2, 0), (3, 0), (0, 1)]);
    assert!(rig.socket(id).closed);

    let id = rig.connect(CONTROL);
    rig.say(id, format!("{SUBMIT}{SUBMIT}{{\"action\":\"{}", "x".repeat(60_000)).as_bytes());
    let lines = rig.lines(id);
    let told: Vec<_> = lines.iter().map(|line| line.get("code").cloned()).collect();
    assert_eq!(told, [None, None, Some("too_long".into())]);
    assert!(rig.socket(id).closed);
}

#[test]
fn what_the_end_of_input_cuts_off_is_a_mistake_in_frames_as_well() {
    let ping = request(7, Action::Ping, None);
    for size in [1, 31, 32, 40, ping.len() - 1] {
        let mut rig = Rig::new(4);
        let id = rig.connect(CONTROL);
        rig.say(id, &[&ping, &ping[..size]].concat());
        rig.socket(id).ended = true;
        let bytes = rig.read_all(id);
        assert_eq!(replies(&bytes), [(7, 0), (0, 1)], "{size} bytes more");
        assert!(rig.socket(id).closed, "{size} bytes more: it keeps its place");
    }
    // A frame that is to be skipped, and ends before it does, is none of that.
    let mut rig = Rig::new(4);
    let id = rig.connect(CONTROL);
    let mut unknown = ping.clone();
    unknown[12..14].copy_from_slice(&999u16.to_le_bytes());
    unknown.pop();
    rig.say(id, &[&ping[..], &unknown].concat());
    rig.socket(id).ended = true;
    let bytes = rig.read_all(id);
    assert_eq!(replies(&bytes), [(7, 0)]);
    assert!(rig.socket(id).closed);
}

#[test]
fn who_never_reads_its_replies_is_cut_and_nobody_else() {
    for has_witness in [true, false] {
        let mut rig = Rig::new(4);
        let subscriber = rig.connect(JSON);
        let stuck = rig.connect(CONTROL);
        rig.socket(stuck).capacity = 100;
        rig.say(stuck, PING.repeat(20).as_bytes());
        rig.run();
        let other = rig.connect(CONTROL);
        if !has_witness {
            // Its deadline must not go with those of the last subscriber.
            rig.hang_up(subscriber);
            rig.run();
        }
        for _ in 0..29 {
            rig.pass(1000 * MS);
            rig.run();
            assert!(!rig.socket(stuck).closed);
        }
        assert!(rig.hub.deadline_ns().is_some(), "nothing wakes the loop");
        rig.pass(2000 * MS);
        rig.run();
        assert!(rig.socket(stuck).closed, "a witness: {has_witness}");
        rig.say(other, PING.as_bytes());
        assert_eq!(rig.lines(other), [json!({"status": "success", "message": "pong"})]);
    }
}

#[test]
fn requests_that_waited_for_room_are_not_forgotten() {
    for text in [SUBMIT, r#"{"action":"status"}"#, r#"{"action":"toggle"}"#] {
        // From some number on, so many replies wait that the last requests have to.
        for count in (800..1000).step_by(10) {
            let mut rig = Rig::new(4);
            let id = rig.connect(CONTROL);
            rig.socket(id).capacity = 1000;
            rig.say(id, PING.repeat(count).as_bytes());
            rig.say(id, text.repeat(3).as_bytes());
            rig.run();
            rig.socket(id).capacity = usize::MAX;
            let replies = rig.lines(id);
            assert_eq!(replies.len(), count + 3, "{text}: the loop sleeps, and nothing wakes it");
            assert!(replies.iter().all(|reply| reply["status"] == "success"));
        }
    }
}

#[test]
fn who_hangs_up_has_asked_all_the_same() {
    let mut rig = Rig::new(4);
    let witness = rig.connect(STREAM);
    rig.say(witness, b"{\"subscribe\":[\"events\"]}\n");
    rig.lines(witness);
    let id = rig.connect(CONTROL);
    // More than one turn takes, and some that others have to be answered before.
    let mixed = [&SUBMIT.repeat(100), r#"{"action":"status"}{"action":"toggle"}"#, SUBMIT].concat();
    rig.say(id, mixed.as_bytes());
    rig.hang_up(id);
    let topics: Vec<_> = rig.lines(witness).into_iter().map(|line| line["type"].clone()).collect();
    assert_eq!(topics.len(), 103);
    assert_eq!(topics[100..], ["session_start", "state_change", "event"]);
    assert!(rig.socket(id).closed);
    assert_eq!(rig.hub.clients(), 1);
}

#[test]
fn nobody_takes_a_place_while_it_stops() {
    let mut rig = Rig::new(4);
    let id = rig.connect(CONTROL);
    rig.say(id, br#"{"action":"quit","id":"x"}"#);
    assert_eq!(rig.lines(id)[0]["id"], "x");
    for listener in [CONTROL, JSON, STREAM] {
        assert_eq!(rig.try_connect(listener), None);
    }
    rig.run();
    assert_eq!(rig.hub.clients(), 0, "a place that nobody can give back");
}

#[test]
fn a_flood_of_requests_keeps_nobody_from_being_served() {
    let mut rig = Rig::new(4);
    let (flood, other) = (rig.connect(CONTROL), rig.connect(CONTROL));
    let subscriber = rig.connect(JSON);
    rig.say(flood, PING.repeat(3000).as_bytes());
    rig.say(other, PING.as_bytes());
    rig.turn(&[]);
    assert_eq!(rig.read(other, usize::MAX).split(|byte| *byte == b'\n').count(), 2);
    assert!(!rig.socket(subscriber).got.is_empty(), "a subscriber has to wait");
    let mut replies = 0;
    while replies < 3000 {
        rig.turn(&[]);
        let bytes = rig.read(flood, usize::MAX);
        let taken = bytes.iter().filter(|byte| **byte == b'\n').count();
        // So many each time when some are read, and when the rest is looked at.
        assert!(taken <= 4 * 64, "{taken} requests in one turn");
        replies += taken;
    }
}

/// The bug it finds: tools that hang about, and an owner who is told that all places are taken.
#[test]
fn the_idlest_makes_room_for_the_owner() {
    let mut rig = Rig::new(4);
    let ids: Vec<_> = (0..7).map(|_| rig.connect(CONTROL)).collect();
    rig.pass(9_000 * MS);
    rig.say(ids[0], PING.as_bytes());
    rig.turn(&[]);
    rig.pass(2_000 * MS);
    let eighth = rig.connect(CONTROL);
    rig.turn(&[]);
    let closed: Vec<_> = ids.iter().filter(|id| rig.sockets[id].closed).collect();
    assert_eq!(closed, [&ids[1]], "the first of those that never spoke");
    // The others have been idle for longer than that now, but there is room.
    let ninth = rig.connect(CONTROL);
    rig.turn(&[]);
    assert!(rig.sockets[&ids[2]].closed && !rig.sockets[&ids[0]].closed);
    assert!(!rig.sockets[&eighth].closed && !rig.sockets[&ninth].closed);
    // Nobody who is at work is sent away.
    for id in [3, 4, 5, 6].map(|index| ids[index]) {
        rig.say(id, PING.as_bytes());
    }
    rig.turn(&[]);
    rig.connect(CONTROL);
    rig.turn(&[]);
    assert_eq!(rig.try_connect(CONTROL), None);
}
