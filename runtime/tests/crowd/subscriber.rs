//! One who wants events, and may die or stall.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{Hello, Stamp, StreamId, Streams, Subscribe, SubscribeOptions};

use crate::common::{PATIENCE, request};
use crate::message::{Format, Told};
use crate::tape::{Kind, Place, Tape};

/// What one read takes at most.
pub const READ_SIZE: usize = 64 * 1024;

/// How a frame begins.
const MAGIC: &[u8] = b"ATPO";

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Unwelcome,
    Unsubscribed,
    Subscribed,
    /// There was no place for it.
    Refused,
}

/// A subscriber; see the module.
#[derive(Debug)]
pub struct Subscriber {
    stream: UnixStream,
    phase: Phase,
    /// The part of a message that came last.
    rest: Vec<u8>,
    pub place: Place,
}

impl Subscriber {
    /// Connects and asks for what comes behind event `last` of an epoch.
    pub fn connect(path: &Path, kind: Kind, epoch: u128, last: u64) -> Result<Self, String> {
        let mut stream = UnixStream::connect(path).map_err(|error| error.to_string())?;
        // The daemon may have said already that it is full.
        let _ = stream.write_all(&words(kind, epoch, last));
        stream.set_nonblocking(true).map_err(|error| error.to_string())?;
        Ok(Self { stream, phase: Phase::Unwelcome, rest: Vec::new(), place: Place::default() })
    }

    /// Its connection.
    pub fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Whether it is to get events.
    pub fn is_subscribed(&self) -> bool {
        self.phase == Phase::Subscribed
    }

    /// Whether there was no place for it.
    pub fn is_refused(&self) -> bool {
        self.phase == Phase::Refused
    }

    /// Reads and throws away; what comes next it will never know.
    pub fn read_blindly(&mut self, size: usize) {
        let _ = self.stream.read(&mut vec![0; size]);
    }

    /// Reads once; whether something came.
    pub fn read(
        &mut self,
        tape: &mut Tape,
        buffer: &mut [u8],
        has_stalled: bool,
    ) -> Result<bool, String> {
        let kept = self.rest.len();
        buffer[..kept].copy_from_slice(&self.rest);
        let size = match self.stream.read(&mut buffer[kept..]) {
            Ok(size @ 1..) => kept + size,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            _ if self.is_refused() => return Ok(false),
            outcome => {
                let (phase, place) = (self.phase, self.place);
                return Err(format!("{outcome:?} when {phase:?}, {place:?}"));
            }
        };
        let mut bytes = &buffer[..size];
        while self.phase != Phase::Subscribed {
            // Who is turned away is told so in a frame: the daemon has not read what it speaks.
            let format = if bytes.starts_with(MAGIC) { Format::Binary } else { tape.kind.format };
            let Some(size) = format.size(bytes)? else { break };
            let told = format.told(&bytes[..size])?;
            self.phase = match (self.phase, told) {
                (Phase::Unwelcome, Told::Welcome) => Phase::Unsubscribed,
                (Phase::Unsubscribed, Told::Subscribed { resumed: true }) => Phase::Subscribed,
                (Phase::Unwelcome, Told::Full) => Phase::Refused,
                (phase, told) => return Err(format!("{told:?} to one who is {phase:?}")),
            };
            bytes = &bytes[size..];
        }
        if self.phase == Phase::Subscribed {
            let used = tape.take(&mut self.place, bytes, has_stalled)?;
            bytes = &bytes[used..];
        }
        self.rest.clear();
        self.rest.extend_from_slice(bytes);
        Ok(true)
    }

    /// Reads on after a stall until it has `events` events behind it.
    pub fn read_to(
        &mut self,
        tape: &mut Tape,
        buffer: &mut [u8],
        events: usize,
    ) -> Result<(), String> {
        self.stream.set_nonblocking(false).map_err(|error| error.to_string())?;
        self.stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
        while self.place.events < events {
            if !self.read(tape, buffer, true)? {
                return Err(format!("nothing more comes to one who stalled, {:?}", self.place));
            }
        }
        Ok(())
    }
}

/// What a subscriber says.
fn words(kind: Kind, epoch: u128, last: u64) -> Vec<u8> {
    let topic = kind.publisher.map(|publisher| format!("*{publisher}"));
    let topics: Vec<&str> = topic.iter().map(String::as_str).collect();
    if kind.format == Format::Json {
        let resume = serde_json::json!({"epoch": format!("{epoch:032x}"), "events": last});
        let mut line = serde_json::json!({"subscribe": ["events"], "resume": resume});
        if !topics.is_empty() {
            line["topics"] = topics.into();
        }
        return format!("{line}\n").into_bytes();
    }
    let mut fixed = SubscribeFixed::default();
    fixed.streams.set(Streams::default().with(StreamId::EVENTS).0);
    fixed.options.set(SubscribeOptions { every: false, resume: true }.bits());
    fixed.epoch = epoch.to_be_bytes();
    fixed.events.set(last);
    let mut frame = vec![0; 512];
    let size = Subscribe::emit(&mut frame, Stamp { boot_ns: 0 }, &fixed, &topics, &[]).unwrap();
    frame.truncate(size);
    [request::<Hello>(|hello| hello.set("crowd")), frame].concat()
}
