//! What the sensors are: the list that gives the ids of samples their meaning.
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | u32 | topology | of the list: another number means that sensors came or went |
//! | 4 | u32 | total | sensors in the whole list |
//! | 8 | u32 | first | index in the list of the first entry here |
//! | 12 | u16 | count | entries here, at most 240 |
//! | 14 | u16 | flags | bit 0 `last`: the list ends here, so first + count is total |
//! | 16 | u32 | omitted | sensors that are there and found no place in the server's table |
//! | 20 | u32 | reserved | 0 |
//! | 24 | … | entries | `count` of them, back to back; see [`Sensor`] |
//!
//! A list of more than 8 KiB comes in several frames of the same topology, in order. That no id
//! stands twice is not checked.

use zerocopy::FromBytes;
use zerocopy::IntoBytes;
use zerocopy::little_endian::{U16, U32};
use zerocopy_derive::*;

use crate::frame_error::FrameError;
use crate::header::{FrameKind, StreamId};
use crate::limits::{CATALOG_BYTES_MAX, CATALOG_COUNT_MAX, HEADER_SIZE, SENSOR_BYTES_MAX};
use crate::payload::{Position, Stamp, emit_header};
use crate::sensor::{Sensor, SensorFields};

/// The payload of a catalog frame.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Catalog {
    head: CatalogHead,
    entries: [u8],
}

/// The part of a catalog before its entries.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct CatalogHead {
    topology: U32,
    total: U32,
    first: U32,
    count: U16,
    flags: U16,
    omitted: U32,
    reserved: U32,
}

const HEAD_SIZE: usize = 24;
const _: () = assert!(size_of::<CatalogHead>() == HEAD_SIZE);
const _: () = assert!(core::mem::offset_of!(CatalogHead, flags) == 14);
// A frame that has room for none would never end.
const _: () = assert!(HEAD_SIZE + SENSOR_BYTES_MAX <= CATALOG_BYTES_MAX);

const LAST: u16 = 1;

/// Which part of which catalog a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogPart {
    /// Another number means that sensors came or went.
    pub topology: u32,
    /// Sensors in the whole list.
    pub total: u32,
    /// Index in the list of the first entry here.
    pub first: u32,
    /// Sensors that are there and found no place in the server's table.
    pub omitted: u32,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Pushed {
    /// It is in the frame.
    Taken,
    /// It is for the next frame.
    Full,
}

/// Writes a catalog frame, entry by entry, until it is full.
///
/// ```
/// use kymo_protocol::{CatalogPart, CatalogWriter, METRICS, Pushed, SensorFields, Stamp};
///
/// let mut buffer = [0; 8224];
/// let part = CatalogPart { topology: 1, total: 1, first: 0, omitted: 0 };
/// let mut writer = CatalogWriter::new(&mut buffer, part)?;
/// let sensor = SensorFields::new(1, &METRICS[0], "cpu/0/user");
/// assert_eq!(writer.push_fields(&sensor)?, Pushed::Taken);
/// let frame_size = writer.finish(Stamp { boot_ns: 5 })?;
/// # assert!(kymo_protocol::Frame::parse(&buffer[..frame_size]).is_ok());
/// # Ok::<(), kymo_protocol::FrameError>(())
/// ```
#[derive(Debug)]
pub struct CatalogWriter<'a> {
    buffer: &'a mut [u8],
    part: CatalogPart,
    count: u16,
    /// Where the next entry goes.
    at: usize,
}

impl<'a> CatalogWriter<'a> {
    /// A frame without entries at the front of `buffer`.
    ///
    /// # Errors
    ///
    /// [`FrameError::Short`] when it does not fit.
    pub fn new(buffer: &'a mut [u8], part: CatalogPart) -> Result<Self, FrameError> {
        let size = buffer.len().min(HEADER_SIZE + CATALOG_BYTES_MAX);
        let buffer = buffer.get_mut(..size).unwrap_or_default();
        let at = HEADER_SIZE + HEAD_SIZE;
        if buffer.len() < at {
            Err(FrameError::Short)
        } else {
            Ok(Self { buffer, part, count: 0, at })
        }
    }

    /// Appends a copy of an entry that [`SensorFields::write`] has made.
    pub fn push(&mut self, sensor: &Sensor) -> Pushed {
        let bytes = sensor.as_bytes();
        match self.room().and_then(|room| room.get_mut(..bytes.len())) {
            Some(target) => {
                target.copy_from_slice(bytes);
                self.taken(bytes.len())
            }
            None => Pushed::Full,
        }
    }

    /// Appends a sensor.
    ///
    /// # Errors
    ///
    /// Those of [`SensorFields::write`] but for [`FrameError::Short`]: then the frame is as it was,
    /// and the sensor fits into no other.
    pub fn push_fields(&mut self, sensor: &SensorFields<'_>) -> Result<Pushed, FrameError> {
        let Some(room) = self.room() else { return Ok(Pushed::Full) };
        match sensor.write(room) {
            Ok(size) => Ok(self.taken(size)),
            Err(FrameError::Short) => Ok(Pushed::Full),
            Err(error) => Err(error),
        }
    }

    fn room(&mut self) -> Option<&mut [u8]> {
        let is_open = usize::from(self.count) < CATALOG_COUNT_MAX;
        self.buffer.get_mut(self.at..).filter(|_| is_open)
    }

    fn taken(&mut self, size: usize) -> Pushed {
        self.at += size;
        self.count += 1;
        Pushed::Taken
    }

    /// Entries in the frame so far.
    #[must_use]
    pub fn count(&self) -> u16 {
        self.count
    }

    /// Writes the header and returns the size of the whole frame, which is the last one when its
    /// entries reach the part's `total`.
    ///
    /// # Errors
    ///
    /// [`FrameError::Value`] for more entries than the part's `total` leaves.
    pub fn finish(self, stamp: Stamp) -> Result<usize, FrameError> {
        let CatalogPart { topology, total, first, omitted } = self.part;
        let end = first.checked_add(self.count.into()).filter(|end| *end <= total);
        let is_last = end.ok_or(FrameError::Value)? == total;
        let at = Position { stream: StreamId::SAMPLES, sequence: 0 };
        let size = self.at - HEADER_SIZE;
        let payload = emit_header(self.buffer, FrameKind::Catalog, at, stamp, size)?;
        let (head, _) = CatalogHead::mut_from_prefix(payload).map_err(|_| FrameError::Short)?;
        *head = CatalogHead {
            topology: topology.into(),
            total: total.into(),
            first: first.into(),
            count: self.count.into(),
            flags: u16::from(is_last).into(),
            omitted: omitted.into(),
            reserved: 0.into(),
        };
        Ok(self.at)
    }
}

impl Catalog {
    /// Bytes of the largest frame.
    pub const FRAME_MAX: usize = HEADER_SIZE + CATALOG_BYTES_MAX;

    /// Which part of which catalog this is.
    #[must_use]
    pub fn part(&self) -> CatalogPart {
        CatalogPart {
            topology: self.head.topology.get(),
            total: self.head.total.get(),
            first: self.head.first.get(),
            omitted: self.head.omitted.get(),
        }
    }

    /// Whether the catalog ends here.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.head.flags.get() & LAST != 0
    }

    /// The entries.
    pub fn sensors(&self) -> impl Iterator<Item = &Sensor> {
        let mut rest = &self.entries;
        core::iter::from_fn(move || {
            let (sensor, behind) = Sensor::first(rest)?;
            rest = behind;
            Some(sensor)
        })
    }

    pub(crate) fn check(&self) -> Result<(), FrameError> {
        let CatalogHead { total, first, count, flags, reserved, .. } = self.head;
        let count = count.get();
        let size = HEAD_SIZE + self.entries.len();
        if size > CATALOG_BYTES_MAX || usize::from(count) > CATALOG_COUNT_MAX {
            return Err(FrameError::Length);
        }
        if reserved.get() != 0 {
            return Err(FrameError::Reserved);
        }
        let mut rest = &self.entries;
        for _ in 0..count {
            let (sensor, behind) = Sensor::first(rest).ok_or(FrameError::Length)?;
            sensor.check()?;
            rest = behind;
        }
        if !rest.is_empty() {
            return Err(FrameError::Length);
        }
        let left = total.get().checked_sub(first.get());
        let left = left.and_then(|left| left.checked_sub(count.into()));
        // A flag that this version does not know is refused as well.
        if left.is_none_or(|left| flags.get() != u16::from(left == 0)) {
            return Err(FrameError::Value);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Body, Frame};
    use crate::metric::{METRICS, Metric};

    const PART: CatalogPart = CatalogPart { topology: 3, total: 8, first: 5, omitted: 9 };
    const STAMP: Stamp = Stamp { boot_ns: 9 };
    const IDENTITIES: [&str; 2] = ["cpu/0", "cpu/1"];
    static METRIC: Metric = Metric { name: "system.cpu.time", unit: "s", ..METRICS[0] };
    // Head, name, unit, identity, padding.
    const ENTRY: usize = 48;
    const SIZE: usize = HEADER_SIZE + HEAD_SIZE + 2 * ENTRY;

    fn frame(part: CatalogPart) -> Result<[u8; SIZE], FrameError> {
        let mut bytes = [0xFF; SIZE];
        let mut writer = CatalogWriter::new(&mut bytes, part).unwrap();
        for (id, identity) in (1..).zip(IDENTITIES) {
            let sensor = SensorFields::new(id, &METRIC, identity);
            assert_eq!(writer.push_fields(&sensor), Ok(Pushed::Taken));
        }
        assert_eq!((writer.count(), writer.finish(STAMP)?), (2, SIZE));
        Ok(bytes)
    }

    #[test]
    fn bytes_are_those_of_the_specification() {
        let bytes = frame(PART).unwrap();
        assert_eq!(&bytes[8..24], [120, 0, 0, 0, 11, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let head = [3, 0, 0, 0, 8, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(&bytes[HEADER_SIZE..][..24], head);
        assert_eq!(&bytes[HEADER_SIZE + 24..][..4], [48, 0, 1, 0]);
        assert_eq!(&bytes[SIZE - ENTRY + 24..], b"system.cpu.timescpu/1\0\0\0");
        assert_eq!(frame(CatalogPart { total: 7, ..PART }).unwrap()[HEADER_SIZE + 14], 1);
    }

    #[test]
    fn what_is_written_is_read() {
        for (total, is_last) in [(8, false), (7, true)] {
            let part = CatalogPart { total, ..PART };
            let bytes = frame(part).unwrap();
            let Body::Catalog(read) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
            assert_eq!((read.part(), read.is_last()), (part, is_last));
            assert!(read.sensors().map(Sensor::identity).eq(IDENTITIES));
            assert!(read.sensors().map(Sensor::id).eq([1, 2]));
        }
        assert_eq!(frame(CatalogPart { total: 6, ..PART }), Err(FrameError::Value));
        let beyond = CatalogPart { first: u32::MAX, total: u32::MAX, ..PART };
        assert_eq!(frame(beyond), Err(FrameError::Value));
    }

    #[test]
    fn damage_is_named() {
        let cases = [
            (4, 6, FrameError::Value),
            (4, 7, FrameError::Value),
            (8, 6, FrameError::Value),
            (8, 9, FrameError::Value),
            (12, 1, FrameError::Length),
            (12, 3, FrameError::Length),
            (14, 1, FrameError::Value),
            (14, 2, FrameError::Value),
            (20, 1, FrameError::Reserved),
            (24, 40, FrameError::Length),
            (24, 0, FrameError::Length),
            (24 + ENTRY, 56, FrameError::Length),
            (24 + ENTRY + 6, 12, FrameError::Value),
        ];
        for (offset, byte, error) in cases {
            let mut bytes = frame(PART).unwrap();
            bytes[HEADER_SIZE + offset] = byte;
            assert_eq!(Frame::parse(&bytes).err(), Some(error), "byte {offset}");
        }
    }

    /// Fills a frame with copies of one entry, and returns their count and the frame's size.
    fn filled(buffer: &mut [u8], identity: &str) -> (u32, usize) {
        let mut entry = [0; SENSOR_BYTES_MAX];
        let fields = SensorFields { name: "n", ..SensorFields::new(1, &METRIC, identity) };
        let size = fields.write(&mut entry).unwrap();
        let (sensor, _) = Sensor::first(&entry[..size]).unwrap();
        let part = CatalogPart { total: 1_000, first: 0, ..PART };
        let mut writer = CatalogWriter::new(buffer, part).unwrap();
        let mut count = 0;
        while writer.push(sensor) == Pushed::Taken {
            count += 1;
        }
        assert_eq!(writer.push_fields(&fields), Ok(Pushed::Full));
        (count, writer.finish(STAMP).unwrap())
    }

    #[test]
    fn full_is_full_by_bytes_and_by_count() {
        let mut bytes = [0; 2 * CATALOG_BYTES_MAX];
        assert_eq!(filled(&mut bytes, "i"), (240, HEADER_SIZE + HEAD_SIZE + 240 * 32));
        // Seven of the longest, and one that is shorter.
        let long = core::str::from_utf8(&[b'x'; SENSOR_BYTES_MAX - HEAD_SIZE - 2]).unwrap();
        let (count, size) = filled(&mut bytes, long);
        assert_eq!((count, size), (7, HEADER_SIZE + HEAD_SIZE + 7 * SENSOR_BYTES_MAX));
        assert!(Frame::parse(&bytes[..size]).is_ok());
        assert_eq!(filled(&mut bytes[..HEADER_SIZE + HEAD_SIZE + 70], "i").0, 2);
        let short = CatalogWriter::new(&mut bytes[..HEADER_SIZE + HEAD_SIZE - 1], PART);
        assert_eq!(short.err(), Some(FrameError::Short));
    }

    #[test]
    fn a_refused_sensor_leaves_no_trace() {
        let mut bytes = [0; 512];
        let part = CatalogPart { total: 1, first: 0, ..PART };
        let mut writer = CatalogWriter::new(&mut bytes, part).unwrap();
        let bad = SensorFields { label: "\u{7}", ..SensorFields::new(1, &METRIC, "a") };
        assert_eq!(writer.push_fields(&bad), Err(FrameError::Value));
        let good = SensorFields { label: "", ..bad };
        assert_eq!(writer.push_fields(&good), Ok(Pushed::Taken));
        let size = writer.finish(STAMP).unwrap();
        let Body::Catalog(read) = Frame::parse(&bytes[..size]).unwrap().body else { panic!() };
        assert_eq!(read.sensors().count(), 1);
    }

    #[test]
    fn frames_are_bounded_on_both_sides() {
        let mut bytes = [0; 2 * CATALOG_BYTES_MAX];
        let (_, size) = filled(&mut bytes, "i");
        let entry: [u8; 32] = *bytes[size - 32..size].first_chunk().unwrap();
        bytes[size..size + 32].copy_from_slice(&entry);
        let payload = emit_header(
            &mut bytes,
            FrameKind::Catalog,
            Position::NONE,
            STAMP,
            size + 32 - HEADER_SIZE,
        );
        payload.unwrap()[12] = 241;
        assert_eq!(Frame::parse(&bytes[..size + 32]).err(), Some(FrameError::Length));

        let long = core::str::from_utf8(&[b'x'; SENSOR_BYTES_MAX - HEAD_SIZE - 2]).unwrap();
        let (_, size) = filled(&mut bytes, long);
        bytes.copy_within(size - SENSOR_BYTES_MAX..size, size);
        let size = size + SENSOR_BYTES_MAX;
        let payload_size = size - HEADER_SIZE;
        let payload =
            emit_header(&mut bytes, FrameKind::Catalog, Position::NONE, STAMP, payload_size);
        payload.unwrap()[12] = 8;
        assert_eq!(Frame::parse(&bytes[..size]).err(), Some(FrameError::Length));
    }
}
