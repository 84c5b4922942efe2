//! The server's answer to hello: who it is, what time it is, what it serves and within what limits.
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | u16 | version | of every frame that follows |
//! | 2 | u16 | stream_count | entries at the end |
//! | 4 | u32 | reserved | 0 |
//! | 8 | u8 × 16 | epoch | identity of the event history; a resume token holds within one |
//! | 24 | u8 × 16 | run | identity of this start of the server |
//! | 40 | u64 | wall_ns | nanoseconds since 1970 at the frame's timestamp: the clock map |
//! | 48 | u32 | rate_mhz | default rate, in thousandths of a hertz |
//! | 52 | u32 | rate_mhz_max | highest rate that is granted |
//! | 56 | u32 | payload_max | bytes of the largest payload this server sends or takes |
//! | 60 | u32 | event_max | bytes of the largest event payload |
//! | 64 | u32 | line_max | bytes of the longest JSON line this server sends |
//! | 68 | u32 | clients_max | connections it holds at once |
//! | 72 | 24 × n | streams | per stream: id u16, reserved u16, reserved u32, oldest u64, next u64 |
//!
//! At most 16 streams, in ascending order of their ids. `next` is the sequence of the stream's next
//! frame; `oldest` that of the oldest one that can still be replayed, equal to `next` when there is
//! none.

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, IntoBytes};
use zerocopy_derive::*;

use crate::frame_error::FrameError;
use crate::header::{FrameKind, VERSION};
use crate::limits::{HEADER_SIZE, STREAMS_MAX};
use crate::payload::{Position, Stamp, emit_bytes};

/// The payload of a welcome frame.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Welcome {
    /// The fixed part.
    pub fixed: WelcomeFixed,
    /// What the server streams.
    pub streams: [StreamEntry],
}

/// The part of a welcome before its table of streams.
#[derive(
    Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct WelcomeFixed {
    /// Version of every frame that follows.
    pub version: U16,
    stream_count: U16,
    reserved: U32,
    /// Identity of the event history.
    pub epoch: [u8; 16],
    /// Identity of this start of the server.
    pub run: [u8; 16],
    /// Nanoseconds since 1970 at the frame's timestamp.
    pub wall_ns: U64,
    /// Default rate in thousandths of a hertz.
    pub rate_mhz: U32,
    /// Highest rate that is granted.
    pub rate_mhz_max: U32,
    /// Bytes of the largest payload.
    pub payload_max: U32,
    /// Bytes of the largest event payload.
    pub event_max: U32,
    /// Bytes of the longest JSON line.
    pub line_max: U32,
    /// Connections held at once.
    pub clients_max: U32,
}

/// One stream in a welcome.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct StreamEntry {
    /// A [`StreamId`](crate::StreamId)'s number.
    pub id: U16,
    reserved: U16,
    reserved_more: U32,
    /// Sequence of the oldest frame that can be replayed.
    pub oldest: U64,
    /// Sequence of the next frame.
    pub next: U64,
}

impl StreamEntry {
    /// An entry for stream `id`.
    #[must_use]
    pub fn new(id: u16, oldest: u64, next: u64) -> Self {
        Self { id: id.into(), oldest: oldest.into(), next: next.into(), ..Self::default() }
    }
}

const _: () = assert!(size_of::<WelcomeFixed>() == 72);
const _: () = assert!(core::mem::offset_of!(WelcomeFixed, wall_ns) == 40);
const _: () = assert!(size_of::<StreamEntry>() == 24);

impl Default for WelcomeFixed {
    /// This crate's version, and zeros to fill in.
    fn default() -> Self {
        Self {
            version: VERSION.into(),
            stream_count: 0.into(),
            reserved: 0.into(),
            epoch: [0; 16],
            run: [0; 16],
            wall_ns: 0.into(),
            rate_mhz: 0.into(),
            rate_mhz_max: 0.into(),
            payload_max: 0.into(),
            event_max: 0.into(),
            line_max: 0.into(),
            clients_max: 0.into(),
        }
    }
}

impl Welcome {
    /// Writes a whole welcome frame and returns its size.
    ///
    /// # Errors
    ///
    /// [`FrameError::Short`] when it does not fit in `buffer`; [`FrameError::Length`] for more
    /// streams than [`STREAMS_MAX`].
    pub fn emit(
        buffer: &mut [u8],
        stamp: Stamp,
        fixed: &WelcomeFixed,
        streams: &[StreamEntry],
    ) -> Result<usize, FrameError> {
        if streams.len() > STREAMS_MAX {
            return Err(FrameError::Length);
        }
        let size = size_of::<WelcomeFixed>() + size_of_val(streams);
        let payload = emit_bytes(buffer, FrameKind::Welcome, Position::NONE, stamp, size)?;
        let count = u16::try_from(streams.len()).map_err(|_| FrameError::Length)?;
        let (head, table) = payload.split_at_mut(size_of::<WelcomeFixed>());
        let head = WelcomeFixed::mut_from_bytes(head).map_err(|_| FrameError::Short)?;
        *head = WelcomeFixed { stream_count: count.into(), ..*fixed };
        table.copy_from_slice(streams.as_bytes());
        Ok(HEADER_SIZE + size)
    }

    pub(crate) fn check(&self) -> Result<(), FrameError> {
        let reserved = self.fixed.reserved.get() == 0
            && self
                .streams
                .iter()
                .all(|entry| entry.reserved.get() == 0 && entry.reserved_more.get() == 0);
        if !reserved {
            return Err(FrameError::Reserved);
        }
        let count = self.streams.len();
        if usize::from(self.fixed.stream_count.get()) != count || count > STREAMS_MAX {
            return Err(FrameError::Length);
        }
        let mut id = 0;
        for entry in &self.streams {
            if entry.id.get() <= id || entry.oldest.get() > entry.next.get() {
                return Err(FrameError::Value);
            }
            id = entry.id.get();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Body, Frame};

    const SIZE: usize = HEADER_SIZE + 72 + 2 * 24;

    fn welcome() -> [u8; SIZE] {
        let mut fixed =
            WelcomeFixed { epoch: [0xE0; 16], run: [0xA0; 16], ..WelcomeFixed::default() };
        fixed.wall_ns.set(0x1122_3344_5566_7788);
        fixed.rate_mhz.set(25_000);
        fixed.rate_mhz_max.set(1_000_000);
        fixed.payload_max.set(65_536);
        fixed.event_max.set(8192);
        fixed.line_max.set(50_176);
        fixed.clients_max.set(256);
        let streams = [StreamEntry::new(1, 7, 7), StreamEntry::new(4, 3, 42)];
        let mut bytes = [0; SIZE];
        let size = Welcome::emit(&mut bytes, Stamp { boot_ns: 5 }, &fixed, &streams).unwrap();
        assert_eq!(size, SIZE);
        bytes
    }

    #[test]
    fn bytes_are_those_of_the_specification() {
        let bytes = welcome();
        assert_eq!(&bytes[8..16], [120, 0, 0, 0, 2, 0, 0, 0]);
        let payload = &bytes[HEADER_SIZE..];
        assert_eq!(&payload[..8], [2, 0, 2, 0, 0, 0, 0, 0]);
        assert_eq!((payload[8], payload[23], payload[24], payload[39]), (0xE0, 0xE0, 0xA0, 0xA0));
        assert_eq!(&payload[40..48], [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]);
        assert_eq!(&payload[48..56], [0xA8, 0x61, 0, 0, 0x40, 0x42, 0x0F, 0]);
        assert_eq!(&payload[56..64], [0, 0, 1, 0, 0, 0x20, 0, 0]);
        assert_eq!(&payload[64..72], [0, 0xC4, 0, 0, 0, 1, 0, 0]);
        assert_eq!(&payload[72..80], [1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!((payload[80], payload[88]), (7, 7));
        assert_eq!((payload[96], payload[104], payload[112]), (4, 3, 42));
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = welcome();
        let Body::Welcome(read) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        assert_eq!(read.fixed.version.get(), VERSION);
        assert_eq!(read.streams, [StreamEntry::new(1, 7, 7), StreamEntry::new(4, 3, 42)]);
    }

    #[test]
    fn damage_is_named() {
        let cases = [
            (2, 3, FrameError::Length),
            (4, 1, FrameError::Reserved),
            (74, 1, FrameError::Reserved),
            (76, 1, FrameError::Reserved),
            (72, 0, FrameError::Value),
            (72, 4, FrameError::Value),
            (80, 8, FrameError::Value),
        ];
        for (offset, byte, error) in cases {
            let mut bytes = welcome();
            bytes[HEADER_SIZE + offset] = byte;
            assert_eq!(Frame::parse(&bytes).err(), Some(error), "byte {offset}");
        }
    }

    #[test]
    fn tables_are_bounded_on_both_sides() {
        let mut streams = [StreamEntry::default(); STREAMS_MAX + 1];
        for (entry, id) in streams.iter_mut().zip(1..) {
            *entry = StreamEntry::new(id, 1, 1);
        }
        let (fixed, stamp) = (WelcomeFixed::default(), Stamp { boot_ns: 0 });
        let mut bytes = [0; 1024];
        let size = Welcome::emit(&mut bytes, stamp, &fixed, &streams[1..]).unwrap();
        assert!(Frame::parse(&bytes[..size]).is_ok());
        let refused = Welcome::emit(&mut bytes, stamp, &fixed, &streams);
        assert_eq!(refused, Err(FrameError::Length));

        let size = 72 + size_of_val(&streams);
        let payload =
            emit_bytes(&mut bytes, FrameKind::Welcome, Position::NONE, stamp, size).unwrap();
        payload[2] = 17;
        payload[72..].copy_from_slice(streams.as_bytes());
        let refused = Frame::parse(&bytes[..HEADER_SIZE + size]).err();
        assert_eq!(refused, Some(FrameError::Length));
    }
}
