//! One whole frame, checked once.
//!
//! [`Frame::parse`] is the audit point: it checks the header, the length, every reserved byte and
//! every enumerated value. What it returns is a view of the caller's bytes; nothing is copied, and
//! no accessor can fail afterwards.

use zerocopy::FromBytes;

use crate::catalog::Catalog;
use crate::error::ErrorReport;
use crate::event::Event;
use crate::frame_error::FrameError;
use crate::gap::Gap;
use crate::goodbye::Goodbye;
use crate::header::{FrameHeader, FrameKind};
use crate::heartbeat::Heartbeat;
use crate::hello::Hello;
use crate::limits::HEADER_SIZE;
use crate::processes::Processes;
use crate::request::{Reply, Request};
use crate::samples::Samples;
use crate::subscribe::{Subscribe, Subscribed};
use crate::vitals::Vitals;
use crate::welcome::Welcome;

/// A checked frame, borrowed from the bytes it was parsed from.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The 32 bytes before the payload.
    pub header: &'a FrameHeader,
    /// The payload by its kind.
    pub body: Body<'a>,
}

/// A payload by its kind.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Body<'a> {
    /// See [`Hello`].
    Hello(&'a Hello),
    /// See [`Welcome`].
    Welcome(&'a Welcome),
    /// See [`Subscribe`].
    Subscribe(&'a Subscribe),
    /// See [`Subscribed`].
    Subscribed(&'a Subscribed),
    /// See [`Gap`].
    Gap(&'a Gap),
    /// See [`Heartbeat`].
    Heartbeat(&'a Heartbeat),
    /// See [`Goodbye`].
    Goodbye(&'a Goodbye),
    /// See [`ErrorReport`].
    Error(&'a ErrorReport),
    /// See [`Request`].
    Request(&'a Request),
    /// See [`Reply`].
    Reply(&'a Reply),
    /// See [`Catalog`].
    Catalog(&'a Catalog),
    /// See [`Vitals`].
    Vitals(&'a Vitals),
    /// See [`Samples`].
    Samples(&'a Samples),
    /// See [`Processes`].
    Processes(&'a Processes),
    /// See [`Event`].
    Event(&'a Event),
    /// A kind this crate does not know: skip it.
    Unknown(&'a [u8]),
}

impl<'a> Frame<'a> {
    /// Checks that `bytes` are exactly one frame and returns a view of it.
    ///
    /// # Errors
    ///
    /// A [`FrameError`] that names the first thing found wrong.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FrameError> {
        let header = FrameHeader::parse(bytes)?;
        let payload = bytes.get(HEADER_SIZE..).ok_or(FrameError::Short)?;
        if payload.len() != header.payload_size() {
            return Err(FrameError::Short);
        }
        let body = Body::parse(header, payload)?;
        Ok(Self { header, body })
    }
}

impl<'a> Body<'a> {
    fn parse(header: &FrameHeader, payload: &'a [u8]) -> Result<Self, FrameError> {
        let Some(kind) = FrameKind::from_number(header.kind.get()) else {
            return Ok(Self::Unknown(payload));
        };
        Ok(match kind {
            FrameKind::Hello => Self::Hello(checked(view(payload)?, Hello::check)?),
            FrameKind::Welcome => Self::Welcome(checked(
                Welcome::ref_from_bytes(payload).map_err(|_| FrameError::Length)?,
                Welcome::check,
            )?),
            FrameKind::Subscribe => Self::Subscribe(checked(
                Subscribe::ref_from_bytes(payload).map_err(|_| FrameError::Length)?,
                Subscribe::check,
            )?),
            FrameKind::Subscribed => Self::Subscribed(checked(view(payload)?, Subscribed::check)?),
            FrameKind::Gap => Self::Gap(checked(view(payload)?, Gap::check)?),
            FrameKind::Heartbeat => Self::Heartbeat(view(payload)?),
            FrameKind::Goodbye => Self::Goodbye(checked(view(payload)?, Goodbye::check)?),
            FrameKind::Error => Self::Error(checked(view(payload)?, ErrorReport::check)?),
            FrameKind::Request => Self::Request(checked(
                Request::ref_from_bytes(payload).map_err(|_| FrameError::Length)?,
                Request::check,
            )?),
            FrameKind::Reply => Self::Reply(checked(
                Reply::ref_from_bytes(payload).map_err(|_| FrameError::Length)?,
                Reply::check,
            )?),
            FrameKind::Catalog => Self::Catalog(checked(
                Catalog::ref_from_bytes(payload).map_err(|_| FrameError::Length)?,
                Catalog::check,
            )?),
            FrameKind::Vitals => Self::Vitals(checked(view(payload)?, Vitals::check)?),
            FrameKind::Samples => Self::Samples(checked(
                Samples::ref_from_bytes(payload).map_err(|_| FrameError::Length)?,
                Samples::check,
            )?),
            FrameKind::Processes => Self::Processes(checked(
                Processes::ref_from_bytes(payload).map_err(|_| FrameError::Length)?,
                Processes::check,
            )?),
            FrameKind::Event => Self::Event(Event::parse(payload)?),
        })
    }
}

fn view<P: crate::payload::Payload>(payload: &[u8]) -> Result<&P, FrameError> {
    P::ref_from_bytes(payload).map_err(|_| FrameError::Length)
}

fn checked<P: ?Sized>(
    payload: &P,
    check: fn(&P) -> Result<(), FrameError>,
) -> Result<&P, FrameError> {
    check(payload)?;
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::{MAGIC, StreamId};
    use crate::payload::{Payload, Position, Stamp, emit};
    use crate::state::State;
    use crate::vitals::Field;

    fn vitals_frame() -> [u8; Vitals::FRAME_SIZE] {
        let mut bytes = [0; Vitals::FRAME_SIZE];
        let at = Position { stream: StreamId::VITALS, sequence: 7 };
        let (vitals, size) = emit::<Vitals>(&mut bytes, at, Stamp { boot_ns: 9 }).unwrap();
        assert_eq!(size, Vitals::FRAME_SIZE);
        vitals.memory_total.set(1 << 34);
        vitals.set_state(Field::MemoryTotal, State::Ok, 3);
        vitals.set_state(Field::Temperature, State::Absent, 0);
        bytes
    }

    #[test]
    fn header_bytes_are_those_of_the_specification() {
        let bytes = vitals_frame();
        assert_eq!(&bytes[..4], &[0x41, 0x54, 0x50, 0x4F]);
        assert_eq!(&bytes[4..8], &[2, 0, 0, 0]);
        assert_eq!(&bytes[8..12], &288u32.to_le_bytes());
        assert_eq!(&bytes[12..16], &[16, 0, 1, 0]);
        assert_eq!(&bytes[16..24], &7u64.to_le_bytes());
        assert_eq!(&bytes[24..32], &9u64.to_le_bytes());
        assert_eq!(&bytes[32 + 8..32 + 16], &(1u64 << 34).to_le_bytes());
        assert_eq!(bytes[32 + 160 + Field::Temperature as usize], State::Absent as u8);
        assert_eq!(bytes[32 + 184 + 4 * Field::MemoryTotal as usize], 3);
    }

    #[test]
    fn a_written_frame_parses_to_what_was_written() {
        let bytes = vitals_frame();
        let frame = Frame::parse(&bytes).unwrap();
        let Body::Vitals(vitals) = frame.body else { panic!("kind") };
        assert_eq!(frame.header.sequence.get(), 7);
        assert_eq!(vitals.memory_total.get(), 1 << 34);
        assert_eq!(vitals.age_ms(Field::MemoryTotal), 3);
        assert_eq!(vitals.state(Field::Temperature), State::Absent);
    }

    /// Each single change to a good frame that a reader must refuse.
    #[test]
    fn every_kind_of_damage_is_named() {
        let cases: [(usize, u8, FrameError); 11] = [
            (0, 0, FrameError::Magic),
            (4, 3, FrameError::Version),
            (6, 1, FrameError::Flags),
            (8, 1, FrameError::Length),
            (8, 0x28, FrameError::Short),
            (10, 0xFF, FrameError::Length),
            (32 + 148, 9, FrameError::Value),
            (32 + 151, 1, FrameError::Reserved),
            (32 + 160, 8, FrameError::Value),
            (32 + 160 + 21, 1, FrameError::Reserved),
            (32 + 284, 1, FrameError::Reserved),
        ];
        for (offset, byte, error) in cases {
            let mut bytes = vitals_frame();
            bytes[offset] = byte;
            assert_eq!(Frame::parse(&bytes).err(), Some(error), "byte {offset}");
        }
        let bytes = vitals_frame();
        assert_eq!(Frame::parse(&bytes[..31]).err(), Some(FrameError::Short));
        assert_eq!(Frame::parse(&bytes[..100]).err(), Some(FrameError::Short));
    }

    #[test]
    fn unknown_kinds_are_passed_on_unread() {
        let mut bytes = vitals_frame();
        bytes[12] = 99;
        let Body::Unknown(payload) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        assert_eq!(payload.len(), 288);
    }

    #[test]
    fn version_1_is_recognised() {
        let mut bytes = [0u8; 64];
        bytes[4..8].copy_from_slice(&MAGIC.to_le_bytes());
        assert_eq!(Frame::parse(&bytes).err(), Some(FrameError::Version1));
    }
}
