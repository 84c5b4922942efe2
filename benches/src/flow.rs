//! What a subscriber of events gets: how many, and how late.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use kymo_protocol::limits::HEADER_SIZE;
use kymo_protocol::{Event, FrameHeader, FrameKind};

use crate::Outcome;
use crate::events::Form;

/// What one read takes at most.
const READ_SIZE: usize = 64 * 1024;

/// A subscriber that is silent for this long has lost its server.
const PATIENCE: Duration = Duration::from_secs(5);

/// A subscriber that looks at every event, and at no more of it than it must.
#[derive(Debug)]
pub struct Flow {
    stream: UnixStream,
    form: Form,
    bytes: Box<[u8; READ_SIZE]>,
    /// The part of a frame that came last.
    kept: usize,
}

impl Flow {
    /// Of the events that come in.
    ///
    /// # Errors
    ///
    /// When the socket can't be set up.
    pub fn new(stream: UnixStream, form: Form) -> Outcome<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, form, bytes: Box::new([0; READ_SIZE]), kept: 0 })
    }

    /// Reads once; how many events are now whole. `each` is told of those in frames.
    ///
    /// # Errors
    ///
    /// When the server is gone or silent, or sends what is no frame.
    pub fn read(&mut self, mut each: impl FnMut(&[u8])) -> Outcome<u64> {
        let size = self.stream.read(&mut self.bytes[self.kept..])?;
        if size == 0 {
            return Err("the server closed the connection".into());
        }
        if self.form == Form::Lines {
            return Ok(lines(&self.bytes[..size]));
        }
        let (mut at, mut events) = (0, 0);
        let end = self.kept + size;
        while end - at >= HEADER_SIZE {
            let header = FrameHeader::parse(&self.bytes[at..end])?;
            let frame_size = HEADER_SIZE + header.payload_size();
            if end - at < frame_size {
                break;
            }
            if header.kind.get() == FrameKind::Event as u16 {
                each(&self.bytes[at + HEADER_SIZE..at + frame_size]);
                events += 1;
            }
            at += frame_size;
        }
        self.bytes.copy_within(at..end, 0);
        self.kept = end - at;
        Ok(events)
    }
}

/// The time that an event names.
#[must_use]
pub fn time_of(payload: &[u8]) -> Option<u64> {
    Event::parse(payload).ok().map(Event::wall_ns)
}

/// Counts ends of lines.
fn lines(bytes: &[u8]) -> u64 {
    // Sums that fit a byte: sixteen bytes at a time instead of one.
    let ends = |chunk: &[u8]| chunk.iter().map(|byte| u8::from(*byte == b'\n')).sum::<u8>();
    bytes.chunks(128).map(|chunk| u64::from(ends(chunk))).sum()
}
