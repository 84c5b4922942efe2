//! One who wants every event, connects again whenever the daemon is gone, and goes on where it was.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kymo_protocol::limits::FRAME_MAX;
use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{
    Body, Data, Decoder, Frame, Hello, Resume, StreamId, Streams, SubscribeOptions,
};
use serde_json::Value;

use crate::common::{PATIENCE, request};
use crate::ledger::{Ledger, PUBLISHERS};
use crate::random::Random;

/// Of each publisher, the sequence of each of its numbers from 0 on.
pub type Seen = [Vec<u64>; PUBLISHERS];

/// How a subscriber reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Binary,
    Json,
}

/// A subscriber; see the module.
pub struct Subscriber {
    ledger: Arc<Ledger>,
    index: usize,
    format: Format,
    directory: PathBuf,
    epoch: String,
    random: Random,
    /// Sequence of the last event it has.
    last: u64,
    seen: Seen,
    /// Whether this connection has said that it resumes.
    is_resumed: bool,
}

impl Subscriber {
    /// One who has the first event of an epoch.
    pub fn new(
        ledger: Arc<Ledger>,
        index: usize,
        format: Format,
        directory: &Path,
        epoch: String,
    ) -> Self {
        let random = ledger.random(&format!("s{index}"));
        let directory = directory.to_path_buf();
        let (last, seen, is_resumed) = (1, Seen::default(), false);
        Self { ledger, index, format, directory, epoch, random, last, seen, is_resumed }
    }

    /// Reads until everybody is to end.
    pub fn run(mut self) -> Result<Seen, String> {
        while !self.ledger.is_over() {
            // A line of JSON may be said at either; at one of them others come before the answer.
            let is_early = self.format == Format::Json && self.random.one_in(2);
            let name = if is_early { "json.sock" } else { "stream.sock" };
            let Ok(stream) = UnixStream::connect(self.directory.join(name)) else {
                std::thread::sleep(Duration::from_micros(200));
                continue;
            };
            self.is_resumed = false;
            let outcome = match self.format {
                Format::Binary => self.read_frames(stream),
                Format::Json => self.read_lines(stream),
            };
            outcome.map_err(|fault| {
                format!("subscriber {} ({:?}) at {}: {fault}", self.index, self.format, self.last)
            })?;
        }
        Ok(self.seen)
    }

    /// The next bytes; `None` when the connection has ended or is to end.
    fn read<'a>(&mut self, stream: &mut UnixStream, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
        if self.random.one_in(64) {
            // One who is slow for a moment is served from further behind.
            std::thread::sleep(Duration::from_micros(self.random.below(3000)));
        }
        if self.random.one_in(256) {
            return None;
        }
        loop {
            let size = match stream.read(buffer) {
                Ok(size @ 1..) => size,
                Err(error) if error.kind() == ErrorKind::WouldBlock && !self.ledger.is_over() => {
                    continue;
                }
                _ => return None,
            };
            return Some(&buffer[..size]);
        }
    }

    fn read_frames(&mut self, mut stream: UnixStream) -> Result<(), String> {
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let epoch = u128::from_str_radix(&self.epoch, 16).unwrap();
        let subscribe = request::<SubscribeFixed>(|subscribe| {
            subscribe.streams.set(Streams::default().with(StreamId::EVENTS).0);
            subscribe.options.set(SubscribeOptions { every: false, resume: true }.bits());
            subscribe.epoch = epoch.to_be_bytes();
            subscribe.events.set(self.last);
        });
        let hello = request::<Hello>(|hello| hello.set("kill"));
        if stream.write_all(&[hello, subscribe].concat()).is_err() {
            return Ok(());
        }
        let mut decoder = Box::<Decoder<FRAME_MAX>>::default();
        let mut buffer = vec![0; 16 * 1024];
        while let Some(mut bytes) = self.read(&mut stream, &mut buffer) {
            while !bytes.is_empty() {
                let space = decoder.space();
                let size = space.len().min(bytes.len());
                space[..size].copy_from_slice(&bytes[..size]);
                decoder.filled(size);
                bytes = &bytes[size..];
                while let Some(frame) = decoder.next_frame().map_err(|error| error.to_string())? {
                    self.take_frame(&frame)?;
                }
            }
        }
        Ok(())
    }

    fn take_frame(&mut self, frame: &Frame<'_>) -> Result<(), String> {
        match frame.body {
            Body::Welcome(welcome) => {
                let epoch = u128::from_be_bytes(welcome.fixed.epoch);
                self.take_welcome(&format!("{epoch:032x}"))
            }
            Body::Subscribed(granted) => self.take_subscribed(granted.resume().name()),
            Body::Event(event) => {
                let Data::Json(data) = event.data() else { return Err("other data".into()) };
                if event.is_catchup() {
                    return Err("a catch-up".into());
                }
                self.take_event(frame.header.sequence.get(), event.topic(), |expected| {
                    data == expected
                })
            }
            Body::Heartbeat(_) => Ok(()),
            Body::Goodbye(_) if self.ledger.is_over() => Ok(()),
            _ => Err(format!("{:?}", frame.body)),
        }
    }

    fn read_lines(&mut self, mut stream: UnixStream) -> Result<(), String> {
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let (epoch, last) = (&self.epoch, self.last);
        let resume = format!("{{\"epoch\":\"{epoch}\",\"events\":{last}}}");
        let line = format!("{{\"subscribe\":[\"events\"],\"resume\":{resume}}}\n");
        if stream.write_all(line.as_bytes()).is_err() {
            return Ok(());
        }
        let mut buffer = vec![0; 16 * 1024];
        let mut rest = Vec::new();
        while let Some(bytes) = self.read(&mut stream, &mut buffer) {
            rest.extend_from_slice(bytes);
            let end = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let lines: Vec<u8> = rest.drain(..end).collect();
            for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let line = serde_json::from_slice(line)
                    .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(line)))?;
                self.take_line(&line)?;
            }
        }
        Ok(())
    }

    fn take_line(&mut self, line: &Value) -> Result<(), String> {
        let text = |key: &str| line[key].as_str().unwrap_or_default();
        match text("type") {
            "welcome" => self.take_welcome(text("epoch")),
            "subscribed" => self.take_subscribed(text("resume")),
            // Told to everybody, until the subscription is obeyed.
            "vitals" | "event" | "state_change" | "gap" if !self.is_resumed => Ok(()),
            "event" if line.get("catchup").is_none() => {
                let sequence = line["seq"].as_u64().ok_or("no sequence")?;
                self.take_event(sequence, text("topic"), |expected| {
                    serde_json::from_str::<Value>(expected).unwrap() == line["data"]
                })
            }
            "heartbeat" => Ok(()),
            "goodbye" if self.ledger.is_over() => Ok(()),
            _ => Err(line.to_string()),
        }
    }

    fn take_welcome(&self, epoch: &str) -> Result<(), String> {
        let expected = &self.epoch;
        if epoch == expected { Ok(()) } else { Err(format!("epoch {epoch}, not {expected}")) }
    }

    fn take_subscribed(&mut self, resume: &str) -> Result<(), String> {
        self.is_resumed = true;
        if resume == Resume::Tail.name() { Ok(()) } else { Err(format!("answered {resume}")) }
    }

    /// The event after the last, and the next number of some publisher.
    fn take_event(
        &mut self,
        sequence: u64,
        topic: &str,
        is_data: impl FnOnce(&str) -> bool,
    ) -> Result<(), String> {
        if sequence != self.last + 1 {
            return Err(format!("event {sequence}"));
        }
        let publisher = (0..PUBLISHERS).find(|index| topic == format!("p{index}"));
        let publisher = publisher.ok_or_else(|| format!("event {sequence} on {topic}"))?;
        let number = self.seen[publisher].len() as u64;
        if !self.ledger.is_known(publisher, number) {
            return Err(format!("{sequence} was never sent, or has come before"));
        }
        if !is_data(&self.ledger.data(publisher, number)) {
            return Err(format!("{sequence} is not number {number} of publisher {publisher}"));
        }
        self.seen[publisher].push(sequence);
        self.last = sequence;
        self.ledger.arrive(self.index, sequence);
        Ok(())
    }
}
