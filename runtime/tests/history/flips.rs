//! Each byte of a small journal turned over, and what subscribers and publishers get then.

use std::collections::BTreeMap;

use kymo::journal::MemoryStorage;
use serde_json::{Value, json};

use crate::World;

const SEGMENTS: usize = 3;
const SEGMENT_SIZE: usize = 2048;
const EVENT_BYTES: u32 = 1024;

/// What happens before the damage: every event with its number as key, sessions among them.
fn event(number: u64) -> String {
    match number % 8 {
        1 => "{\"type\":\"session_start\"}".into(),
        3 => format!("{{\"type\":\"transcription\",\"text\":\"number {number}\"}}"),
        6 => "{\"type\":\"session_end\"}".into(),
        _ => format!("{{\"topic\":\"t{number}\",\"data\":[{number},true]}}"),
    }
}

/// A journal after several laps; its epoch, what it holds, and which sequence each key has.
fn worn() -> (MemoryStorage, String, BTreeMap<u64, Value>, BTreeMap<u64, u64>) {
    let disk = MemoryStorage::new(SEGMENTS, SEGMENT_SIZE);
    let mut world = World::start(&disk, EVENT_BYTES, 1);
    let mut keys = BTreeMap::new();
    for batch in 0..40 {
        let numbers = batch * 2..batch * 2 + 2;
        let replies = world.submit(numbers.clone().map(|number| (number, event(number))));
        for (number, reply) in numbers.zip(replies) {
            keys.insert(number, reply["seq"].as_u64().unwrap());
        }
    }
    let epoch = world.epoch();
    drop(world);
    let mut world = World::start(&disk, EVENT_BYTES, 2);
    assert_eq!(world.epoch(), epoch);
    let (_, lines) = world.resume(&epoch, 0);
    let events: BTreeMap<u64, Value> =
        lines.into_iter().filter_map(|line| Some((line.get("seq")?.as_u64()?, line))).collect();
    assert!(events.len() > 10 && events.keys().min() > Some(&1), "{events:?}");
    keys.retain(|_, sequence| events.contains_key(sequence));
    (disk, epoch, events, keys)
}

/// What comes behind a token is what was there, in order, or a gap where it would have stood.
fn check(lines: &[Value], events: &BTreeMap<u64, Value>, mut next: u64, end: u64) -> u64 {
    let mut damaged = 0;
    for line in lines {
        match (line["type"].as_str().unwrap(), line["seq"].as_u64()) {
            ("gap", None) => {
                assert_eq!(line["first"], next, "{line}");
                let last = line["last"].as_u64().unwrap();
                let is_damage = line["reason"] == "damage";
                assert!(is_damage || line["reason"] == "retention", "{line}");
                damaged += if is_damage { last + 1 - next } else { 0 };
                next = last + 1;
            }
            ("state_change", None) => assert_eq!(line["catchup"], true),
            (_, Some(sequence)) => {
                assert_eq!((sequence, Some(line)), (next, events.get(&sequence)));
                next += 1;
            }
            _ => panic!("{line}"),
        }
    }
    assert_eq!(next, end);
    damaged
}

/// The bugs it finds: a start that fails or panics; an event that comes back changed, twice, or is
/// made up; one that is left out without a word; a sequence that is given to another event; a key
/// that points to another event.
#[test]
fn no_flipped_byte_invents_anything() {
    let (disk, epoch, events, keys) = worn();
    let end = events.keys().max().unwrap() + 1;
    let mut lost = 0;
    for segment in 0..SEGMENTS {
        for offset in 0..SEGMENT_SIZE {
            let damaged = disk.copy();
            damaged.flip(segment, offset, [0x01, 0x80, 0xFF][offset % 3]);
            let mut world = World::start(&damaged, EVENT_BYTES, 3);
            assert_eq!(world.epoch(), epoch, "one byte takes no end: {segment}:{offset}");
            let (_, lines) = world.resume(&epoch, 0);
            let missing = check(&lines, &events, 1, end);
            assert!(missing <= 1, "{missing} events at {segment}:{offset}");
            lost += missing;
            let has = |sequence: u64| lines.iter().any(|line| line["seq"] == sequence);
            let replies = world.submit(keys.keys().map(|number| (*number, event(*number))));
            for ((number, sequence), reply) in keys.iter().zip(&replies) {
                let told = reply["seq"].as_u64().unwrap_or_else(|| panic!("{reply}"));
                let is_new = told >= end && !has(*sequence);
                assert!(told == *sequence || is_new, "{number}: {reply} at {segment}:{offset}");
            }
        }
    }
    println!("{lost} of {} flips cost an event", SEGMENTS * SEGMENT_SIZE);
    assert!(lost > 1000, "too little was hit to mean anything");
}

#[test]
fn the_oracle_sees_what_is_wrong() {
    let (_, _, events, _) = worn();
    let (first, end) = (*events.keys().min().unwrap(), events.keys().max().unwrap() + 1);
    let lines: Vec<Value> = events.values().cloned().collect();
    assert_eq!(check(&lines, &events, first, end), 0);
    let mut changed = lines.clone();
    changed[3]["timestamp"] = json!(1.5);
    let mut twice = lines.clone();
    twice.insert(3, lines[3].clone());
    let mut missing = lines.clone();
    missing.remove(3);
    let mut cut = lines.clone();
    cut.pop();
    for wrong in [changed, twice, missing, cut] {
        let outcome = std::panic::catch_unwind(|| check(&wrong, &events, first, end));
        assert!(outcome.is_err());
    }
}
