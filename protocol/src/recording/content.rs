//! What records hold besides frames. Reserved bytes are zero, and checked.

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy_derive::*;

use super::RECORDING_VERSION;
use crate::header::StreamId;
use crate::subscribe::Streams;
use crate::text::prefix;

/// Bytes of a program's name.
const PROGRAM_MAX: usize = 32;

/// Bytes of the text in [`Lost`].
const WHY_MAX: usize = 112;

/// What was asked for, by whom and when.
///
/// | offset | type | field | meaning |
/// |---|---|---|---|
/// | 0 | u16 | version | 1 |
/// | 2 | u16 | streams | bit n−1 for stream n |
/// | 4 | u32 | rate_mhz | asked for, in thousandths of a hertz; 0 is the server's default |
/// | 8 | u64 | wall_ns | when it began, in nanoseconds since 1970 |
/// | 16 | u8 × 32 | program | who writes it, UTF-8, the rest 0 |
#[derive(
    Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Start {
    version: U16,
    streams: U16,
    /// Asked for, in thousandths of a hertz; 0 is the server's default.
    pub rate_mhz: U32,
    /// When it began, in nanoseconds since 1970.
    pub wall_ns: U64,
    program: [u8; PROGRAM_MAX],
}

const _: () = assert!(size_of::<Start>() == 48);

impl Start {
    /// A start of this version; `program` is cut where it is too long.
    #[must_use]
    pub fn new(streams: Streams, rate_mhz: u32, wall_ns: u64, program: &str) -> Self {
        let program = padded(program);
        let (version, streams) = (RECORDING_VERSION.into(), streams.0.into());
        Self { version, streams, rate_mhz: rate_mhz.into(), wall_ns: wall_ns.into(), program }
    }

    /// The streams that were asked for.
    #[must_use]
    pub const fn streams(&self) -> Streams {
        Streams(self.streams.get())
    }

    /// Who wrote it.
    #[must_use]
    pub fn program(&self) -> &str {
        text(&self.program)
    }

    pub(super) fn is_good(&self) -> bool {
        self.version.get() == RECORDING_VERSION && is_text(&self.program)
    }
}

/// A connection ended.
///
/// | offset | type | field | meaning |
/// |---|---|---|---|
/// | 0 | u64 | wall_ns | when that was noticed, in nanoseconds since 1970 |
/// | 8 | u8 × 112 | why | for people, UTF-8, the rest 0 |
#[derive(
    Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Lost {
    /// When that was noticed, in nanoseconds since 1970.
    pub wall_ns: U64,
    why: [u8; WHY_MAX],
}

const _: () = assert!(size_of::<Lost>() == 120);

impl Lost {
    /// The reason for people.
    #[must_use]
    pub fn why(&self) -> &str {
        text(&self.why)
    }

    pub(super) fn is_good(&self) -> bool {
        is_text(&self.why)
    }
}

/// The end of a connection at `wall_ns`; `why` is cut where it is too long.
#[must_use]
pub fn lost(wall_ns: u64, why: &str) -> Lost {
    Lost { wall_ns: wall_ns.into(), why: padded(why) }
}

/// Frames that are lost, and that no gap frame names: they were produced while there was no
/// connection.
///
/// | offset | type | field | meaning |
/// |---|---|---|---|
/// | 0 | u16 | stream | |
/// | 2 | u8 × 6 | reserved | 0 |
/// | 8 | u64 | first | sequence of the first |
/// | 16 | u64 | last | sequence of the last |
/// | 24 | u64 | count | how many at most; from 1 on |
#[derive(
    Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Missed {
    stream: U16,
    reserved: [u8; 6],
    /// Sequence of the first.
    pub first: U64,
    /// Sequence of the last.
    pub last: U64,
    /// How many at most.
    pub count: U64,
}

const _: () = assert!(size_of::<Missed>() == 32);

impl Missed {
    /// Frames `first` to `last` of a stream, of which `count` would have come.
    #[must_use]
    pub fn new(stream: StreamId, first: u64, last: u64, count: u64) -> Self {
        let (first, last, count) = (first.into(), last.into(), count.into());
        Self { stream: stream.0.into(), reserved: [0; 6], first, last, count }
    }

    /// Of which stream.
    #[must_use]
    pub const fn stream(&self) -> StreamId {
        StreamId(self.stream.get())
    }

    pub(super) fn is_good(&self) -> bool {
        let (first, last) = (self.first.get(), self.last.get());
        let span = last.checked_sub(first).map(|span| span.saturating_add(1));
        let fits = span.is_some_and(|span| (1..=span).contains(&self.count.get()));
        self.reserved == [0; 6] && first > 0 && fits
    }
}

/// Every event behind this place of a history may be lost: the next connection has another one.
///
/// | offset | type | field | meaning |
/// |---|---|---|---|
/// | 0 | u8 × 16 | epoch | of the history that is not continued |
/// | 16 | u64 | events | sequence of the last event of it that was had |
#[derive(
    Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Fresh {
    /// Of the history that is not continued.
    pub epoch: [u8; 16],
    /// Sequence of the last event of it that was had.
    pub events: U64,
}

const _: () = assert!(size_of::<Fresh>() == 24);

/// Where to begin to read for a time: at most a second of frames lies between two of them, or so
/// many that the index keeps its bound.
///
/// | offset | type | field | meaning |
/// |---|---|---|---|
/// | 0 | u64 | elapsed_ns | from the first frame to the one at `offset` |
/// | 8 | u64 | offset | of a record with a frame, in bytes |
/// | 16 | u64 | number | of that record |
/// | 24 | u64 | welcome | offset of the welcome that is in force there |
/// | 32 | u64 | catalog | offset of the first part of the catalog in force; 0 is none |
#[derive(
    Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
#[allow(missing_docs)] // the table says all there is
pub struct IndexEntry {
    pub elapsed_ns: U64,
    pub offset: U64,
    pub number: U64,
    pub welcome: U64,
    pub catalog: U64,
}

const _: () = assert!(size_of::<IndexEntry>() == 40);

/// What a recording came to.
///
/// | offset | type | field | meaning |
/// |---|---|---|---|
/// | 0 | u64 | index | offset of the first index record; 0 is none |
/// | 8 | u64 | elapsed_ns | from the first frame to the last |
/// | 16 | u64 | frames | of vitals, samples, processes and events |
/// | 24 | u64 | missed | frames that gaps and `missed` name |
/// | 32 | u16 | outcome | 0 it was stopped, 1 the time was over, 2 the file took no more, 3 the server refused |
/// | 34 | u8 × 6 | reserved | 0 |
#[derive(
    Clone, Copy, Debug, Default, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct End {
    /// Offset of the first index record; 0 is none.
    pub index: U64,
    /// From the first frame to the last.
    pub elapsed_ns: U64,
    /// Frames of vitals, samples, processes and events.
    pub frames: U64,
    /// Frames that are named as lost.
    pub missed: U64,
    outcome: U16,
    reserved: [u8; 6],
}

const _: () = assert!(size_of::<End>() == 40);

impl End {
    /// The same with an outcome.
    #[must_use]
    pub fn with(mut self, outcome: Outcome) -> Self {
        self.outcome.set(outcome as u16);
        self
    }

    /// Why it ends; `None` for a reason of a later version.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        Outcome::ALL.into_iter().find(|outcome| *outcome as u16 == self.outcome.get())
    }

    pub(super) fn is_good(&self) -> bool {
        self.reserved == [0; 6]
    }
}

/// Why a recording ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Outcome {
    /// Somebody stopped it.
    Stopped = 0,
    /// The time was over.
    Over = 1,
    /// The file took no more.
    Full = 2,
    /// The server refused.
    Refused = 3,
}

impl Outcome {
    /// Each of them, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Stopped, Self::Over, Self::Full, Self::Refused];
}

fn padded<const N: usize>(text: &str) -> [u8; N] {
    let text = prefix(text, N);
    let mut bytes = [0; N];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    bytes
}

/// The text before the first zero.
fn text(bytes: &[u8]) -> &str {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    core::str::from_utf8(&bytes[..end]).unwrap_or_default()
}

/// Whether bytes are UTF-8, and behind the first zero nothing else.
fn is_text(bytes: &[u8]) -> bool {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    core::str::from_utf8(&bytes[..end]).is_ok() && bytes[end..].iter().all(|byte| *byte == 0)
}
