//! What a subscriber of samples is owed, worked out beside the hub from what was produced and from
//! when its socket began to take each frame.

use std::collections::BTreeMap;

use kymo_protocol::json::{ClockMap, LineOptions, write_line};
use kymo_protocol::{Body, Frame, Group, Groups};
use serde_json::Value;

use crate::rig::MS;

/// Group and part.
type Lane = (Group, u8);

/// A frame of samples as it was produced.
pub struct Produced {
    lane: Lane,
    topology: u32,
    bytes: Vec<u8>,
}

/// Everything that was produced, as a subscriber with endless room gets it.
#[derive(Default)]
pub struct Truth {
    frames: Vec<Produced>,
    /// The newest of each lane, and of which topology they are.
    newest: BTreeMap<Lane, u64>,
    pub topology: u32,
    /// Identities and their ids in the catalog that is in force, and how many it is to have.
    ids: Vec<(String, u16)>,
    known: BTreeMap<String, u16>,
    total: u32,
}

impl Truth {
    pub fn next(&self) -> u64 {
        self.frames.len() as u64 + 1
    }

    fn get(&self, sequence: u64) -> &Produced {
        &self.frames[usize::try_from(sequence).unwrap() - 1]
    }

    /// Takes in what the witness was sent.
    pub fn learn(&mut self, bytes: &[u8]) {
        let frame = Frame::parse(bytes).unwrap();
        match frame.body {
            Body::Catalog(catalog) => {
                let part = catalog.part();
                if part.first == 0 {
                    assert_eq!(part.topology, self.topology + 1);
                    (self.topology, self.total) = (part.topology, part.total);
                    self.newest.clear();
                    self.ids.clear();
                }
                assert_eq!((part.topology, part.total), (self.topology, self.total));
                assert_eq!(part.first as usize, self.ids.len());
                let found = catalog.sensors().map(|s| (s.identity().to_string(), s.id()));
                self.ids.extend(found);
                assert_eq!(catalog.is_last(), self.ids.len() == self.total as usize);
                if catalog.is_last() {
                    self.check_ids();
                }
            }
            Body::Samples(samples) => {
                let of = samples.of();
                assert_eq!(frame.header.sequence.get(), self.next());
                assert_eq!(of.topology, self.topology);
                assert_eq!(samples.merged(), 0);
                assert!(self.ids.len() == self.total as usize && (1..=of.parts).contains(&of.part));
                for sample in &samples.samples {
                    let (identity, _) =
                        self.ids.iter().find(|(_, id)| *id == sample.id.get()).unwrap();
                    let (_, number) = identity.rsplit_once('/').unwrap();
                    let number: u32 = number.parse().unwrap();
                    if let Some(value) = sample.reading() {
                        assert_eq!(value, f64::from(number), "another sensor's value");
                    }
                }
                let lane = (of.group, of.part);
                self.newest.insert(lane, self.next());
                self.frames.push(Produced { lane, topology: of.topology, bytes: bytes.to_vec() });
            }
            Body::Gap(_) => panic!("the witness was lapped"),
            _ => {}
        }
    }

    /// Nobody has another's id, and everybody the one it had before.
    fn check_ids(&mut self) {
        let mut ids: Vec<u16> = self.ids.iter().map(|(_, id)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert!(ids.len() == self.ids.len() && ids.first() != Some(&0));
        for (identity, id) in &self.ids {
            let before = *self.known.entry(identity.clone()).or_insert(*id);
            assert_eq!(before, *id, "{identity} has another id");
        }
    }
}

/// One thing that a subscriber is told.
pub enum Told {
    Catalog { topology: u32, first: usize, count: usize, total: usize, is_last: bool },
    Samples { sequence: u64, merged: u64, content: Content },
    Gap { first: u64, last: u64 },
    Nothing,
}

#[derive(PartialEq, Debug)]
pub enum Content {
    Payload(Vec<u8>),
    Line(Box<Value>),
}

/// What a subscriber is owed.
pub struct Ledger {
    pub groups: Groups,
    /// With `every`: the sequence of the next frame.
    pub cursor: Option<u64>,
    period_ns: u64,
    due_ns: u64,
    topology: u32,
    told: usize,
    is_whole: bool,
    /// Newest of each lane when it was due or sent last.
    known: BTreeMap<Lane, u64>,
    /// Of each lane, frames that were due and not sent.
    pending: BTreeMap<Lane, u64>,
    pub got: u64,
    pub merged: u64,
    pub gaps: u64,
}

impl Ledger {
    pub fn new(groups: Groups, rate_hz: u64, every: bool, truth: &Truth) -> Self {
        Self {
            groups,
            cursor: every.then(|| truth.next()),
            period_ns: 1000 * MS / rate_hz,
            due_ns: 0,
            topology: 0,
            told: 0,
            is_whole: false,
            known: BTreeMap::new(),
            pending: BTreeMap::new(),
            got: 0,
            merged: 0,
            gaps: 0,
        }
    }

    fn follow(&mut self, topology: u32) {
        if self.topology != topology {
            (self.topology, self.told, self.is_whole) = (topology, 0, false);
            self.known.clear();
            self.pending.clear();
        }
    }

    /// A tick of a grid of 1 kHz, of which `truth` has what it has produced.
    pub fn tick(&mut self, tick_ns: u64, truth: &Truth) {
        if self.due_ns > tick_ns + MS / 2 {
            return;
        }
        self.due_ns += self.period_ns;
        if self.due_ns + self.period_ns / 2 < tick_ns {
            self.due_ns = tick_ns + self.period_ns;
        }
        self.follow(truth.topology);
        if self.cursor.is_some() {
            return;
        }
        for (lane, newest) in &truth.newest {
            if self.groups.contains(lane.0) && self.known.get(lane) != Some(newest) {
                self.known.insert(*lane, *newest);
                *self.pending.entry(*lane).or_default() += 1;
            }
        }
    }

    /// Its socket has begun to take this.
    pub fn take(&mut self, told: &Told, truth: &Truth) {
        match told {
            Told::Catalog { topology, first, count, total, is_last } => {
                self.follow(*topology);
                assert_eq!(*topology, truth.topology, "a catalog that is no longer in force");
                assert!(
                    !self.is_whole && *first == self.told,
                    "the catalog is told in order, once"
                );
                assert_eq!(*total, truth.total as usize);
                self.told += count;
                self.is_whole = self.told == *total;
                assert_eq!(self.is_whole, *is_last);
            }
            Told::Samples { sequence, merged, content } => {
                let produced = truth.get(*sequence);
                assert!(self.is_whole && produced.topology == self.topology, "no catalog of it");
                assert!(self.groups.contains(produced.lane.0));
                assert_eq!(*content, expected(&produced.bytes, content));
                self.got += 1;
                self.merged += merged;
                match self.cursor {
                    Some(cursor) => {
                        assert_eq!((self.next_wanted(cursor, truth), *merged), (*sequence, 0));
                        self.cursor = Some(sequence + 1);
                    }
                    None => self.newest(*sequence, *merged, produced.lane, truth),
                }
            }
            Told::Gap { first, last } => {
                let cursor = self.cursor.expect("gaps are told to who wants every frame");
                assert_eq!(
                    self.next_wanted(cursor, truth),
                    *first,
                    "not the first that is missing"
                );
                assert!(first <= last && *last < truth.next());
                self.cursor = Some(last + 1);
                self.gaps += 1;
            }
            Told::Nothing => {}
        }
    }

    fn newest(&mut self, sequence: u64, merged: u64, lane: Lane, truth: &Truth) {
        assert_eq!(truth.newest[&lane], sequence, "not the newest of {lane:?}");
        let due = self.pending.insert(lane, 0).unwrap_or(0);
        assert_eq!(merged + 1, due, "{lane:?} was due {due} times before {sequence}");
        self.known.insert(lane, sequence);
    }

    fn next_wanted(&self, cursor: u64, truth: &Truth) -> u64 {
        let mut later = cursor..truth.next();
        later
            .find(|sequence| self.groups.contains(truth.get(*sequence).lane.0))
            .unwrap_or(truth.next())
    }

    /// Its socket took everything: nothing is owed.
    pub fn finish(&self, truth: &Truth) {
        assert!(self.groups.0 == 0 || self.is_whole && self.topology == truth.topology);
        match self.cursor {
            // At a low rate some wait for their batch.
            Some(cursor) => {
                let wait = if self.period_ns == MS { 0 } else { 15 };
                assert!(self.next_wanted(cursor, truth) + wait >= truth.next());
            }
            None => assert!(self.pending.values().all(|due| *due == 0), "{:?}", self.pending),
        }
    }
}

/// What was produced, in the form in which it came, without `merged`.
fn expected(bytes: &[u8], form: &Content) -> Content {
    if matches!(form, Content::Payload(_)) {
        return Content::Payload(bytes.to_vec());
    }
    let clock = ClockMap { boot_ns: 1_000_000 * MS, wall_ns: 1_700_000_000_000 * MS };
    let mut line = vec![0; 64 * 1024];
    let frame = Frame::parse(bytes).unwrap();
    let size = write_line(&mut line, &frame, clock, LineOptions::default()).unwrap();
    Content::Line(serde_json::from_slice(&line[..size]).unwrap())
}

/// What a frame or a line says.
pub fn told(bytes: &[u8]) -> Told {
    if bytes[0] == b'{' { told_by_line(bytes) } else { told_by_frame(bytes) }
}

fn told_by_frame(bytes: &[u8]) -> Told {
    let frame = Frame::parse(bytes).unwrap();
    match frame.body {
        Body::Catalog(catalog) => {
            let part = catalog.part();
            let (first, total) = (part.first as usize, part.total as usize);
            let (count, is_last) = (catalog.sensors().count(), catalog.is_last());
            Told::Catalog { topology: part.topology, first, count, total, is_last }
        }
        Body::Samples(samples) => {
            let mut payload = bytes.to_vec();
            payload[kymo_protocol::Samples::MERGED_OFFSET..][..4].fill(0);
            let (sequence, merged) = (frame.header.sequence.get(), samples.merged().into());
            Told::Samples { sequence, merged, content: Content::Payload(payload) }
        }
        Body::Gap(gap) if frame.header.stream.get() == 2 => {
            Told::Gap { first: gap.first.get(), last: gap.last.get() }
        }
        _ => Told::Nothing,
    }
}

fn told_by_line(bytes: &[u8]) -> Told {
    let mut line: Value = serde_json::from_slice(bytes).expect("a whole line");
    let number = |key: &str| line[key].as_u64().unwrap();
    let index = |key: &str| usize::try_from(number(key)).unwrap();
    match line["type"].as_str().unwrap() {
        "catalog" => {
            let topology = u32::try_from(number("topology")).unwrap();
            let (count, is_last) =
                (line["sensors"].as_array().unwrap().len(), line["last"].as_bool().unwrap());
            Told::Catalog { topology, first: index("first"), count, total: index("total"), is_last }
        }
        "samples" => {
            let sequence = number("seq");
            let merged = line.as_object_mut().unwrap().remove("merged");
            let merged = merged.map_or(0, |merged| merged.as_u64().unwrap());
            Told::Samples { sequence, merged, content: Content::Line(Box::new(line)) }
        }
        "gap" if line["stream"] == "samples" => {
            Told::Gap { first: number("first"), last: number("last") }
        }
        _ => Told::Nothing,
    }
}
