//! Subscribers that are slow, stuck, or gone.

use std::io::{Read, Write};
use std::time::Duration;

use crate::common::{Binary, Daemon, Got, eventually, subscribe};

fn subscriber(daemon: &Daemon, hz: u32, every: bool) -> (Binary, u64) {
    let mut client = daemon.binary();
    let next = client.say(&subscribe(hz * 1000, every).concat()).admitted();
    (client, next)
}

/// Reads to frame `until` or beyond: each frame stands for itself and those it says it replaces,
/// and nothing is missing. Returns the number of the last frame, and how many were replaced.
fn read_until(client: &mut Binary, next: u64, until: u64) -> (u64, u64) {
    let (mut last, mut replaced) = (next - 1, 0);
    while last < until {
        let (sequence, merged, _) = client.vitals();
        assert_eq!(sequence, last + 1 + merged, "after {last}");
        (last, replaced) = (sequence, replaced + merged);
    }
    (last, replaced)
}

#[test]
fn who_does_not_read_harms_nobody_and_is_told_what_it_missed() {
    let daemon = Daemon::start(&[]);
    let (mut reader, next) = subscriber(&daemon, 1000, false);
    let (mut stuck, stuck_next) = subscriber(&daemon, 1000, false);
    let mut stuck_lines = daemon.json("stream.sock");
    stuck_lines.say("{\"subscribe\":[\"vitals\"],\"rate_hz\":1000}\n");

    // Long enough for a second of frames in the buffers, and another that has to go.
    let (newest, replaced) = read_until(&mut reader, next, next + 2500);
    assert!(replaced < 500, "the reader lost {replaced} of 2500");

    let (_, replaced) = read_until(&mut stuck, stuck_next, newest);
    assert!(replaced > 100, "nothing was replaced");

    stuck_lines.expect("welcome");
    let next = stuck_lines.expect("subscribed")["next"]["vitals"].as_u64().unwrap();
    let (mut last, mut replaced) = (next - 1, 0);
    while last < newest {
        let line = stuck_lines.expect("vitals");
        let merged = line.get("merged").map_or(0, |merged| merged.as_u64().unwrap());
        assert_eq!(line["seq"], last + 1 + merged);
        (last, replaced) = (last + 1 + merged, replaced + merged);
    }
    assert!(replaced > 100, "nothing was replaced");
}

#[test]
fn after_a_pause_the_newest_comes() {
    let daemon = Daemon::start(&[]);
    let (mut reader, next) = subscriber(&daemon, 1000, false);
    let (mut stuck, mut stuck_next) = subscriber(&daemon, 1000, false);
    let newest = read_until(&mut reader, next, next + 2500).0;
    // What lay in the buffers is old and in order; then one frame jumps to now.
    let jump = loop {
        let (sequence, merged, _) = stuck.vitals();
        assert_eq!(sequence, stuck_next + merged);
        stuck_next = sequence + 1;
        if merged > 100 {
            break sequence;
        }
    };
    assert!(jump >= newest, "{jump} is older than {newest}");
}

#[test]
fn a_slow_recorder_gets_gaps_that_add_up() {
    let daemon = Daemon::start(&[]);
    let (mut reader, next) = subscriber(&daemon, 1000, false);
    let (mut recorder, mut recorder_next) = subscriber(&daemon, 1000, true);
    let newest = read_until(&mut reader, next, next + 2500).0;
    let mut missed = 0;
    while recorder_next <= newest {
        match recorder.frame() {
            Got::Vitals { sequence, merged, .. } => {
                assert_eq!((sequence, merged), (recorder_next, 0));
                recorder_next += 1;
            }
            Got::Gap { first, last, count } => {
                assert_eq!((first, count), (recorder_next, last - first + 1));
                recorder_next = last + 1;
                missed += count;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(missed > 100, "nothing was missed");
}

#[test]
fn one_byte_at_a_time_makes_whole_frames() {
    let daemon = Daemon::start(&[]);
    let (mut client, next) = subscriber(&daemon, 1000, false);
    client.read_max = 1;
    let mut last = next - 1;
    // Slower than frames come: 320 bytes take longer than a millisecond.
    for round in 0..600 {
        let (sequence, merged, _) = client.vitals();
        assert_eq!(sequence, last + 1 + merged);
        last = sequence;
        if round % 10 == 0 {
            std::thread::sleep(Duration::from_millis(30));
        }
    }
}

#[test]
fn who_goes_in_the_middle_is_forgotten() {
    let daemon = Daemon::start(&[]);
    let (mut witness, next) = subscriber(&daemon, 1000, false);
    let before = daemon.descriptors().len();
    for round in 0..60usize {
        let mut client = daemon.connect("stream.sock");
        client.write_all(&subscribe(1_000_000, false).concat()).unwrap();
        // Ends within welcome, subscribed, the first frame, or unread.
        let mut some = vec![0; round * 13];
        client.read_exact(&mut some).unwrap();
        drop(client);
        let mut lines = daemon.connect("json.sock");
        lines.read_exact(&mut some).unwrap();
    }
    read_until(&mut witness, next, next + 100);
    let after = eventually(|| (daemon.descriptors().len() == before).then_some(()));
    assert!(after.is_some(), "{before} descriptors before, {:?} after", daemon.descriptors());
}

#[test]
fn a_thousand_visitors_leave_nothing_behind() {
    let daemon = Daemon::start(&[]);
    let visit = |count: usize| {
        for round in 0..count {
            match round % 4 {
                0 => drop(daemon.connect("stream.sock")),
                1 => drop(daemon.json("json.sock").expect("welcome")),
                2 => {
                    let mut client = daemon.json("json.sock");
                    client.say("nonsense\n").admitted();
                    client.refusal();
                }
                _ => drop(subscriber(&daemon, 25, false)),
            }
        }
        let gone = eventually(|| {
            let before = daemon.descriptors();
            std::thread::sleep(Duration::from_millis(20));
            (daemon.descriptors() == before).then_some(before.len())
        });
        (gone.unwrap(), daemon.status("VmRSS"))
    };
    // The first hundred touch every page that will ever be.
    let (descriptors, resident_kb) = visit(100);
    let (descriptors_after, resident_kb_after) = visit(1000);
    assert_eq!(descriptors_after, descriptors);
    let grown_kb = resident_kb_after.saturating_sub(resident_kb);
    assert!(grown_kb <= 128, "{resident_kb} KB grew by {grown_kb}");
}
