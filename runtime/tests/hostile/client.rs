//! An honest client: reads in time what comes, and measures it.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use kymo_platform::clock::Now;
use kymo_protocol::limits::{FRAME_MAX, HEADER_SIZE};
use kymo_protocol::{Body, Data, Frame, FrameHeader, opta1};
use serde_json::Value;

use crate::common::Daemon;
use crate::record::Record;
use crate::words::{EVENTS, VITALS, subscription};

/// From one frame to the next.
pub const TICK_NS: u64 = 40_000_000;
pub const RATE_HZ: u32 = 25;

/// What a client asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Vitals as frames.
    Frames,
    /// Each of them, whatever happens.
    EveryFrame,
    /// Vitals, and the honest publisher's events, as frames.
    FramesAndEvents,
    /// Vitals, and everybody's events, as frames.
    FramesAndAllEvents,
    /// Vitals as lines.
    Lines,
    /// Vitals, and the honest publisher's events, as lines.
    LinesAndEvents,
    /// Messages of version 1.
    Version1,
}

/// The topic of the honest publisher.
pub const TOPIC: &str = "honest.beat";

/// An honest client.
#[derive(Debug)]
pub struct Client {
    pub stream: UnixStream,
    pub manner: Manner,
    rest: Vec<u8>,
    /// When vitals came last.
    came_ns: Option<u64>,
    /// The next frame, event, and beat of the publisher's, where each has to come.
    next_frame: Option<u64>,
    next_event: Option<u64>,
    next_beat: Option<u64>,
}

impl Client {
    /// Subscribes.
    pub fn connect(daemon: &Daemon, manner: Manner) -> Self {
        let door = if manner == Manner::Version1 { "opta.sock" } else { "stream.sock" };
        let mut stream = daemon.connect(door);
        let words = match manner {
            Manner::Frames => subscription(VITALS, RATE_HZ, false, &[]),
            Manner::EveryFrame => subscription(VITALS, RATE_HZ, true, &[]),
            Manner::FramesAndEvents => subscription(VITALS | EVENTS, RATE_HZ, false, &["honest.*"]),
            Manner::FramesAndAllEvents => subscription(VITALS | EVENTS, RATE_HZ, false, &[]),
            Manner::Lines => b"{\"subscribe\":[\"vitals\"],\"rate_hz\":25}\n".to_vec(),
            Manner::LinesAndEvents => {
                let streams = "\"subscribe\":[\"vitals\",\"events\"],\"topics\":[\"honest.*\"]";
                format!("{{{streams},\"rate_hz\":25}}\n").into_bytes()
            }
            Manner::Version1 => Vec::new(),
        };
        stream.write_all(&words).unwrap();
        stream.set_nonblocking(true).unwrap();
        let rest = Vec::with_capacity(2 * FRAME_MAX);
        Self {
            stream,
            manner,
            rest,
            came_ns: None,
            next_frame: None,
            next_event: None,
            next_beat: None,
        }
    }

    /// Takes what has come.
    pub fn read(
        &mut self,
        buffer: &mut [u8],
        clock: impl Fn() -> Now,
        record: &mut Record,
    ) -> Result<(), String> {
        match self.stream.read(buffer) {
            Ok(0) => return Err("the daemon ended an honest connection".into()),
            Ok(size) => self.rest.extend_from_slice(&buffer[..size]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(format!("an honest connection: {error}")),
        }
        let now = clock();
        let rest = std::mem::take(&mut self.rest);
        let mut bytes = rest.as_slice();
        while let Some(size) = self.size(bytes)? {
            let (message, others) = bytes.split_at(size);
            match self.manner {
                Manner::Lines | Manner::LinesAndEvents => self.line(message, now, record)?,
                Manner::Version1 => self.message(message, now, record)?,
                _ => self.frame(message, now, record)?,
            }
            bytes = others;
        }
        let used = rest.len() - bytes.len();
        self.rest = rest;
        self.rest.drain(..used);
        Ok(())
    }

    /// The size of the first message, if it is whole.
    fn size(&self, bytes: &[u8]) -> Result<Option<usize>, String> {
        match self.manner {
            Manner::Lines | Manner::LinesAndEvents => {
                Ok(bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1))
            }
            Manner::Version1 => {
                let decoded = opta1::decode(bytes).map_err(|error| error.to_string())?;
                Ok(decoded.map(|(_, size)| size))
            }
            _ if bytes.len() < HEADER_SIZE => Ok(None),
            _ => {
                let header = FrameHeader::parse(bytes).map_err(|error| error.to_string())?;
                let size = HEADER_SIZE + header.payload_size();
                Ok((bytes.len() >= size).then_some(size))
            }
        }
    }

    fn frame(&mut self, message: &[u8], now: Now, record: &mut Record) -> Result<(), String> {
        let frame = Frame::parse(message).map_err(|error| error.to_string())?;
        let (sequence, made_ns) = (frame.header.sequence.get(), frame.header.timestamp.get());
        match frame.body {
            Body::Vitals(vitals) => {
                record.merged += u64::from(vitals.merged.get());
                if self.manner == Manner::EveryFrame {
                    record.missing += skipped(&mut self.next_frame, sequence);
                }
                self.vitals(now.boot_ns.saturating_sub(made_ns), now, record);
            }
            Body::Event(event) if !event.is_catchup() => {
                if self.manner == Manner::FramesAndAllEvents {
                    record.missing += skipped(&mut self.next_event, sequence);
                }
                if event.topic() == TOPIC {
                    record.late(self.manner, "an event", now.boot_ns.saturating_sub(made_ns));
                    let Data::Json(beat) = event.data() else { return Err("other data".into()) };
                    let beat = beat.parse().map_err(|_| format!("a beat of {beat}"))?;
                    record.missing += skipped(&mut self.next_beat, beat);
                }
            }
            Body::Gap(gap) => record.missing += gap.count.get(),
            Body::Error(error) => return Err(error.text().into()),
            Body::Goodbye(_) => return Err("goodbye to an honest client".into()),
            _ => {}
        }
        Ok(())
    }

    fn line(&mut self, message: &[u8], now: Now, record: &mut Record) -> Result<(), String> {
        let line: Value = serde_json::from_slice(message).map_err(|error| error.to_string())?;
        let late_ns = || now.wall_ns.saturating_sub(nanoseconds(&line["timestamp"]));
        match line["type"].as_str().unwrap_or_default() {
            "vitals" => {
                record.merged += line["merged"].as_u64().unwrap_or(0);
                self.vitals(late_ns(), now, record);
            }
            "event" if line["topic"] == TOPIC => {
                record.late(self.manner, "an event", late_ns());
                let beat = line["data"].as_u64().ok_or_else(|| line.to_string())?;
                record.missing += skipped(&mut self.next_beat, beat);
            }
            "gap" => record.missing += line["count"].as_u64().unwrap_or(1),
            "error" | "goodbye" => return Err(line.to_string()),
            _ => {}
        }
        Ok(())
    }

    fn message(&mut self, message: &[u8], now: Now, record: &mut Record) -> Result<(), String> {
        let decoded = opta1::decode(message).map_err(|error| error.to_string())?;
        let Some((message, _)) = decoded else { return Err("half a message".into()) };
        let made_ns = message.head.timestamp_ms.get() * 1_000_000;
        self.vitals(now.wall_ns.saturating_sub(made_ns), now, record);
        Ok(())
    }

    /// Vitals are late by what they are older than new, or come later than a tick after the last.
    fn vitals(&mut self, age_ns: u64, now: Now, record: &mut Record) {
        let came_ns = self.came_ns.replace(now.mono_ns);
        let pause_ns = came_ns.map_or(0, |came_ns| now.mono_ns - came_ns);
        // What is sent for each frame comes in batches, by its rate.
        let age_ns = if self.manner == Manner::EveryFrame { 0 } else { age_ns };
        record.frames += 1;
        let pause_ns = pause_ns.saturating_sub(TICK_NS);
        let what = if age_ns > pause_ns { "old vitals" } else { "late vitals" };
        record.late(self.manner, what, age_ns.max(pause_ns));
    }
}

/// How many numbers are between the expected one and this.
fn skipped(next: &mut Option<u64>, number: u64) -> u64 {
    let expected = next.replace(number + 1).unwrap_or(number);
    // One that comes again is as wrong as one that does not come.
    number.abs_diff(expected)
}

fn nanoseconds(timestamp: &Value) -> u64 {
    // Six decimals: exact as an f64 to a fraction of a microsecond.
    std::time::Duration::try_from_secs_f64(timestamp.as_f64().unwrap_or(0.0))
        .map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}
