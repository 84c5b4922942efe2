//! What the sensors of one group read, 16 bytes each.
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | u32 | topology | of the catalog that names the sensors |
//! | 4 | u8 | group | see [`Group`] |
//! | 5 | u8 | part | from 1 to parts |
//! | 6 | u8 | parts | frames that the group's samples take |
//! | 7 | u8 | reserved | 0 |
//! | 8 | u16 | count | samples, at most 480 |
//! | 10 | u16 | reserved | 0 |
//! | 12 | u32 | merged | frames of this group and part due to this subscriber that this one replaces |
//! | 16 | 16 × n | samples | see below |
//!
//! | offset | type | field of a sample | meaning |
//! |---|---|---|---|
//! | 0 | u16 | id | of the sensor, at least 1 |
//! | 2 | u8 | state | see [`State`] |
//! | 3 | u8 | reserved | 0 |
//! | 4 | u32 | age_ms | milliseconds up to the frame's timestamp |
//! | 8 | f64 | value | in the unit of the sensor |
//!
//! A part holds every sensor of its share of the group, whatever is known about it. That no id
//! stands twice is not checked, here or by [`Frame::parse`](crate::Frame::parse).

use zerocopy::FromBytes;
use zerocopy::little_endian::{F64, U16, U32};
use zerocopy_derive::*;

use crate::frame_error::FrameError;
use crate::header::{FrameKind, StreamId};
use crate::limits::{HEADER_SIZE, SAMPLES_MAX};
use crate::metric::Group;
use crate::payload::{Position, Stamp, emit_bytes};
use crate::state::State;

/// The payload of a samples frame.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Samples {
    head: SamplesHead,
    /// The samples.
    pub samples: [Sample],
}

/// The part of a samples frame before its samples.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct SamplesHead {
    topology: U32,
    group: u8,
    part: u8,
    parts: u8,
    reserved: u8,
    count: U16,
    reserved_more: U16,
    merged: U32,
}

/// One sensor's value; the module's second table is its layout.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Sample {
    /// Of the sensor.
    pub id: U16,
    state: u8,
    reserved: u8,
    /// Milliseconds between the reading and the frame's timestamp.
    pub age_ms: U32,
    /// Means something only where the state has a value: see [`Sample::reading`].
    pub value: F64,
}

const _: () = assert!(size_of::<SamplesHead>() == 16);
const _: () = assert!(core::mem::offset_of!(SamplesHead, merged) == 12);
const _: () = assert!(size_of::<Sample>() == 16);
const _: () = assert!(core::mem::offset_of!(Sample, value) == 8);

/// Which samples a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SamplesOf {
    /// Of the catalog that names the sensors.
    pub topology: u32,
    /// The group.
    pub group: Group,
    /// From 1 to `parts`.
    pub part: u8,
    /// Frames that the group's samples take.
    pub parts: u8,
}

impl Samples {
    /// Where `merged` stands in a whole frame: four bytes, little-endian.
    pub const MERGED_OFFSET: usize = HEADER_SIZE + core::mem::offset_of!(SamplesHead, merged);

    /// Bytes of a whole frame of `count` samples.
    #[must_use]
    pub const fn frame_size(count: usize) -> usize {
        HEADER_SIZE + size_of::<SamplesHead>() + count * size_of::<Sample>()
    }

    /// Writes a whole frame but for its samples, which are handed out to be set in place, each of
    /// them, with the size of the frame.
    ///
    /// # Errors
    ///
    /// [`FrameError::Length`] for more than [`SAMPLES_MAX`], [`FrameError::Value`] for a part that
    /// is none, [`FrameError::Short`] when the frame does not fit.
    pub fn emit(
        buffer: &mut [u8],
        sequence: u64,
        stamp: Stamp,
        of: SamplesOf,
        count: usize,
    ) -> Result<(&mut [Sample], usize), FrameError> {
        if count > SAMPLES_MAX {
            return Err(FrameError::Length);
        }
        if of.part == 0 || of.part > of.parts {
            return Err(FrameError::Value);
        }
        let at = Position { stream: StreamId::SAMPLES, sequence };
        let size = Self::frame_size(count);
        let payload = emit_bytes(buffer, FrameKind::Samples, at, stamp, size - HEADER_SIZE)?;
        let this = Self::mut_from_bytes(payload).map_err(|_| FrameError::Short)?;
        this.head.topology.set(of.topology);
        (this.head.group, this.head.part, this.head.parts) = (of.group as u8, of.part, of.parts);
        this.head.count.set(u16::try_from(count).map_err(|_| FrameError::Length)?);
        Ok((&mut this.samples, size))
    }

    /// Which samples these are.
    #[must_use]
    pub fn of(&self) -> SamplesOf {
        SamplesOf {
            topology: self.head.topology.get(),
            // Parsing has checked the byte.
            group: Group::from_number(self.head.group).unwrap_or(Group::Cpu),
            part: self.head.part,
            parts: self.head.parts,
        }
    }

    /// Frames of this group and part due to this subscriber that this one replaces.
    #[must_use]
    pub fn merged(&self) -> u32 {
        self.head.merged.get()
    }

    pub(crate) fn check(&self) -> Result<(), FrameError> {
        let SamplesHead { group, part, parts, count, .. } = self.head;
        if usize::from(count.get()) != self.samples.len() || self.samples.len() > SAMPLES_MAX {
            return Err(FrameError::Length);
        }
        let spare = u16::from(self.head.reserved) | self.head.reserved_more.get();
        if spare != 0 || self.samples.iter().any(|sample| sample.reserved != 0) {
            return Err(FrameError::Reserved);
        }
        let is_good =
            |sample: &Sample| sample.id.get() != 0 && State::from_byte(sample.state).is_some();
        if Group::from_number(group).is_none()
            || part == 0
            || part > parts
            || !self.samples.iter().all(is_good)
        {
            return Err(FrameError::Value);
        }
        Ok(())
    }
}

impl Sample {
    /// Says what sensor `id` reads. A value is kept only where the state has one.
    pub fn set(&mut self, id: u16, state: State, age_ms: u32, value: f64) {
        let value = if state.has_value() { value } else { 0.0 };
        *self = Self {
            id: id.into(),
            state: state as u8,
            reserved: 0,
            age_ms: age_ms.into(),
            value: value.into(),
        };
    }

    /// What is known about the value.
    #[must_use]
    pub fn state(&self) -> State {
        // Parsing has checked the byte; an unparsed sample reads as a fault and not as a value.
        State::from_byte(self.state).unwrap_or(State::Fault)
    }

    /// The value; `None` where the state has none, and for what is no number.
    #[must_use]
    pub fn reading(&self) -> Option<f64> {
        let value = self.value.get();
        (self.state().has_value() && value.is_finite()).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Body, Frame};

    const OF: SamplesOf = SamplesOf { topology: 0x0102, group: Group::Disk, part: 2, parts: 3 };
    const SIZE: usize = Samples::frame_size(2);

    fn frame() -> [u8; SIZE] {
        let mut bytes = [0xFF; SIZE];
        let stamp = Stamp { boot_ns: 9 };
        let (samples, size) = Samples::emit(&mut bytes, 7, stamp, OF, 2).unwrap();
        assert_eq!((samples.len(), size), (2, SIZE));
        samples[0].set(0x0304, State::Held, 0x0506, 1.5);
        samples[1].set(5, State::Denied, 0, 1.5);
        bytes
    }

    #[test]
    fn bytes_are_those_of_the_specification() {
        let bytes = frame();
        assert_eq!(&bytes[8..24], [48, 0, 0, 0, 17, 0, 2, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
        let payload = &bytes[HEADER_SIZE..];
        assert_eq!(&payload[..16], [2, 1, 0, 0, 4, 2, 3, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(&payload[16..24], [4, 3, 2, 0, 6, 5, 0, 0]);
        assert_eq!(payload[24..32], 1.5f64.to_le_bytes());
        assert_eq!(&payload[32..48], [5, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = frame();
        bytes[Samples::MERGED_OFFSET] = 3;
        let Body::Samples(read) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        assert_eq!((read.of(), read.merged()), (OF, 3));
        let [held, denied] = &read.samples else { panic!("two") };
        assert_eq!((held.id.get(), held.state(), held.reading()), (0x0304, State::Held, Some(1.5)));
        assert_eq!((denied.state(), denied.reading()), (State::Denied, None));
        let mut infinite = Sample::default();
        infinite.set(1, State::Ok, 0, f64::INFINITY);
        assert_eq!(infinite.reading(), None);
    }

    #[test]
    fn damage_is_named() {
        let cases = [
            (4, 0, FrameError::Value),
            (4, 12, FrameError::Value),
            (5, 0, FrameError::Value),
            (5, 4, FrameError::Value),
            (7, 1, FrameError::Reserved),
            (8, 1, FrameError::Length),
            (9, 1, FrameError::Length),
            (11, 1, FrameError::Reserved),
            (32, 0, FrameError::Value),
            (34, 8, FrameError::Value),
            (35, 1, FrameError::Reserved),
        ];
        for (offset, byte, error) in cases {
            let mut bytes = frame();
            bytes[HEADER_SIZE + offset] = byte;
            assert_eq!(Frame::parse(&bytes).err(), Some(error), "byte {offset}");
        }
        // Both reserved fields, with the same bits.
        let mut bytes = frame();
        (bytes[HEADER_SIZE + 7], bytes[HEADER_SIZE + 10]) = (1, 1);
        assert_eq!(Frame::parse(&bytes).err(), Some(FrameError::Reserved));
    }

    #[test]
    fn frames_are_bounded_on_both_sides() {
        let mut bytes = [0; Samples::frame_size(SAMPLES_MAX + 1)];
        let stamp = Stamp { boot_ns: 0 };
        let mut emit = |of, count| {
            let (samples, size) = Samples::emit(&mut bytes, 1, stamp, of, count)?;
            samples.iter_mut().for_each(|sample| sample.set(1, State::Ok, 0, 0.0));
            Frame::parse(&bytes[..size]).map(|_| size)
        };
        assert_eq!(emit(OF, SAMPLES_MAX), Ok(7728));
        assert_eq!(emit(OF, 0), Ok(48));
        assert_eq!(emit(OF, SAMPLES_MAX + 1), Err(FrameError::Length));
        assert_eq!(emit(SamplesOf { part: 4, ..OF }, 1), Err(FrameError::Value));
        assert_eq!(emit(SamplesOf { part: 0, ..OF }, 1), Err(FrameError::Value));
        for part in [0, 4] {
            let none = Samples::emit(&mut bytes, 1, stamp, SamplesOf { part, ..OF }, 1).err();
            assert_eq!(none, Some(FrameError::Value), "{part}");
        }
        let short = Samples::emit(&mut bytes[..63], 1, stamp, OF, 1).map(|_| ());
        assert_eq!(short, Err(FrameError::Short));

        let at = Position { stream: StreamId::SAMPLES, sequence: 1 };
        let size = Samples::frame_size(SAMPLES_MAX + 1) - HEADER_SIZE;
        let payload = emit_bytes(&mut bytes, FrameKind::Samples, at, stamp, size).unwrap();
        payload[4..10].copy_from_slice(&[1, 1, 1, 0, 0xE1, 1]);
        payload[16..].chunks_mut(16).for_each(|sample| sample[0] = 1);
        assert_eq!(Frame::parse(&bytes).err(), Some(FrameError::Length));
    }
}
