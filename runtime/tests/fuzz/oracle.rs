//! What a client makes of its bytes, and whether that is what it should have got.

use kymo_protocol::json::{ClockMap, LineOptions, write_line};
use kymo_protocol::{Body, Decoder, Event, Frame, FrameHeader};
use serde_json::Value;

/// The events as they were produced, from sequence 1 on.
#[derive(Default)]
pub struct Truth(Vec<Produced>);

pub struct Produced {
    pub topic: String,
    payload: Vec<u8>,
    pub line: Value,
}

impl Truth {
    pub fn last(&self) -> u64 {
        self.0.len() as u64
    }

    pub fn get(&self, sequence: u64) -> &Produced {
        &self.0[usize::try_from(sequence).unwrap() - 1]
    }

    /// Takes in what a client with endless room got: it must be every event in order.
    pub fn learn(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() {
            let size = 32 + FrameHeader::parse(&bytes[at..]).unwrap().payload_size();
            let frame = Frame::parse(&bytes[at..at + size]).unwrap();
            at += size;
            let Body::Event(event) = frame.body else { continue };
            let sequence = frame.header.sequence.get();
            if sequence == 0 {
                continue;
            }
            assert_eq!(sequence, self.last() + 1, "the witness was skipped");
            let mut line = vec![0; 64 * 1024];
            let size = write_line(&mut line, &frame, ClockMap::default(), LineOptions::default());
            self.0.push(Produced {
                topic: event.topic().to_string(),
                payload: bytes[at - frame.header.payload_size()..at].to_vec(),
                line: serde_json::from_slice(&line[..size.unwrap()]).unwrap(),
            });
        }
    }
}

/// A plain pattern, as the filters of the simulation have them: a prefix and a star, or a word.
pub fn wants(filter: Option<&str>, topic: &str) -> bool {
    match filter.map(|filter| filter.strip_suffix('*').ok_or(filter)) {
        None => true,
        Some(Ok(prefix)) => topic.starts_with(prefix),
        Some(Err(word)) => topic == word,
    }
}

/// One thing that a client was told.
enum Told {
    Welcome { epoch: u128 },
    Subscribed { resume: u16, next: u64 },
    Event { sequence: u64, catchup: bool, content: Content },
    Gap { first: u64, last: u64, count: u64 },
    Nothing,
}

enum Content {
    Payload(Vec<u8>),
    Line(Value),
}

/// What a client knows, across its connections.
#[derive(Default)]
pub struct Reading {
    pub filter: Option<&'static str>,
    pub is_binary: bool,
    /// The last event that it got or was told it will not get.
    pub last: u64,
    pub epoch: u128,
    pub got: u64,
    pub missed: u64,
    pub tails: u64,
    pub gaps: u64,
    /// Where the catch-up stands.
    caught_up: u64,
    /// Whether it knows where live events begin.
    begun: bool,
    bytes: Vec<u8>,
}

impl Reading {
    /// A new connection; what was cut off of the old one is gone.
    pub fn reconnect(&mut self) {
        self.bytes.clear();
        (self.caught_up, self.begun) = (0, false);
    }

    pub fn take(&mut self, bytes: &[u8], truth: &Truth) {
        self.bytes.extend_from_slice(bytes);
        let told = if self.is_binary { self.frames() } else { self.lines() };
        for told in told {
            self.check(told, truth);
        }
    }

    fn check(&mut self, told: Told, truth: &Truth) {
        match told {
            Told::Welcome { epoch } => self.epoch = epoch,
            Told::Subscribed { resume, next } => {
                match resume {
                    0 => self.tails += 1,
                    1 => self.gaps += 1,
                    _ => self.last = next - 1,
                }
                self.begun = true;
            }
            Told::Event { sequence: 0, catchup, .. } => assert!(catchup),
            Told::Event { sequence, catchup, content } => {
                self.event(sequence, catchup, &content, truth);
            }
            Told::Gap { first, last, count } => {
                assert!(self.begun && first <= last && (1..=last - first + 1).contains(&count));
                if last <= self.last {
                    // Of what it is caught up with.
                    assert!(first > self.caught_up);
                    self.caught_up = last;
                    return;
                }
                let from = self.last.max(self.caught_up);
                self.withheld(from, first.max(self.last + 1), truth);
                self.missed += last - self.last.max(first - 1);
                self.last = last;
            }
            Told::Nothing => {}
        }
    }

    fn event(&mut self, sequence: u64, catchup: bool, content: &Content, truth: &Truth) {
        assert!(self.begun);
        let expected = truth.get(sequence);
        match content {
            Content::Payload(payload) => assert_eq!(*payload, expected.payload),
            Content::Line(line) => assert_eq!(*line, expected.line),
        }
        assert!(wants(self.filter, &expected.topic), "{} for {:?}", expected.topic, self.filter);
        if catchup {
            assert!(["session_start", "transcription"].contains(&expected.topic.as_str()));
            assert!(sequence > self.caught_up && sequence <= self.last, "{sequence} twice");
            self.caught_up = sequence;
            return;
        }
        assert!(sequence > self.last, "{sequence} after {}", self.last);
        self.withheld(self.last, sequence, truth);
        (self.last, self.got) = (sequence, self.got + 1);
    }

    /// Between two events that it knows of there were none that it wants.
    fn withheld(&self, last: u64, next: u64, truth: &Truth) {
        for sequence in last + 1..next {
            let topic = &truth.get(sequence).topic;
            assert!(!wants(self.filter, topic), "{sequence} ({topic}) is missing before {next}");
        }
    }

    /// Everything was sent: nothing is missing at the end.
    pub fn finish(&self, truth: &Truth) {
        self.withheld(self.last, truth.last() + 1, truth);
    }

    fn frames(&mut self) -> Vec<Told> {
        let mut decoder = Box::new(Decoder::<{ 16 * 1024 }>::new());
        let (mut told, mut at, mut used) = (Vec::new(), 0, 0);
        while at < self.bytes.len() {
            let space = decoder.space();
            let size = space.len().min(self.bytes.len() - at);
            space[..size].copy_from_slice(&self.bytes[at..at + size]);
            decoder.filled(size);
            at += size;
            while let Some(frame) = decoder.next_frame().expect("a whole frame") {
                let size = 32 + frame.header.payload_size();
                told.push(told_by_frame(&frame, &self.bytes[used + 32..used + size]));
                used += size;
            }
        }
        self.bytes.drain(..used);
        told
    }

    fn lines(&mut self) -> Vec<Told> {
        let end = self.bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines: Vec<u8> = self.bytes.drain(..end).collect();
        lines.split_inclusive(|byte| *byte == b'\n').map(told_by_line).collect()
    }
}

fn told_by_frame(frame: &Frame<'_>, payload: &[u8]) -> Told {
    match frame.body {
        Body::Welcome(welcome) => Told::Welcome { epoch: u128::from_be_bytes(welcome.fixed.epoch) },
        Body::Subscribed(granted) => {
            Told::Subscribed { resume: granted.resume.get(), next: granted.next[3].get() }
        }
        Body::Event(event) => {
            let catchup = event.is_catchup();
            let mut payload = payload.to_vec();
            // The catch-up's bit is the only difference.
            payload[13] = 0;
            assert!(Event::parse(&payload).is_ok());
            let content = Content::Payload(payload);
            Told::Event { sequence: frame.header.sequence.get(), catchup, content }
        }
        Body::Gap(gap) if frame.header.stream.get() == 4 => {
            Told::Gap { first: gap.first.get(), last: gap.last.get(), count: gap.count.get() }
        }
        Body::Vitals(_) | Body::Gap(_) | Body::Heartbeat(_) | Body::Goodbye(_) => Told::Nothing,
        _ => panic!("{:?}", frame.header),
    }
}

fn told_by_line(line: &[u8]) -> Told {
    let mut line: Value = serde_json::from_slice(line).expect("a whole line");
    let number = |key: &str| line[key].as_u64().unwrap();
    match line["type"].as_str().unwrap() {
        "welcome" => {
            let epoch = u128::from_str_radix(line["epoch"].as_str().unwrap(), 16).unwrap();
            Told::Welcome { epoch }
        }
        "subscribed" => {
            let names = ["tail", "gap", "fresh"].iter().zip(0..);
            let resume = names.clone().find(|name| line["resume"] == *name.0).unwrap().1;
            Told::Subscribed { resume, next: line["next"]["events"].as_u64().unwrap() }
        }
        "gap" if line["stream"] == "events" => {
            Told::Gap { first: number("first"), last: number("last"), count: number("count") }
        }
        "vitals" | "gap" | "heartbeat" | "goodbye" => Told::Nothing,
        _ => {
            let sequence = line.get("seq").map_or(0, |seq| seq.as_u64().unwrap());
            let catchup = line.as_object_mut().unwrap().remove("catchup").is_some();
            Told::Event { sequence, catchup, content: Content::Line(line) }
        }
    }
}
