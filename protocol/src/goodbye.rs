//! Why the server closes a connection that did nothing wrong.
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | u16 | reason | 0 shutdown, 1 stalled, 2 limit, 3 deadline |
//! | 2 | u8 × 6 | reserved | 0 |

use zerocopy::little_endian::U16;
use zerocopy_derive::*;

use crate::frame_error::FrameError;
use crate::header::FrameKind;
use crate::payload::Payload;

/// The payload of a goodbye frame.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Goodbye {
    reason: U16,
    reserved: [u8; 6],
}

const _: () = assert!(size_of::<Goodbye>() == 8);

impl Payload for Goodbye {
    const KIND: FrameKind = FrameKind::Goodbye;
}

impl Goodbye {
    /// Says why.
    pub fn set(&mut self, reason: GoodbyeReason) {
        self.reason.set(reason as u16);
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> GoodbyeReason {
        GoodbyeReason::from_number(self.reason.get()).unwrap_or(GoodbyeReason::Shutdown)
    }

    pub(crate) fn check(&self) -> Result<(), FrameError> {
        if self.reserved != [0; 6] {
            return Err(FrameError::Reserved);
        }
        GoodbyeReason::from_number(self.reason.get()).map(|_| ()).ok_or(FrameError::Value)
    }
}

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum GoodbyeReason {
    /// The server stops.
    Shutdown = 0,
    /// The client took no byte for too long.
    Stalled = 1,
    /// The server is full.
    Limit = 2,
    /// The client did not say in time what it wants.
    Deadline = 3,
}

impl GoodbyeReason {
    /// The reason with this number.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            0 => Some(Self::Shutdown),
            1 => Some(Self::Stalled),
            2 => Some(Self::Limit),
            3 => Some(Self::Deadline),
            _ => None,
        }
    }

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shutdown => "shutdown",
            Self::Stalled => "stalled",
            Self::Limit => "limit",
            Self::Deadline => "deadline",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Body, Frame};
    use crate::limits::HEADER_SIZE;
    use crate::payload::{Position, Stamp, emit};

    #[test]
    fn bytes_are_those_of_the_specification() {
        let mut bytes = [0; Goodbye::FRAME_SIZE];
        for number in 0..4 {
            let reason = GoodbyeReason::from_number(number).unwrap();
            let (goodbye, _) =
                emit::<Goodbye>(&mut bytes, Position::NONE, Stamp { boot_ns: 0 }).unwrap();
            goodbye.set(reason);
            assert_eq!(&bytes[8..16], [8, 0, 0, 0, 7, 0, 0, 0]);
            assert_eq!(u64::from(bytes[HEADER_SIZE]), u64::from(number));
            let Body::Goodbye(read) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
            assert_eq!(read.reason(), reason);
        }
        bytes[HEADER_SIZE] = 4;
        assert_eq!(Frame::parse(&bytes).err(), Some(FrameError::Value));
        bytes[HEADER_SIZE + 2] = 1;
        assert_eq!(Frame::parse(&bytes).err(), Some(FrameError::Reserved));
    }
}
