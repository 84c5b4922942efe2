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

#[cfg(test)]
mod tests {
    use kymo_protocol::{Position, Stamp, emit};

    use super::*;

    const NOW: Now = Now { mono_ns: 1, boot_ns: 1, wall_ns: 1 };

    fn publish(telemetry: &mut Telemetry) {
        let write = |buffer: &mut [u8], sequence| {
            let at = Position { stream: StreamId::VITALS, sequence };
            emit::<Vitals>(buffer, at, Stamp { boot_ns: 1 }).map(|(_, size)| size)
        };
        telemetry.publish(NOW, &write).unwrap();
    }

    #[test]
    fn a_ring_is_filled_while_somebody_reads_it() {
        let formats = [Format::Json, Format::Opta1, Format::Json];
        let mut telemetry = Telemetry::new(Kind::Vitals, formats);
        let has = |telemetry: &Telemetry, format, sequence| {
            telemetry.ring(format).is_some_and(|ring| ring.get(sequence).is_some())
        };
        publish(&mut telemetry);
        assert!(!telemetry.is_wanted() && !telemetry.is_fresh());
        assert!(has(&telemetry, Format::Binary, 1) && !has(&telemetry, Format::Json, 1));
        telemetry.join(Format::Json);
        assert!(telemetry.is_wanted() && !telemetry.is_fresh(), "that frame is of another time");
        publish(&mut telemetry);
        assert!(telemetry.is_fresh());
        telemetry.join(Format::Opta1);
        assert!(telemetry.is_fresh(), "it is not the first");
        assert!(has(&telemetry, Format::Json, 2) && !has(&telemetry, Format::Opta1, 2));
        telemetry.leave(Format::Json);
        publish(&mut telemetry);
        assert!(has(&telemetry, Format::Opta1, 3) && !has(&telemetry, Format::Json, 3));
        telemetry.leave(Format::Opta1);
        assert!(!telemetry.is_wanted());
        publish(&mut telemetry);
        assert!(has(&telemetry, Format::Binary, 4) && !has(&telemetry, Format::Opta1, 4));
        assert_eq!(telemetry.next(), 5);
        assert!(telemetry.ring(Format::JsonBare).is_none());
    }

    #[test]
    fn version_1_is_a_message_and_no_line() {
        let mut telemetry = Telemetry::new(Kind::Vitals, [Format::Opta1, Format::JsonBare]);
        telemetry.join(Format::Opta1);
        telemetry.join(Format::JsonBare);
        publish(&mut telemetry);
        let frame = telemetry.ring(Format::Opta1).and_then(|ring| ring.get(1)).unwrap();
        assert_eq!(frame[4..8], kymo_protocol::MAGIC.to_le_bytes());
        let line = telemetry.ring(Format::JsonBare).and_then(|ring| ring.get(1)).unwrap();
        assert!(line.starts_with(b"{\"type\":\"vitals\",\"timestamp\""));
        // Processes are no part of it.
        let processes = Telemetry::new(Kind::Processes, [Format::Opta1, Format::Json]);
        assert!(processes.ring(Format::Opta1).is_none() && processes.ring(Format::Json).is_some());
    }

    #[test]
    fn formats_are_named_in_a_status() {
        let all = [Format::Binary, Format::Json, Format::JsonBare, Format::Opta1];
        assert_eq!(all.map(Format::name), ["binary", "json", "json_bare", "opta1"]);
    }

    #[test]
    fn rings_of_lines_have_room_for_as_many_bytes_as_lines_have() {
        for (kind, part) in [(Kind::Vitals, 4), (Kind::Processes, 2)] {
            for format in [Format::Json, Format::JsonBare] {
                assert_eq!(kind.ring_frame_size(format), kind.frame_max(format) / part);
            }
            let binary = kind.frame_max(Format::Binary);
            assert_eq!(kind.ring_frame_size(Format::Binary), binary);
            assert_eq!(kind.batch_max() as usize, kind.frames() / 4);
        }
    }
}
