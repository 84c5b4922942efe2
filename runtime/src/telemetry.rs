//! Streams of which each frame tells all, the vitals and the processes: one encode per frame and
//! format, whoever watches.
//!
//! The binary ring holds every frame: it is the representation the other formats are made from. A
//! ring of another format is filled only while that format has a subscriber.

use kymo_platform::clock::Now;
use kymo_protocol::json::{ClockMap, LineOptions, write_line};
use kymo_protocol::limits::{PROCESSES_LINE_MAX, PROCESSES_MAX, VITALS_LINE_MAX};
use kymo_protocol::{Body, Frame, FrameError, Payload, Processes, StreamId, Vitals, opta1};

use crate::limits::{PROCESSES_FRAMES, TELEMETRY_FRAMES};
use crate::ring::Ring;

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
}

/// Which stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Vitals, at each tick.
    Vitals,
    /// Processes, at the end of each pass over them. Version 1 does not have them.
    Processes,
}

impl Kind {
    /// Each of them, in the order of their numbers.
    pub const ALL: [Self; 2] = [Self::Vitals, Self::Processes];

    /// Its number in the protocol.
    pub const fn stream(self) -> StreamId {
        match self {
            Self::Vitals => StreamId::VITALS,
            Self::Processes => StreamId::PROCESSES,
        }
    }

    /// Where in a frame the count of those stands that it replaces.
    pub const fn merged_offset(self) -> usize {
        match self {
            Self::Vitals => Vitals::MERGED_OFFSET,
            Self::Processes => Processes::MERGED_OFFSET,
        }
    }

    /// Bytes of the largest frame in a format.
    pub const fn frame_max(self, format: Format) -> usize {
        match (self, format) {
            (Self::Vitals, Format::Binary) => Vitals::FRAME_SIZE,
            (Self::Vitals, Format::Json | Format::JsonBare) => VITALS_LINE_MAX,
            (_, Format::Opta1) => opta1::ENCODED_MAX,
            (Self::Processes, Format::Binary) => Processes::frame_size(PROCESSES_MAX),
            (Self::Processes, Format::Json | Format::JsonBare) => PROCESSES_LINE_MAX,
        }
    }

    /// Frames that its rings hold.
    const fn frames(self) -> usize {
        match self {
            Self::Vitals => TELEMETRY_FRAMES,
            Self::Processes => PROCESSES_FRAMES,
        }
    }

    /// Frames that wait for a subscriber that asked for every frame at a rate below the stream's: a
    /// quarter of the ring, so that waiting loses none.
    #[allow(clippy::cast_possible_truncation)] // dozens
    pub const fn batch_max(self) -> u32 {
        self.frames() as u32 / 4
    }

    /// Bytes of ring for each frame of a format. Lines of vitals have 700 to 900 bytes, and their
    /// ring holds half as many of them: recorders at high rates read binary frames. Those of
    /// processes have about 8 KiB.
    const fn ring_frame_size(self, format: Format) -> usize {
        let size = self.frame_max(format);
        match (self, format) {
            (Self::Vitals, Format::Json | Format::JsonBare) => size / 4,
            (Self::Processes, Format::Json | Format::JsonBare) => size / 2,
            (_, Format::Binary | Format::Opta1) => size,
        }
    }
}

/// Writes a frame with a sequence, and says how long it is.
pub type Write<'a> = dyn Fn(&mut [u8], u64) -> Result<usize, FrameError> + 'a;

/// A ring of one format, and how many subscribers it has.
#[derive(Debug)]
struct Lane {
    format: Format,
    ring: Ring,
    subscribers: u32,
}

/// One stream; see the module.
#[derive(Debug)]
pub struct Telemetry {
    kind: Kind,
    next: u64,
    /// The frame to come when somebody last was the first to subscribe.
    fresh: u64,
    /// The first is binary; the others are those some listener may need.
    lanes: Vec<Lane>,
}

impl Telemetry {
    /// A stream that can be written in `formats`, and in binary.
    pub fn new(kind: Kind, formats: impl IntoIterator<Item = Format>) -> Self {
        let mut lanes = Vec::new();
        for format in [Format::Binary].into_iter().chain(formats) {
            let is_told = kind == Kind::Vitals || format != Format::Opta1;
            if is_told && lanes.iter().all(|lane: &Lane| lane.format != format) {
                let ring = Ring::new(kind.frames(), kind.ring_frame_size(format));
                lanes.push(Lane { format, ring, subscribers: 0 });
            }
        }
        Self { kind, next: 1, fresh: 1, lanes }
    }

    /// Sequence of the frame to come.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Whether a frame was produced since somebody subscribes: an older one is of a time that
    /// nobody asked about.
    pub fn is_fresh(&self) -> bool {
        self.is_wanted() && self.fresh < self.next
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
        if !self.is_wanted() {
            self.fresh = self.next;
        }
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

    /// Produces the next frame, which `write` writes with the sequence that it is told.
    ///
    /// # Errors
    ///
    /// A [`FrameError`] when a frame does not fit its ring: a programmer error, since the rings are
    /// made for the largest frame. Nothing is sent then.
    pub fn publish(&mut self, now: Now, write: &Write<'_>) -> Result<(), FrameError> {
        let (kind, sequence) = (self.kind, self.next);
        let Some((binary, others)) = self.lanes.split_first_mut() else { return Ok(()) };
        let size_max = kind.frame_max(Format::Binary);
        binary.ring.append(sequence, size_max, |buffer| write(buffer, sequence))?;
        self.next += 1;
        if others.iter().all(|lane| lane.subscribers == 0) {
            return Ok(());
        }
        let frame = Frame::parse(binary.ring.get(sequence).unwrap_or_default())?;
        for lane in others.iter_mut().filter(|lane| lane.subscribers > 0) {
            let format = lane.format;
            lane.ring.append(sequence, kind.frame_max(format), |buffer| {
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
