//! Frames of a stream that a subscriber will not get, named.
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | u64 | first | sequence of the first missing frame |
//! | 8 | u64 | last | sequence of the last missing frame |
//! | 16 | u64 | count | frames missing: last − first + 1, or fewer when a filter hid some |
//! | 24 | u16 | reason | 0 lapped, 1 retention, 2 damage, 3 unjournalled |
//! | 26 | u8 × 6 | reserved | 0 |
//!
//! 32 bytes; 1 ≤ first ≤ last. The header's `stream` says of which stream; the frame stands where
//! the missing ones would have stood.

use zerocopy::little_endian::{U16, U64};
use zerocopy_derive::*;

use crate::frame_error::FrameError;
use crate::header::FrameKind;
use crate::payload::Payload;

/// The payload of a gap frame.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Gap {
    /// First missing sequence.
    pub first: U64,
    /// Last missing sequence.
    pub last: U64,
    /// Frames missing.
    pub count: U64,
    reason: U16,
    reserved: [u8; 6],
}

const _: () = assert!(size_of::<Gap>() == 32);

impl Payload for Gap {
    const KIND: FrameKind = FrameKind::Gap;
}

impl Gap {
    /// Fills in a run of missing frames.
    pub fn set(&mut self, first: u64, last: u64, reason: GapReason) {
        self.first.set(first);
        self.last.set(last);
        self.count.set(last.saturating_sub(first).saturating_add(1));
        self.reason.set(reason as u16);
    }

    /// Why they are missing.
    #[must_use]
    pub fn reason(&self) -> GapReason {
        GapReason::from_number(self.reason.get()).unwrap_or(GapReason::Lapped)
    }

    pub(crate) fn check(&self) -> Result<(), FrameError> {
        if self.reserved != [0; 6] {
            return Err(FrameError::Reserved);
        }
        let first = self.first.get();
        let span = self.last.get().checked_sub(first).filter(|_| first > 0);
        let fits =
            span.is_some_and(|span| (1..=span.saturating_add(1)).contains(&self.count.get()));
        if !fits || GapReason::from_number(self.reason.get()).is_none() {
            return Err(FrameError::Value);
        }
        Ok(())
    }
}

/// Why frames are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum GapReason {
    /// The subscriber was slower than the ring is long.
    Lapped = 0,
    /// The journal no longer keeps them.
    Retention = 1,
    /// The journal was damaged there.
    Damage = 2,
    /// They were sent while the journal could not be written.
    Unjournalled = 3,
}

impl GapReason {
    /// The reason with this number.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            0 => Some(Self::Lapped),
            1 => Some(Self::Retention),
            2 => Some(Self::Damage),
            3 => Some(Self::Unjournalled),
            _ => None,
        }
    }

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lapped => "lapped",
            Self::Retention => "retention",
            Self::Damage => "damage",
            Self::Unjournalled => "unjournalled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Body, Frame};
    use crate::header::StreamId;
    use crate::limits::HEADER_SIZE;
    use crate::payload::{Position, Stamp, emit};

    fn gap(first: u64, last: u64, reason: GapReason) -> [u8; Gap::FRAME_SIZE] {
        let mut bytes = [0; Gap::FRAME_SIZE];
        let at = Position { stream: StreamId::EVENTS, sequence: 0 };
        emit::<Gap>(&mut bytes, at, Stamp { boot_ns: 0 }).unwrap().0.set(first, last, reason);
        bytes
    }

    #[test]
    fn bytes_are_those_of_the_specification() {
        let bytes = gap(3, 9, GapReason::Damage);
        assert_eq!(&bytes[8..16], [32, 0, 0, 0, 5, 0, 4, 0]);
        let payload = &bytes[HEADER_SIZE..];
        assert_eq!((payload[0], payload[8], payload[16]), (3, 9, 7));
        assert_eq!(&payload[24..], [2, 0, 0, 0, 0, 0, 0, 0]);
        let Body::Gap(gap) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        assert_eq!(gap.reason(), GapReason::Damage);
    }

    #[test]
    fn gaps_that_cannot_be_are_refused() {
        assert!(Frame::parse(&gap(1, u64::MAX, GapReason::Lapped)).is_ok());
        let cases = [
            (0, 0, FrameError::Value),  // sequences start at 1
            (0, 10, FrameError::Value), // first behind last
            (16, 0, FrameError::Value), // nothing is missing
            (16, 8, FrameError::Value), // more than fit between first and last
            (24, 4, FrameError::Value),
            (26, 1, FrameError::Reserved),
        ];
        for (offset, byte, error) in cases {
            let mut bytes = gap(3, 9, GapReason::Lapped);
            bytes[HEADER_SIZE + offset] = byte;
            assert_eq!(Frame::parse(&bytes).err(), Some(error), "byte {offset} to {byte}");
        }
        let mut bytes = gap(3, 9, GapReason::Lapped);
        bytes[HEADER_SIZE + 16] = 1; // a filter hid the others
        assert!(Frame::parse(&bytes).is_ok());
    }

    #[test]
    fn reasons_have_their_numbers() {
        for number in 0..4 {
            assert_eq!(GapReason::from_number(number).map(|reason| reason as u16), Some(number));
        }
        assert_eq!(GapReason::from_number(4), None);
    }
}
