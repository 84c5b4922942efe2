//! The vitals stream: one encode per frame and format, whoever watches.
//!
//! The binary ring holds every frame: it is the representation the other formats are made from. A
//! ring of another format is filled only while that format has a subscriber.

use kymo_platform::clock::Now;
use kymo_protocol::json::{ClockMap, LineOptions, write_line};
use kymo_protocol::limits::VITALS_LINE_MAX;
use kymo_protocol::{
    Body, Frame, FrameError, Payload, Position, Stamp, StreamId, Vitals, emit, opta1,
};

use crate::limits::TELEMETRY_FRAMES;
use crate::ring::Ring;
use crate::sampler::Sampler;

/// How frames are written for a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Version-2 frames.
    Binary,
    /// JSON Lines.
    Json,
    /// JSON Lines without `seq`.
    JsonBare,
    /// Version-1 messages.
    Opta1,
}

impl Format {
    /// Its name in a status.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Json => "json",
            Self::JsonBare => "json_bare",
            Self::Opta1 => "opta1",
        }
    }

    /// Bytes of the largest vitals frame in this format.
    pub const fn frame_max(self) -> usize {
        match self {
            Self::Binary => Vitals::FRAME_SIZE,
            Self::Json | Self::JsonBare => VITALS_LINE_MAX,
            Self::Opta1 => opta1::ENCODED_MAX,
        }
    }
}

/// Bytes of ring for each frame of a format. Lines have 700 to 900 bytes, and their ring holds half
/// as many of them: recorders at high rates read binary frames.
const fn ring_frame_size(format: Format) -> usize {
    match format {
        Format::Json | Format::JsonBare => VITALS_LINE_MAX / 4,
        Format::Binary | Format::Opta1 => format.frame_max(),
    }
}

/// A ring of one format, and how many subscribers it has.
#[derive(Debug)]
struct Lane {
    format: Format,
    ring: Ring,
    subscribers: u32,
}

/// The vitals stream; see the module.
#[derive(Debug)]
pub struct Telemetry {
    next: u64,
    /// The first is binary; the others are those some listener may need.
    lanes: Vec<Lane>,
}

impl Telemetry {
    /// A stream that can be written in `formats`, and in binary.
    pub fn new(formats: impl IntoIterator<Item = Format>) -> Self {
        let mut lanes = Vec::new();
        for format in [Format::Binary].into_iter().chain(formats) {
            if lanes.iter().all(|lane: &Lane| lane.format != format) {
                let ring = Ring::new(TELEMETRY_FRAMES, ring_frame_size(format));
                lanes.push(Lane { format, ring, subscribers: 0 });
            }
        }
        Self { next: 1, lanes }
    }

    /// Sequence of the frame to come.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The frames as they are written in `format`.
    pub fn ring(&self, format: Format) -> Option<&Ring> {
        self.lanes.iter().find(|lane| lane.format == format).map(|lane| &lane.ring)
    }

    /// Whether anybody subscribes.
    pub fn is_wanted(&self) -> bool {
        self.lanes.iter().any(|lane| lane.subscribers > 0)
    }

    /// Takes in a subscriber of `format`.
    pub fn join(&mut self, format: Format) {
        if let Some(lane) = self.lane(format) {
            lane.subscribers += 1;
        }
    }

    /// Lets a subscriber of `format` go.
    pub fn leave(&mut self, format: Format) {
        if let Some(lane) = self.lane(format) {
            lane.subscribers -= 1;
        }
    }

    fn lane(&mut self, format: Format) -> Option<&mut Lane> {
        self.lanes.iter_mut().find(|lane| lane.format == format)
    }

    /// Produces the next frame from what `sampler` knows now.
    ///
    /// # Errors
    ///
    /// A [`FrameError`] when a frame does not fit its ring: a programmer error, since the rings are
    /// made for the largest frame. Nothing is sent then.
    pub fn publish(&mut self, now: Now, sampler: &Sampler) -> Result<(), FrameError> {
        let sequence = self.next;
        let at = Position { stream: StreamId::VITALS, sequence };
        let Some((binary, others)) = self.lanes.split_first_mut() else { return Ok(()) };
        binary.ring.append(sequence, Format::Binary.frame_max(), |buffer| {
            let (vitals, size) = emit::<Vitals>(buffer, at, Stamp { boot_ns: now.boot_ns })?;
            sampler.fill(vitals, now.boot_ns);
            Ok::<_, FrameError>(size)
        })?;
        self.next += 1;
        if others.iter().all(|lane| lane.subscribers == 0) {
            return Ok(());
        }
        let frame = Frame::parse(binary.ring.get(sequence).unwrap_or_default())?;
        for lane in others.iter_mut().filter(|lane| lane.subscribers > 0) {
            let format = lane.format;
            lane.ring.append(sequence, format.frame_max(), |buffer| {
                transcode(buffer, &frame, format, now)
            })?;
        }
        Ok(())
    }
}

fn transcode(
    buffer: &mut [u8],
    frame: &Frame<'_>,
    format: Format,
    now: Now,
) -> Result<usize, FrameError> {
    match (format, frame.body) {
        (Format::Opta1, Body::Vitals(vitals)) => opta1::encode(buffer, vitals, now.wall_ns),
        _ => {
            let options = LineOptions { bare: format == Format::JsonBare, catchup: false };
            write_line(buffer, frame, clock_map(now), options)
        }
    }
}

/// The wall time of frames made about now.
pub fn clock_map(now: Now) -> ClockMap {
    ClockMap { boot_ns: now.boot_ns, wall_ns: now.wall_ns }
}
