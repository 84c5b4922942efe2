//! A whole recorder, whose frames and time are made here.

use std::fs;
use std::path::PathBuf;

use kymo_platform::clock::Now;
use kymo_protocol::{
    Field, Goodbye, GoodbyeReason, Payload, Position, Stamp, State, StreamId, Vitals, emit,
};

use super::super::file::Batch;
use super::super::{Folder, Gauges, Order, Recorder, Word, Written};
use super::{BOOT, S, WALL, subscribed, vitals, welcome};
use crate::config::{RecorderSettings, Threshold};
use crate::local::{LocalPeer, pair};

/// A recorder whose frames are made here.
struct Rig {
    peer: Option<LocalPeer>,
    recorder: Recorder,
    batch: Batch,
    gauges: Gauges,
    place: PathBuf,
}

impl Rig {
    fn new(name: &str, change: impl FnOnce(&mut RecorderSettings)) -> Self {
        let place = std::env::temp_dir().join(format!("kymo-rig-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&place);
        let mut settings = RecorderSettings { name: "x".try_into().unwrap(), ..Default::default() };
        change(&mut settings);
        let folder = Folder::open(&settings, place.to_str().unwrap()).unwrap();
        let (peer, subscriber) = pair(Box::new(|| ()), Box::new(|| ()), 8);
        let recorder = Recorder::new(0, &settings, subscriber, folder, 1);
        let peer = Some(peer);
        let rig = Self { peer, recorder, batch: Batch::new(), gauges: Gauges::default(), place };
        rig.send(&[&welcome(), &subscribed()]);
        rig
    }

    fn send(&self, frames: &[&[u8]]) {
        let size: usize = frames.iter().map(|frame| frame.len()).sum();
        assert_eq!(self.peer.as_ref().unwrap().send(frames), size);
    }

    fn now(at_s: u64) -> Now {
        Now { mono_ns: at_s * S, boot_ns: BOOT + at_s * S, wall_ns: WALL + at_s * S }
    }

    /// What it says in one turn.
    fn turn(&mut self, at_s: u64) -> Vec<Word> {
        let mut words = Vec::new();
        let Self { recorder, batch, gauges, .. } = self;
        recorder.turn(Self::now(at_s), gauges, batch, &mut |word| words.push(word));
        words
    }

    fn dump(&mut self, at_s: u64, last_ms: u64) -> Result<Written, String> {
        let order = Order { recorder: 0, ticket: 9, place: 1, last_ms };
        let mut told = None;
        let Self { recorder, batch, .. } = self;
        recorder.dump(order, Self::now(at_s), batch, &mut |word| told = Some(word));
        match told.unwrap() {
            Word::Dumped { ticket: 9, outcome, .. } => outcome.map_err(|why| why.to_string()),
            word => panic!("{word:?}"),
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.place);
    }
}

fn hot(sequence: u64, at_s: u64) -> Vec<u8> {
    with_usage(sequence, at_s, 99.0)
}

fn with_usage(sequence: u64, at_s: u64, usage: f32) -> Vec<u8> {
    let mut bytes = vec![0; Vitals::FRAME_SIZE];
    let at = Position { stream: StreamId::VITALS, sequence };
    let (vitals, _) = emit::<Vitals>(&mut bytes, at, Stamp { boot_ns: BOOT + at_s * S }).unwrap();
    vitals.cpu_usage.set(usage);
    vitals.set_state(Field::CpuUsage, State::Ok, 0);
    bytes
}

#[test]
fn a_value_beyond_its_limit_waits_for_the_pause_and_an_event_does_not() {
    let mut rig = Rig::new("pause", |settings| {
        let threshold =
            Threshold { field: Field::CpuUsage, is_above: true, limit: 90_000, for_ms: 0 };
        (settings.threshold, settings.after_s, settings.pause_s) = (Some(threshold), 2, 10);
    });
    rig.send(&[&hot(1, 1)]);
    assert!(rig.turn(1).is_empty() && rig.gauges.is_writing());
    rig.send(&[&hot(2, 2), &vitals(3, 3)]);
    let words = rig.turn(3);
    let [Word::Ended { written, why, .. }] = &words[..] else { panic!("{words:?}") };
    assert_eq!((written.counts.frames, &**why), (3, "cpu_usage above 90"));
    // It falls, and rises within the pause: the file begins behind it.
    rig.send(&[&with_usage(4, 4, 1.0), &hot(5, 5)]);
    assert!(rig.turn(5).is_empty() && !rig.gauges.is_writing());
    rig.send(&[&hot(6, 6)]);
    assert!(rig.turn(6).is_empty() && !rig.gauges.is_writing());
    rig.send(&[&hot(7, 11)]);
    assert!(rig.turn(11).is_empty() && rig.gauges.is_writing());
    assert_eq!(rig.gauges.withheld_events(), 0);
}

#[test]
fn who_asks_twice_gets_one_file_and_who_asks_for_the_last_another() {
    let mut rig = Rig::new("asked", |settings| settings.after_s = 5);
    rig.send(&[&vitals(1, 1), &vitals(2, 2), &vitals(3, 3)]);
    rig.turn(3);
    let first = rig.dump(3, 0).unwrap();
    let last = rig.dump(3, 1000).unwrap();
    let second = rig.dump(4, 0).unwrap();
    assert_eq!((first.counts.frames, first.after_ms, second.after_ms), (3, 5000, 4000));
    assert_eq!((last.counts.frames, last.after_ms), (2, 0));
    assert!(first.path == second.path && first.path != last.path);
    rig.send(&[&vitals(4, 5)]);
    assert!(rig.turn(7).is_empty());
    let words = rig.turn(8);
    let [Word::Ended { written, .. }] = &words[..] else { panic!("{words:?}") };
    assert_eq!((written.counts.frames, written.counts.span_ns()), (4, 4 * S));
}

#[test]
fn one_that_is_let_go_says_so_once_and_ends_its_file() {
    let mut rig = Rig::new("let-go", |_| ());
    rig.send(&[&vitals(1, 1)]);
    rig.turn(1);
    rig.dump(1, 0).unwrap();
    rig.peer = None;
    let words = rig.turn(2);
    let [Word::Failed { why, .. }, Word::Ended { .. }] = &words[..] else { panic!("{words:?}") };
    assert!(why.contains("let go"), "{why}");
    assert!(rig.turn(3).is_empty());
}

#[test]
fn the_end_of_the_loop_is_no_failure() {
    let mut rig = Rig::new("goodbye", |_| ());
    let mut bytes = vec![0; Goodbye::FRAME_SIZE];
    let stamp = Stamp { boot_ns: BOOT };
    emit::<Goodbye>(&mut bytes, Position::NONE, stamp).unwrap().0.set(GoodbyeReason::Shutdown);
    rig.send(&[&bytes]);
    rig.peer = None;
    assert!(rig.turn(1).is_empty());
}
