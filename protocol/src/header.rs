//! The 32 bytes before every payload.
//!
//! | offset | size | field | meaning |
//! |---|---|---|---|
//! | 0 | u32 | magic | 0x4F505441 |
//! | 4 | u16 | version | 2 |
//! | 6 | u16 | flags | 0; unknown flags are refused |
//! | 8 | u32 | payload_len | bytes after this header; a multiple of 8, at most 65,536 |
//! | 12 | u16 | kind | see [`FrameKind`] |
//! | 14 | u16 | stream | see [`StreamId`]; 0 for frames of the connection itself |
//! | 16 | u64 | sequence | position in the stream, from 1; 0 for frames that have none |
//! | 24 | u64 | timestamp | nanoseconds on the boot clock |
//!
//! All integers are little-endian. The first 12 bytes mean what version 1's header means.

use zerocopy::FromBytes;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy_derive::*;

use crate::frame_error::FrameError;
use crate::limits::{FRAME_ALIGN, HEADER_SIZE, PAYLOAD_MAX};

/// The first four bytes of a frame, as a little-endian number.
pub const MAGIC: u32 = 0x4F50_5441;

/// The version of the frames in this crate.
pub const VERSION: u16 = 2;

/// A frame's header; the module's table is its layout.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct FrameHeader {
    /// [`MAGIC`].
    pub magic: U32,
    /// [`VERSION`].
    pub version: U16,
    /// Zero.
    pub flags: U16,
    /// Bytes of payload that follow.
    pub payload_len: U32,
    /// A [`FrameKind`]'s number.
    pub kind: U16,
    /// A [`StreamId`]'s number.
    pub stream: U16,
    /// Position in the stream.
    pub sequence: U64,
    /// Nanoseconds on the boot clock.
    pub timestamp: U64,
}

const _: () = assert!(size_of::<FrameHeader>() == HEADER_SIZE);
const _: () = assert!(core::mem::offset_of!(FrameHeader, payload_len) == 8);
const _: () = assert!(core::mem::offset_of!(FrameHeader, kind) == 12);
const _: () = assert!(core::mem::offset_of!(FrameHeader, sequence) == 16);
const _: () = assert!(core::mem::offset_of!(FrameHeader, timestamp) == 24);

impl FrameHeader {
    /// Reads the header at the front of `bytes` and checks what can be checked without the payload:
    /// magic, version, flags and length.
    ///
    /// # Errors
    ///
    /// Any [`FrameError`] but `Reserved` and `Value`; `Short` when there are fewer than 32 bytes.
    pub fn parse(bytes: &[u8]) -> Result<&Self, FrameError> {
        // Eight bytes tell that this is no frame: a client that speaks something else is not left
        // waiting for the other 24.
        if let Some((start, _)) = bytes.split_first_chunk::<8>() {
            let magic = MAGIC.to_le_bytes();
            if start[..4] != magic {
                let shifted = start[4..] == magic;
                return Err(if shifted { FrameError::Version1 } else { FrameError::Magic });
            }
        }
        let (header, _) = Self::ref_from_prefix(bytes).map_err(|_| FrameError::Short)?;
        if header.version.get() != VERSION {
            return Err(FrameError::Version);
        }
        if header.flags.get() != 0 {
            return Err(FrameError::Flags);
        }
        let size = header.payload_size();
        if size > PAYLOAD_MAX || !size.is_multiple_of(FRAME_ALIGN) {
            return Err(FrameError::Length);
        }
        Ok(header)
    }

    /// Bytes of payload that follow.
    #[must_use]
    pub fn payload_size(&self) -> usize {
        // On a 16-bit machine a length beyond usize is beyond the limit as well.
        usize::try_from(self.payload_len.get()).unwrap_or(usize::MAX)
    }
}

/// What a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum FrameKind {
    /// Client: which versions it speaks, and its name.
    Hello = 1,
    /// Server: the version chosen, identity, clocks, limits and streams.
    Welcome = 2,
    /// Client: which streams, how fast, from where.
    Subscribe = 3,
    /// Server: what was granted.
    Subscribed = 4,
    /// Server: frames of a stream that this subscriber will not get.
    Gap = 5,
    /// Server: still here, with a fresh clock map.
    Heartbeat = 6,
    /// Server: why it closes the connection.
    Goodbye = 7,
    /// Server: what was wrong with the client's bytes.
    Error = 8,
    /// Client: something to be done.
    Request = 9,
    /// Server: what became of it.
    Reply = 10,
    /// Server: what its sensors are.
    Catalog = 11,
    /// Server: the machine's vitals.
    Vitals = 16,
    /// Server: what the sensors of a group read.
    Samples = 17,
    /// Server: the processes that take most.
    Processes = 18,
    /// Server: an application's event.
    Event = 32,
}

impl FrameKind {
    /// The kind with this number, if this crate knows it. Other kinds are skipped by length.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<Self> {
        Some(match number {
            1 => Self::Hello,
            2 => Self::Welcome,
            3 => Self::Subscribe,
            4 => Self::Subscribed,
            5 => Self::Gap,
            6 => Self::Heartbeat,
            7 => Self::Goodbye,
            8 => Self::Error,
            9 => Self::Request,
            10 => Self::Reply,
            11 => Self::Catalog,
            16 => Self::Vitals,
            17 => Self::Samples,
            18 => Self::Processes,
            32 => Self::Event,
            _ => return None,
        })
    }
}

/// The number of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u16);

impl StreamId {
    /// The connection itself, not a stream.
    pub const NONE: Self = Self(0);
    /// The machine's vitals.
    pub const VITALS: Self = Self(1);
    /// Samples of sensors, group by group, and the catalog that names them.
    pub const SAMPLES: Self = Self(2);
    /// The processes that take most.
    pub const PROCESSES: Self = Self(3);
    /// Application events.
    pub const EVENTS: Self = Self(4);

    /// Its name in JSON; `None` for a number without a stream.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self.0 {
            1..=4 => Some(Self::ALL_NAMED[self.0 as usize - 1].1),
            _ => None,
        }
    }

    /// The streams a client can name.
    pub const ALL_NAMED: [(Self, &'static str); 4] = [
        (Self::VITALS, "vitals"),
        (Self::SAMPLES, "samples"),
        (Self::PROCESSES, "processes"),
        (Self::EVENTS, "events"),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heartbeat::Heartbeat;
    use crate::payload::{Payload, Position, Stamp, emit};

    #[test]
    fn a_payload_may_be_as_long_as_the_limit() {
        let mut bytes = [0; Heartbeat::FRAME_SIZE];
        emit::<Heartbeat>(&mut bytes, Position::NONE, Stamp { boot_ns: 1 }).unwrap();
        for (size, expected) in [
            (PAYLOAD_MAX, Ok(PAYLOAD_MAX)),
            (PAYLOAD_MAX + FRAME_ALIGN, Err(FrameError::Length)),
            (PAYLOAD_MAX - 1, Err(FrameError::Length)),
        ] {
            bytes[8..12].copy_from_slice(&u32::try_from(size).unwrap().to_le_bytes());
            assert_eq!(FrameHeader::parse(&bytes).map(FrameHeader::payload_size), expected);
        }
    }
}
