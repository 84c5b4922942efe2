//! Samples: forms, rates and demand.

use kymo::{SessionId, Sources};
use kymo_protocol::{Group, Groups};
use serde_json::{Value, json};

use crate::rig::{MS, Rig, STREAM};
use crate::sensors::Double;

/// The bare listener of the rig.
const BARE: usize = 3;

fn rig(doubles: &[Double]) -> Rig {
    let mut rig = Rig::new(8);
    rig.sources = Sources::new(doubles.iter().map(Double::source).collect(), 1e9, || {}).unwrap();
    rig
}

fn subscribe(
    rig: &mut Rig,
    listener: usize,
    rate_hz: u32,
    every: bool,
    groups: &[&str],
) -> SessionId {
    let id = rig.connect(listener);
    let line = json!({
        "subscribe": ["samples"], "rate_hz": rate_hz, "every": every, "groups": groups,
    });
    rig.say(id, format!("{line}\n").as_bytes());
    id
}

/// Lines of the stream that come in so many milliseconds.
fn pass(rig: &mut Rig, id: SessionId, ms: u64) -> Vec<Value> {
    let mut lines = Vec::new();
    for _ in 0..ms {
        rig.pass(MS);
        lines.extend(rig.lines(id));
    }
    lines.retain(|line| ["samples", "catalog", "gap"].contains(&line["type"].as_str().unwrap()));
    lines
}

#[test]
fn lines_of_the_bare_profile_have_no_sequence() {
    let mut rig = rig(&[Double::with(Group::Cpu, MS, 2)]);
    let bare = subscribe(&mut rig, BARE, 1000, false, &[]);
    let lines = pass(&mut rig, bare, 3);
    assert_eq!(lines[0]["type"], "catalog");
    assert!(lines.len() > 2 && lines[1]["samples"][1]["value"] == 10001.0, "{lines:?}");
    assert!(lines.iter().all(|line| line.get("seq").is_none()), "{lines:?}");
}

/// The bug it finds: frames of what is read often push out those of what is read seldom before a
/// subscriber at a low rate is due.
#[test]
fn what_is_read_seldom_reaches_who_is_served_seldom() {
    let doubles = [Double::with(Group::Cpu, MS, 90), Double::with(Group::Pressure, 500 * MS, 3)];
    let mut rig = rig(&doubles);
    let fast = subscribe(&mut rig, STREAM, 1000, false, &[]);
    let slow = subscribe(&mut rig, STREAM, 1, false, &["pressure"]);
    let mut count = 0;
    for _ in 0..4 {
        rig.read(fast, usize::MAX);
        let lines = pass(&mut rig, slow, 1000);
        count += lines.iter().filter(|line| line["type"] == "samples").count();
        assert!(lines.iter().all(|line| line.get("merged").is_none()), "{lines:?}");
    }
    assert_eq!(count, 4);
}

/// The bugs it finds: gaps that name what is hidden, and frames lost to waiting for a batch.
#[test]
fn every_frame_at_a_low_rate_has_no_gap() {
    let doubles = [Double::with(Group::Cpu, MS, 9), Double::with(Group::Pressure, 500 * MS, 300)];
    let mut rig = rig(&doubles);
    let fast = subscribe(&mut rig, STREAM, 1000, false, &["c*"]);
    let ids = ["pressure", "cpu"].map(|group| subscribe(&mut rig, STREAM, 1, true, &[group]));
    for (id, least) in ids.into_iter().zip([4, 1000]) {
        rig.read(fast, usize::MAX);
        let lines = pass(&mut rig, id, 1100);
        assert!(lines.iter().all(|line| line["type"] != "gap"), "{least}");
        let sequences: Vec<_> = lines.iter().filter_map(|line| line["seq"].as_u64()).collect();
        assert!(sequences.len() >= least && sequences.is_sorted(), "{}", sequences.len());
    }
}

#[test]
fn the_last_sensor_that_goes_is_told_and_the_last_subscriber_ends_demand() {
    let double = Double::with(Group::Hwmon, 10 * MS, 1);
    let mut rig = rig(std::slice::from_ref(&double));
    let id = subscribe(&mut rig, STREAM, 100, false, &["hwmon"]);
    let lines = pass(&mut rig, id, 30);
    assert_eq!((&lines[0]["total"], &lines[0]["topology"]), (&json!(1), &json!(1)));
    double.script().sensors.clear();
    double.script().stale_reads = 1;
    let lines = pass(&mut rig, id, 30);
    let last = lines.last().unwrap();
    assert_eq!((&last["type"], &last["total"]), (&json!("catalog"), &json!(0)), "{lines:?}");
    let nothing = subscribe(&mut rig, STREAM, 100, true, &["no such group"]);
    assert_eq!(rig.hub.samples().wanted(), Groups(1 << 5));
    rig.hang_up(id);
    rig.run();
    assert_eq!(rig.hub.samples().wanted(), Groups(0));
    let reads = double.counts()[1];
    // At most a catalog.
    assert!(pass(&mut rig, nothing, 30).iter().all(|line| line["type"] != "samples"));
    assert_eq!(double.counts()[1], reads);
}

/// The bug it finds: a wish for readings that nobody makes so often, or at all, made ticks.
#[test]
fn nobody_makes_more_ticks_than_there_is_something_to_do_at() {
    let doubles = [Double::with(Group::Pressure, 500 * MS, 3), Double::with(Group::Disk, MS, 0)];
    for (groups, ticks_max, samples) in
        [("pressure", 3 * 10 + 1, 20), ("disk", 5, 0), ("hwmon", 2, 0), ("no such group", 0, 0)]
    {
        let mut rig = rig(&doubles);
        let id = subscribe(&mut rig, STREAM, 1000, false, &[groups]);
        let said = rig.lines(id);
        assert!(said.iter().any(|line| line["rate_hz"] == 1000), "{said:?}");
        let told = said.iter().filter(|line| line["type"] == "samples").count();
        let lines = pass(&mut rig, id, 10_000 - 1);
        let told = told + lines.iter().filter(|line| line["type"] == "samples").count();
        assert!(rig.ticks.len() <= ticks_max, "{groups}: {}", rig.ticks.len());
        assert!(told.abs_diff(samples) <= 1, "{groups}: {told}");
        // Those of others are as many as they ask for.
        rig.ticks.clear();
        let vitals = rig.connect(STREAM);
        rig.say(vitals, b"{\"subscribe\":[\"vitals\"],\"rate_hz\":25}\n");
        pass(&mut rig, vitals, 2000);
        assert!((49..=52).contains(&rig.ticks.len()), "{groups}: {}", rig.ticks.len());
        rig.hang_up(vitals);
        rig.run();
        rig.ticks.clear();
        pass(&mut rig, id, 2000);
        assert!(rig.ticks.len() <= ticks_max, "{groups}: {}", rig.ticks.len());
    }
}

/// What comes later is found, and read as often as it may be from then on.
#[test]
fn hardware_that_comes_brings_the_ticks_back() {
    let double = Double::with(Group::Disk, 10 * MS, 0);
    let mut rig = rig(std::slice::from_ref(&double));
    let id = subscribe(&mut rig, STREAM, 1000, false, &["disk"]);
    pass(&mut rig, id, 2000);
    double.script().fill(1, 2);
    pass(&mut rig, id, 10_000);
    let lines = pass(&mut rig, id, 1000);
    assert!((99..=101).contains(&lines.len()), "{}", lines.len());
}
