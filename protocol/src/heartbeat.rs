//! The server is still here. Sent after five seconds with nothing else.
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | u64 | wall_ns | nanoseconds since 1970 at the frame's timestamp: a fresh clock map |

use zerocopy::little_endian::U64;
use zerocopy_derive::*;

use crate::header::FrameKind;
use crate::payload::Payload;

/// The payload of a heartbeat frame.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Heartbeat {
    /// Nanoseconds since 1970.
    pub wall_ns: U64,
}

const _: () = assert!(size_of::<Heartbeat>() == 8);

impl Payload for Heartbeat {
    const KIND: FrameKind = FrameKind::Heartbeat;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Body, Frame};
    use crate::limits::HEADER_SIZE;
    use crate::payload::{Position, Stamp, emit};

    #[test]
    fn bytes_are_those_of_the_specification() {
        let mut bytes = [0; Heartbeat::FRAME_SIZE];
        let (heartbeat, size) =
            emit::<Heartbeat>(&mut bytes, Position::NONE, Stamp { boot_ns: 3 }).unwrap();
        heartbeat.wall_ns.set(0x0102_0304_0506_0708);
        assert_eq!(size, 40);
        assert_eq!(&bytes[8..16], [8, 0, 0, 0, 6, 0, 0, 0]);
        assert_eq!(&bytes[HEADER_SIZE..], [8, 7, 6, 5, 4, 3, 2, 1]);
        assert!(matches!(Frame::parse(&bytes).unwrap().body, Body::Heartbeat(_)));
    }
}
