//! A server that says what a test wants it to say.
#![allow(dead_code)] // each test binary uses its part
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::task::Poll;
use std::time::{Duration, Instant};

use kymo_client::{
    BackoffSettings, BreakerSettings, Data, Error, ErrorCode, Event, EventFields, Frame, GapReason,
    GoodbyeReason, Item, Settings, StreamId, Subscriber, Token, Vitals,
};
use kymo_protocol::limits::FRAME_MAX;
use kymo_protocol::welcome::WelcomeFixed;
use kymo_protocol::{
    Body, CatalogPart, CatalogWriter, Decoder, ErrorReport, Gap, Goodbye, Group, Heartbeat,
    METRICS, Payload, Position, Pushed, Resume, Samples, SamplesOf, SensorFields, Stamp, State,
    StreamEntry, Subscribed, Welcome, emit,
};

pub mod kymod;
#[path = "../../../../runtime/tests/common/scratch.rs"]
mod scratch;

pub use scratch::Scratch;

/// Longer than anything takes here on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub const EPOCH: [u8; 16] = [1; 16];
pub const OTHER: [u8; 16] = [2; 16];

const STAMP: Stamp = Stamp { boot_ns: 5_000_000_000 };

impl Scratch {
    /// Settings that lead here, without any waiting between attempts.
    pub fn settings(&self) -> Settings {
        Settings {
            backoff: BackoffSettings {
                first: Duration::ZERO,
                cap: Duration::ZERO,
                ..BackoffSettings::default()
            },
            breaker: BreakerSettings { failures_max: u32::MAX, ..BreakerSettings::default() },
            ..Settings::in_directories(vec![self.0.clone()])
        }
    }

    pub fn listen(&self, socket: &str) -> UnixListener {
        UnixListener::bind(self.0.join(socket)).unwrap()
    }
}

/// The server's end of a connection.
pub struct Peer {
    pub stream: UnixStream,
    pub decoder: Box<Decoder<FRAME_MAX>>,
}

impl Peer {
    pub fn accept(listener: &UnixListener) -> Self {
        let (stream, _) = listener.accept().unwrap();
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { stream, decoder: Box::default() }
    }

    /// Reads frames until `take` has found what it wants.
    pub fn read<T>(&mut self, mut take: impl FnMut(&Frame<'_>) -> Option<T>) -> T {
        loop {
            while let Some(frame) = self.decoder.next_frame().unwrap() {
                if let Some(found) = take(&frame) {
                    return found;
                }
            }
            let size = self.stream.read(self.decoder.space()).unwrap();
            assert!(size > 0, "the client hung up");
            self.decoder.filled(size);
        }
    }

    /// Reads hello and subscribe; the token it names.
    pub fn greeting(&mut self) -> Option<Token> {
        self.read(|frame| match frame.body {
            Body::Subscribe(subscribe) => Some(subscribe.options().resume.then(|| Token {
                epoch: subscribe.fixed.epoch,
                events: subscribe.fixed.events.get(),
            })),
            _ => None,
        })
    }

    /// Says something; the client may be gone.
    pub fn say(&mut self, frames: &[Vec<u8>]) {
        let _ = self.stream.write_all(&frames.concat());
    }
}

fn frame<P: Payload>(at: Position, fill: impl FnOnce(&mut P)) -> Vec<u8> {
    let mut bytes = vec![0; P::FRAME_SIZE];
    fill(emit::<P>(&mut bytes, at, STAMP).unwrap().0);
    bytes
}

pub fn welcome(epoch: [u8; 16], run: u8, next: u64) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    let mut fixed = WelcomeFixed::default();
    (fixed.epoch, fixed.run) = (epoch, [run; 16]);
    fixed.wall_ns.set(1_700_000_000_000_000_000);
    let streams = [StreamEntry::new(4, 1, next)];
    let size = Welcome::emit(&mut bytes, STAMP, &fixed, &streams).unwrap();
    bytes.truncate(size);
    bytes
}

pub fn subscribed(resume: Resume, vitals: u64, events: u64) -> Vec<u8> {
    frame::<Subscribed>(Position::NONE, |granted| {
        granted.rate_mhz.set(25_000);
        granted.resume.set(resume as u16);
        granted.next[0].set(vitals);
        granted.next[3].set(events);
    })
}

/// Welcome and an answer to a subscription to events.
pub fn answer(epoch: [u8; 16], resume: Resume, next: u64) -> Vec<u8> {
    [welcome(epoch, 1, next), subscribed(resume, 0, next)].concat()
}

pub fn event(sequence: u64) -> Vec<u8> {
    let (mut payload, mut bytes) = ([0; 256], vec![0; 512]);
    let fields = EventFields {
        wall_ns: sequence,
        ..EventFields::custom("build.done", Data::Json("{\"ok\":true}"))
    };
    let size = fields.write(&mut payload).unwrap();
    let size = Event::emit(&mut bytes, sequence, STAMP, &payload[..size]).unwrap();
    bytes.truncate(size);
    bytes
}

pub fn catchup(sequence: u64) -> Vec<u8> {
    let mut bytes = event(sequence);
    Event::mark_catchup(&mut bytes);
    bytes
}

pub fn vitals(sequence: u64) -> Vec<u8> {
    frame::<Vitals>(Position { stream: StreamId::VITALS, sequence }, |_| {})
}

/// Welcome of `run` and an answer to a subscription to samples.
pub fn answer_samples(run: u8, next: u64) -> Vec<u8> {
    let granted = frame::<Subscribed>(Position::NONE, |granted| {
        granted.resume.set(Resume::Fresh as u16);
        granted.next[1].set(next);
    });
    [welcome(EPOCH, run, 1), granted].concat()
}

/// A part of a catalog of `total` sensors: those with `ids`.
pub fn catalog(topology: u32, first: u32, total: u32, ids: &[u16]) -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    let part = CatalogPart { topology, total, first, omitted: 0 };
    let mut writer = CatalogWriter::new(&mut bytes, part).unwrap();
    for id in ids {
        let identity = format!("cpu/{topology}/{id}");
        let fields = SensorFields::new(*id, &METRICS[0], &identity);
        assert_eq!(writer.push_fields(&fields), Ok(Pushed::Taken));
    }
    let size = writer.finish(STAMP).unwrap();
    bytes.truncate(size);
    bytes
}

/// A samples frame with sensors of `ids`, each of which reads its id.
pub fn samples(topology: u32, sequence: u64, ids: &[u16]) -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    let of = SamplesOf { topology, group: Group::Cpu, part: 1, parts: 1 };
    let (list, size) = Samples::emit(&mut bytes, sequence, STAMP, of, ids.len()).unwrap();
    for (sample, id) in list.iter_mut().zip(ids) {
        sample.set(*id, State::Ok, 0, f64::from(*id));
    }
    bytes.truncate(size);
    bytes
}

pub fn gap_of_samples(first: u64, last: u64) -> Vec<u8> {
    frame::<Gap>(Position { stream: StreamId::SAMPLES, sequence: 0 }, |gap| {
        gap.set(first, last, GapReason::Lapped);
    })
}

pub fn gap(first: u64, last: u64) -> Vec<u8> {
    frame::<Gap>(Position { stream: StreamId::EVENTS, sequence: 0 }, |gap| {
        gap.set(first, last, GapReason::Lapped);
    })
}

pub fn heartbeat() -> Vec<u8> {
    frame::<Heartbeat>(Position::NONE, |heartbeat| heartbeat.wall_ns.set(1))
}

pub fn goodbye(reason: GoodbyeReason) -> Vec<u8> {
    frame::<Goodbye>(Position::NONE, |goodbye| goodbye.set(reason))
}

pub fn error(code: ErrorCode, text: &str) -> Vec<u8> {
    frame::<ErrorReport>(Position::NONE, |report| report.set(code, text))
}

/// An item in a few words, as tests ask for it.
pub fn told(item: &Item<'_>) -> String {
    match item {
        Item::Frame(frame) => {
            let sequence = frame.header.sequence.get();
            match frame.body {
                Body::Event(event) if event.is_catchup() => format!("catchup {sequence}"),
                Body::Event(_) => format!("event {sequence}"),
                Body::Samples(_) => format!("samples {sequence}"),
                Body::Catalog(catalog) => {
                    let part = catalog.part();
                    format!("catalog {} from {} of {}", part.topology, part.first, part.total)
                }
                _ => format!("vitals {sequence}"),
            }
        }
        Item::Gap(gap) if gap.stream == StreamId::SAMPLES => {
            format!("gap of samples {} to {}", gap.first, gap.last)
        }
        Item::Gap(gap) => format!("gap {} to {}", gap.first, gap.last),
        Item::Fresh { lost_after: None } => "fresh".into(),
        Item::Fresh { lost_after: Some(token) } => {
            format!("lost after {}:{}", token.epoch[0], token.events)
        }
        Item::Connected(server) => format!("connected {:?}", server.resumed),
        Item::Lost(why) => format!("lost {why:?}"),
        item => format!("{item:?}"),
    }
}

fn next(subscriber: &mut Subscriber) -> Result<String, Error> {
    let start = Instant::now();
    loop {
        if let Poll::Ready(item) = subscriber.poll_next()? {
            return Ok(told(&item));
        }
        // A server that has failed its own test says nothing more.
        assert!(start.elapsed() < PATIENCE, "nothing comes");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The next items, as many as are expected.
pub fn expect(subscriber: &mut Subscriber, expected: &[&str]) {
    for (index, expected) in expected.iter().enumerate() {
        let item = next(subscriber);
        assert_eq!(item.as_deref(), Ok(*expected), "item {index}");
    }
}

pub fn token(epoch: [u8; 16], events: u64) -> Option<Token> {
    Some(Token { epoch, events })
}

pub fn refused(code: ErrorCode, text: &str) -> Error {
    Error::Refused { code: Some(code), text: text.into() }
}
