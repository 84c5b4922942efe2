//! What was produced: the events, whatever lives of the daemon they are from, and the vitals of
//! this life, as witnesses got them whose sockets take everything.

use std::collections::{BTreeMap, HashMap};

use kymo_protocol::json::{ClockMap, LineOptions, write_line};
use kymo_protocol::{Ack, Body, Frame};
use serde_json::Value;

use crate::storage::{SEGMENT_SIZE, SEGMENTS};

/// Bytes of the newest events that a journal must have on a disk that never failed: all of its
/// segments but the one that is begun and what each leaves unused.
const KEPT_BYTES: u64 = (SEGMENTS as u64 - 3) * SEGMENT_SIZE as u64 / 2;

/// An event as it was produced.
#[derive(Debug)]
pub struct Event {
    pub topic: String,
    pub frame: Vec<u8>,
    pub line: Vec<u8>,
    /// Of its frame.
    pub digest: u64,
    /// The number that its publisher gave it.
    pub id: Option<u64>,
    /// Bytes of all events before it.
    bytes_before: u64,
    /// The most that a publisher was told of it.
    acked: Option<Ack>,
    /// Whether its record was damaged or lost, which no power brings back.
    is_damaged: bool,
}

/// Frames of one form, one behind the other.
#[derive(Debug, Default)]
pub struct Track {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Track {
    pub fn push(&mut self, frame: &[u8]) {
        self.bytes.extend_from_slice(frame);
        self.ends.push(self.bytes.len());
    }

    /// The number of the last one, counted from 1.
    pub fn last(&self) -> u64 {
        self.ends.len() as u64
    }

    pub fn get(&self, number: u64) -> Option<&[u8]> {
        let index = usize::try_from(number.checked_sub(1)?).unwrap();
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.ends.get(index).map(|end| &self.bytes[start..*end])
    }
}

/// What a start finds in the journal.
#[derive(Debug, Default)]
pub struct Found {
    pub epoch: u128,
    pub oldest: u64,
    pub next: u64,
    pub frames: BTreeMap<u64, Vec<u8>>,
}

/// Everything; see the module.
#[derive(Debug, Default)]
pub struct Truth {
    pub epoch: u128,
    /// From sequence 1 on; `None` where none was ever seen.
    events: Vec<Option<Event>>,
    bytes: u64,
    /// Sequences by the numbers that publishers gave.
    ids: HashMap<u64, u64>,
    /// What anybody may have seen under a sequence of an epoch.
    seen: HashMap<(u128, u64), u64>,
    /// Whether the disk never did anything wrong.
    pub is_sound: bool,
    /// Bits that were flipped, and events lost to that.
    pub flips: u64,
    damaged: u64,
    /// The oldest event that this life began with.
    kept_from: u64,
    /// Seconds asleep, and by which the wall clock was moved, as events of this life told them.
    pub told_s: [f64; 2],
    pub binary: Track,
    pub json: Track,
    pub bare: Track,
    pub opta1: Track,
}

impl Truth {
    pub fn new() -> Self {
        Self { is_sound: true, ..Self::default() }
    }

    /// The sequence behind the last event.
    pub fn next(&self) -> u64 {
        self.events.len() as u64 + 1
    }

    pub fn get(&self, sequence: u64) -> Option<&Event> {
        let index = usize::try_from(sequence.checked_sub(1)?).unwrap();
        self.events.get(index)?.as_ref()
    }

    fn get_mut(&mut self, sequence: u64) -> Option<&mut Event> {
        self.events.get_mut(usize::try_from(sequence - 1).unwrap())?.as_mut()
    }

    /// Sequences up to `last` have no event, or none that anybody was ever told of.
    pub fn pass_over(&mut self, last: u64) {
        while self.next() <= last {
            self.events.push(None);
        }
    }

    /// Takes in an event's frame, the next one there is.
    pub fn learn(&mut self, bytes: &[u8]) {
        let frame = Frame::parse(bytes).expect("a frame");
        let Body::Event(event) = frame.body else { panic!("{:?} is no event", frame.header) };
        let sequence = frame.header.sequence.get();
        assert_eq!(sequence, self.next(), "the witness was skipped");
        let digest = digest(bytes);
        let known = self.seen.insert((self.epoch, sequence), digest);
        assert!(known.is_none_or(|k| k == digest), "sequence {sequence} has two events");
        let id = number_in(bytes);
        if let Some(id) = id
            && let Some(before) = self.ids.insert(id, sequence)
        {
            let there = self.get(before).filter(|event| event.id == Some(id));
            // Keys are remembered as long as the journal has their events.
            let is_forgotten = before < self.kept_from;
            let is_gone = is_forgotten || there.is_none_or(|event| event.is_damaged);
            assert!(is_gone, "event #{id} is there twice, as {before} and as {sequence}");
        }
        let topic = event.topic().to_string();
        let line = line_of(bytes, LineOptions::default());
        if topic.starts_with("kymo.") {
            let line: Value = serde_json::from_slice(&line).expect("a line");
            self.told_s[0] += line["data"]["slept_s"].as_f64().unwrap_or(0.0);
            self.told_s[1] += line["data"]["moved_s"].as_f64().unwrap_or(0.0);
        }
        let (bytes_before, frame) = (self.bytes, bytes.to_vec());
        self.bytes += bytes.len() as u64;
        let (acked, is_damaged) = (None, false);
        let event = Event { topic, frame, line, digest, id, bytes_before, acked, is_damaged };
        self.events.push(Some(event));
    }

    /// A publisher was told of event `id`.
    pub fn acknowledge(&mut self, id: u64, sequence: u64, ack: Ack) {
        let Some(event) = self.get_mut(sequence) else {
            panic!("#{id} was acknowledged as {sequence}, which is no event");
        };
        assert_eq!(event.id, Some(id), "another event is acknowledged as {sequence}");
        event.acked = event.acked.max(Some(ack));
    }

    /// Whether a gap from `first` to `last` is one that there may be.
    pub fn check_gap(&self, first: u64, last: u64) {
        assert!(first <= last && last < self.next(), "a gap {first} to {last} of what is to come");
        let newest = (first..=last).rev().find_map(|sequence| self.get(sequence));
        if let Some(event) = newest.filter(|_| self.is_sound) {
            let kept = self.bytes - event.bytes_before;
            assert!(kept > KEPT_BYTES, "{first} to {last} are kept, and were told as a gap");
        }
    }

    /// A life has ended and another found this: whatever must have survived has. `is_powerless`
    /// says that what was not synced may be gone.
    pub fn restart(&mut self, found: &Found, is_powerless: bool) {
        for sequence in 1..self.next() {
            let Some(event) = self.get(sequence).filter(|event| !event.is_damaged) else {
                continue;
            };
            if let Some(frame) = found.frames.get(&sequence) {
                let is_same = *frame == event.frame;
                let is_new = is_powerless && event.acked != Some(Ack::Synced);
                assert!(is_same || is_new, "event {sequence} has become another one");
                if is_same {
                    continue;
                }
            } else if sequence < found.oldest && (!self.is_sound || self.is_old(event)) {
                continue;
            }
            let acked = event.acked;
            let may_be_lost = is_powerless && acked != Some(Ack::Synced);
            if !may_be_lost {
                self.damaged += 1;
                assert!(
                    self.damaged <= self.flips,
                    "event {sequence}, acknowledged as {acked:?}, is gone, with {} bits flipped",
                    self.flips
                );
            }
            self.get_mut(sequence).unwrap().is_damaged = true;
        }
        while self.next() > found.next {
            self.events.pop();
        }
        (self.epoch, self.kept_from) = (found.epoch, found.oldest);
        for (sequence, frame) in &found.frames {
            let is_lost = self.get(*sequence).is_some_and(|event| event.frame != *frame);
            if is_lost {
                // Of an event that no power kept another one took the place.
                self.replace(*sequence, frame);
            } else if *sequence >= self.next() {
                self.pass_over(*sequence - 1);
                self.learn(frame);
            } else if self.get(*sequence).is_none() {
                self.replace(*sequence, frame);
            }
        }
        self.pass_over(found.next - 1);
        self.told_s = [0.0; 2];
        (self.binary, self.json) = Default::default();
        (self.bare, self.opta1) = Default::default();
    }

    /// Puts an event that was written, and that nobody has seen, into its place.
    fn replace(&mut self, sequence: u64, frame: &[u8]) {
        let rest = self.events.split_off(usize::try_from(sequence - 1).unwrap());
        self.learn(frame);
        self.events.extend(rest.into_iter().skip(1));
    }

    fn is_old(&self, event: &Event) -> bool {
        self.bytes - event.bytes_before > KEPT_BYTES
    }
}

impl Event {
    /// Its line for who is caught up with it.
    pub fn catchup_line(&self) -> Vec<u8> {
        line_of(&self.frame, LineOptions { catchup: true, ..LineOptions::default() })
    }
}

fn line_of(bytes: &[u8], options: LineOptions) -> Vec<u8> {
    let frame = Frame::parse(bytes).expect("a frame");
    let mut room = [0; 8192];
    let size = write_line(&mut room, &frame, ClockMap::default(), options).expect("room");
    room[..size].to_vec()
}

/// What stands before an event's number in its text, and in no other bytes.
pub const NUMBER: &str = "number:";

fn number_in(bytes: &[u8]) -> Option<u64> {
    let at = bytes.windows(NUMBER.len()).position(|found| found == NUMBER.as_bytes())?;
    let digits = bytes[at + NUMBER.len()..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

/// Tells bytes from others.
pub fn digest(bytes: &[u8]) -> u64 {
    // Four at a time: none of them waits for another.
    let mut lanes = [bytes.len() as u64, 1, 2, 3];
    let (blocks, rest) = bytes.as_chunks::<32>();
    for block in blocks {
        for (lane, word) in lanes.iter_mut().zip(block.as_chunks::<8>().0) {
            *lane = mix(*lane, u64::from_le_bytes(*word));
        }
    }
    let digest = rest.iter().fold(0, |digest, byte| mix(digest, u64::from(*byte)));
    lanes.into_iter().fold(digest, mix)
}

/// One more number in a digest.
pub fn mix(digest: u64, word: u64) -> u64 {
    ((digest ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15)).rotate_left(29)
}
