//! Following events that say which they are: none twice, none missing, each as it was published.

use std::os::unix::net::UnixStream;

use kymo_protocol::limits::FRAME_MAX;
use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{Body, Data, Decoder, Hello, Position, Stamp, Subscribe, Subscribed, emit};
use serde_json::{Value, json};

use crate::common::{Daemon, Json};

/// The data of event `number`: now and then so long that a send cuts it.
pub fn data(number: u64) -> String {
    let size = if number.is_multiple_of(13) { 7900 } else { usize::try_from(number % 97).unwrap() };
    format!("{number} {}", "x".repeat(size))
}

/// It, to be submitted.
pub fn event(number: u64) -> Value {
    json!({"topic": format!("t{}", number % 3), "data": data(number)})
}

/// What a client has seen of events 1, 2, … whose data say which they are.
#[derive(Debug, Default)]
pub struct Seen {
    pub last: u64,
    pub got: u64,
    pub missed: u64,
}

impl Seen {
    fn event(&mut self, sequence: u64, text: &str) {
        assert_eq!(sequence, self.last + 1, "a seam");
        assert_eq!(text, data(sequence));
        (self.last, self.got) = (sequence, self.got + 1);
    }

    fn gap(&mut self, first: u64, last: u64, count: u64) {
        assert_eq!((first, count), (self.last + 1, last - first + 1));
        (self.last, self.missed) = (last, self.missed + count);
    }
}

/// A client that follows them.
pub trait Reader {
    /// Takes one frame in; whether it was one of those that count. At the end: `None`.
    fn step(&mut self, seen: &mut Seen) -> Option<bool>;
}

impl Reader for Json {
    fn step(&mut self, seen: &mut Seen) -> Option<bool> {
        let line = self.try_line()?;
        let number = |key: &str| line[key].as_u64().unwrap();
        match line["type"].as_str().unwrap() {
            "event" => seen.event(number("seq"), line["data"].as_str().unwrap()),
            "gap" => seen.gap(number("first"), number("last"), number("count")),
            _ => return Some(false),
        }
        Some(true)
    }
}

/// A client that reads frames, so many bytes at a time.
pub struct Frames {
    stream: UnixStream,
    decoder: Box<Decoder<FRAME_MAX>>,
    pub read_max: usize,
}

impl Frames {
    /// Hello, and a subscription to events.
    pub fn subscribe(daemon: &Daemon, token: Option<([u8; 16], u64)>, topics: &[&str]) -> Self {
        let mut bytes = vec![0; 2048];
        let stamp = Stamp { boot_ns: 0 };
        let (hello, first) = emit::<Hello>(&mut bytes, Position::NONE, stamp).unwrap();
        hello.set("test");
        let mut fixed = SubscribeFixed::default();
        fixed.streams.set(8);
        if let Some((epoch, events)) = token {
            (fixed.epoch, fixed.events) = (epoch, events.into());
            fixed.options.set(2);
        }
        let second = Subscribe::emit(&mut bytes[first..], stamp, &fixed, topics, &[]).unwrap();
        let mut stream = daemon.connect("stream.sock");
        std::io::Write::write_all(&mut stream, &bytes[..first + second]).unwrap();
        Self { stream, decoder: Box::default(), read_max: FRAME_MAX }
    }

    /// Hands the next frame to `each`; `false` at the end.
    pub fn next(&mut self, each: impl FnOnce(&kymo_protocol::Frame<'_>)) -> bool {
        loop {
            if let Some(frame) = self.decoder.next_frame().expect("whole frames") {
                each(&frame);
                return true;
            }
            let space = self.decoder.space();
            let size = space.len().min(self.read_max);
            match std::io::Read::read(&mut self.stream, &mut space[..size]) {
                Ok(0) | Err(_) => return false,
                Ok(size) => self.decoder.filled(size),
            }
        }
    }

    /// The epoch of welcome, and subscribed.
    pub fn admitted(&mut self) -> ([u8; 16], Subscribed) {
        let (mut epoch, mut granted) = ([0; 16], Subscribed::default());
        self.next(|frame| {
            let Body::Welcome(welcome) = frame.body else { panic!() };
            epoch = welcome.fixed.epoch;
        });
        self.next(|frame| {
            let Body::Subscribed(subscribed) = frame.body else { panic!() };
            granted = *subscribed;
        });
        (epoch, granted)
    }
}

impl Reader for Frames {
    fn step(&mut self, seen: &mut Seen) -> Option<bool> {
        let mut counts = true;
        let is_open = self.next(|frame| match frame.body {
            Body::Event(event) if !event.is_catchup() => {
                let Data::Json(text) = event.data() else { panic!("{:?}", event.name()) };
                let text: String = serde_json::from_str(text).unwrap();
                seen.event(frame.header.sequence.get(), &text);
            }
            Body::Gap(gap) => seen.gap(gap.first.get(), gap.last.get(), gap.count.get()),
            _ => counts = false,
        });
        is_open.then_some(counts)
    }
}
