//! Events: gaps, cuts, catch-up and what is counted.

use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{Body, Data, Decoder, EventFields};
use serde_json::{Value, json};

use crate::rig::{CONTROL, EPOCH, JSON, MS, Rig, STREAM, subscription};

fn submit(rig: &mut Rig, owner: kymo::SessionId, event: &Value) -> u64 {
    rig.say(owner, json!({"action": "submit", "event": event}).to_string().as_bytes());
    let replies = rig.lines(owner);
    replies[0]["seq"].as_u64().unwrap_or_else(|| panic!("{replies:?}"))
}

/// Types of lines, and what tells them apart.
fn told(lines: &[Value]) -> Vec<String> {
    let word = |line: &Value| {
        let mut text = line["type"].as_str().unwrap().to_string();
        for key in ["seq", "resume", "first", "last", "state"] {
            if let Some(value) = line.get(key) {
                text += &format!(" {}", value.to_string().trim_matches('"'));
            }
        }
        text + if line["catchup"] == true { " catchup" } else { "" }
    };
    lines.iter().filter(|line| line["type"] != "vitals").map(word).collect()
}

#[test]
fn a_gap_of_vitals_never_stands_inside_of_an_event() {
    let mut rig = Rig::new(4);
    let id = rig.connect(STREAM);
    let mut fixed = SubscribeFixed::default();
    fixed.rate_mhz.set(1_000_000);
    fixed.streams.set(1 | 8);
    fixed.options.set(1);
    rig.say(id, &subscription(&fixed, &[]));
    rig.run();
    rig.read(id, usize::MAX);
    let data = vec![7; 8000];
    let event = EventFields::custom("long", Data::Bytes(&data));
    // So little room that the rest of the event is longer than what is kept of it.
    rig.socket(id).capacity = 1000;
    rig.turn(&[event]);
    // Longer than the vitals are remembered, while some of the event goes.
    let mut bytes = Vec::new();
    for _ in 0..12 {
        for _ in 0..40 {
            rig.pass(MS);
            rig.turn(&[]);
        }
        bytes.extend(rig.read(id, 600));
    }
    rig.socket(id).capacity = usize::MAX;
    bytes.extend(rig.read_all(id));
    let mut decoder = Box::new(Decoder::<16384>::new());
    let (mut events, mut gaps) = (0, 0);
    for piece in bytes.chunks(4096) {
        decoder.space()[..piece.len()].copy_from_slice(piece);
        decoder.filled(piece.len());
        while let Some(frame) = decoder.next_frame().expect("a whole frame") {
            match frame.body {
                Body::Event(event) => {
                    assert_eq!(event.data(), Data::Bytes(&data));
                    events += 1;
                }
                Body::Gap(_) => gaps += 1,
                _ => {}
            }
        }
    }
    assert_eq!(events, 1);
    assert!(gaps > 0, "nothing was lapped");
    assert_eq!(rig.hub.counters().events_sent, 1, "it is one event however it was cut");
}

#[test]
fn a_cut_event_is_counted_once_and_what_is_asked_meanwhile_waits() {
    for topics in [&[][..], &["long"]] {
        let mut rig = Rig::new(4);
        let id = rig.connect(STREAM);
        let mut fixed = SubscribeFixed::default();
        fixed.streams.set(8);
        rig.say(id, &subscription(&fixed, topics));
        rig.run();
        rig.read(id, usize::MAX);
        rig.socket(id).capacity = 500;
        let data = vec![7; 8000];
        rig.turn(&[EventFields::custom("long", Data::Bytes(&data))]);
        for _ in 0..30 {
            rig.read(id, 300);
            rig.run();
        }
        assert_eq!(rig.hub.counters().events_sent, 1);
    }
    // A line that comes in the middle of an event is answered behind it.
    let mut rig = Rig::new(4);
    let id = rig.connect(JSON);
    rig.run();
    rig.lines(id);
    rig.socket(id).capacity = 500;
    let data = vec![7; 8000];
    rig.turn(&[EventFields::custom("long", Data::Bytes(&data))]);
    rig.say(id, b"{\"subscribe\":[\"events\"]}\n");
    let mut bytes = Vec::new();
    for _ in 0..60 {
        rig.run();
        bytes.extend(rig.read(id, 300));
    }
    let lines: Vec<Value> = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("a whole line"))
        .collect();
    assert_eq!(told(&lines), ["event 1", "subscribed fresh"]);
}

#[test]
fn a_token_of_another_history_brings_the_whole_catch_up() {
    let mut rig = Rig::new(8);
    let owner = rig.connect(CONTROL);
    submit(&mut rig, owner, &json!({"type": "session_start"}));
    submit(&mut rig, owner, &json!({"type": "state_change", "state": "recording"}));
    submit(&mut rig, owner, &json!({"type": "transcription", "text": "one"}));
    let all =
        ["state_change recording catchup", "session_start 1 catchup", "transcription 3 catchup"];
    let ask = |epoch: u128, events: u64| {
        format!(
            "{{\"subscribe\":[\"events\"],\"resume\":{{\"epoch\":\"{epoch:032x}\",\
             \"events\":{events}}}}}\n"
        )
    };
    for (epoch, events) in [(EPOCH + 1, 2), (EPOCH, 4), (EPOCH, u64::MAX)] {
        let id = rig.connect(STREAM);
        rig.say(id, ask(epoch, events).as_bytes());
        let lines = rig.lines(id);
        assert_eq!(told(&lines[1..]), [&["subscribed fresh"][..], &all].concat());
        // Who has read on json.sock and then brings such a token forgets what it was told.
        let id = rig.connect(JSON);
        let lines = rig.lines(id);
        assert_eq!(told(&lines[1..]), all);
        rig.say(id, ask(epoch, events).as_bytes());
        assert_eq!(told(&rig.lines(id)), [&["subscribed fresh"][..], &all].concat());
    }
    let id = rig.connect(JSON);
    rig.lines(id);
    rig.say(id, ask(EPOCH, 1).as_bytes());
    let replayed = ["subscribed tail", "state_change 2 recording", "transcription 3"];
    assert_eq!(told(&rig.lines(id)), replayed);
}

#[test]
fn a_gap_on_resume_is_followed_by_the_snapshot() {
    let mut rig = Rig::new(8);
    let data = vec![7; 8000];
    for _ in 0..40 {
        rig.turn(&[EventFields::custom("long", Data::Bytes(&data))]);
    }
    let ask = format!(
        "{{\"subscribe\":[\"events\"],\"resume\":{{\"epoch\":\"{EPOCH:032x}\",\"events\":2}}}}\n"
    );
    for listener in [STREAM, JSON] {
        let id = rig.connect(listener);
        if listener == JSON {
            rig.lines(id);
        }
        rig.say(id, ask.as_bytes());
        let lines = rig.lines(id);
        let told = told(&lines[usize::from(listener == STREAM)..]);
        let last: u64 = lines.iter().find_map(|line| line["last"].as_u64()).unwrap();
        let head = ["subscribed gap".to_string(), format!("gap 3 {last}")];
        assert_eq!(told[..2], head);
        assert_eq!(told[2], "state_change idle catchup");
        let rest: Vec<String> = (last + 1..=40).map(|seq| format!("event {seq}")).collect();
        assert_eq!(told[3..], rest);
    }
}

#[test]
fn who_lags_and_subscribes_is_told_where_live_goes_on() {
    let mut rig = Rig::new(4);
    let id = rig.connect(JSON);
    rig.lines(id);
    rig.socket(id).capacity = 1;
    for _ in 0..3 {
        rig.turn(&[EventFields::custom("t", Data::Json("1"))]);
    }
    rig.say(id, b"{\"subscribe\":[\"events\"]}\n");
    rig.socket(id).capacity = usize::MAX;
    let lines = rig.lines(id);
    let granted = lines.iter().find(|line| line["type"] == "subscribed").unwrap();
    let next = granted["next"]["events"].as_u64().unwrap();
    let mut behind = lines.iter().skip_while(|line| line["type"] != "subscribed").skip(1);
    let first = behind.find(|line| line["type"] == "event").unwrap();
    assert_eq!(first["seq"], next, "{lines:#?}");
}

#[test]
fn an_event_without_a_time_has_that_of_its_turn() {
    let mut rig = Rig::new(4);
    let id = rig.connect(JSON);
    rig.lines(id);
    rig.pass(1234 * MS);
    let event = EventFields::custom("t", Data::Json("1"));
    rig.turn(&[event, EventFields { wall_ns: 1_500_000_000, ..event }]);
    let lines = rig.lines(id);
    let events = lines.iter().filter(|line| line["type"] == "event");
    let times: Vec<_> = events.map(|line| line["timestamp"].as_f64().unwrap()).collect();
    #[allow(clippy::cast_precision_loss)] // to the microsecond
    let now = (rig.now.wall_ns / 1000) as f64 / 1e6;
    assert_eq!(times, [now, 1.5]);
}
