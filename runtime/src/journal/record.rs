//! One event in a segment, or one mark.
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | u32 | crc | CRC-32 of bytes 4 to 39, begun with header's crc XOR offset in the segment |
//! | 4 | u32 | body_crc | CRC-32 of everything from byte 40 on |
//! | 8 | u32 | frame_size | bytes of the frame |
//! | 12 | u16 | kind | 1 event, 2 commit, 3 open, 4 close |
//! | 14 | u8 | name_size | bytes of the client's name; 0: the event has no key |
//! | 15 | u8 | reserved | 0 |
//! | 16 | u64 | sequence | the event's; in a mark the one to come |
//! | 24 | u64 | generation | that of the segment's header |
//! | 32 | u64 | number | of the key |
//! | 40 | bytes | name | and zeros up to a multiple of 8 |
//! | | bytes | frame | and zeros up to a multiple of 8; in a mark the 16 bytes of the boot |
//!
//! Everything is little-endian and lies at a multiple of 8. A record never straddles segments.
//!
//! **A record proves itself**, without its neighbours, because what is good behind a hole is still
//! served. Its checksum covers sequence and generation, and through its beginning the segment's
//! header (epoch, salt, number) and the place it lies at: an old lap's record, one of another
//! journal, and one that somebody put into a frame are all not valid here. A chain of checksums
//! from record to record would add nothing: sequences go on without holes, so a hole shows, and
//! what a failed or torn write left behind is not valid where it lies: the writer goes on under a
//! new generation, or in a place behind which nothing valid was found.
//!
//! **The head has a checksum of its own** so that the search behind a hole decides on each place in
//! constant time, whatever the bytes there pretend to be.
//!
//! **Marks.** Each batch ends with a commit. If it is there, the write had reached its end, and
//! what is missing before it is damage; if not, the batch was torn and nobody has seen it. An open
//! is written over a close, at the start that follows it.

use kymo_protocol::limits::{FRAME_MAX, NAME_MAX};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, IntoBytes};
use zerocopy_derive::*;

use super::crc;
use crate::limits::JOURNAL_RECORD_MAX;

/// Bytes of a record before its name and frame.
pub const HEAD_SIZE: usize = size_of::<Head>();

/// Bytes of a mark.
pub const MARK_SIZE: usize = HEAD_SIZE + 16;

/// Where every record begins is a multiple of this.
pub const ALIGN: usize = 8;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Kind {
    /// An event.
    Event = 1,
    /// The end of a batch.
    Commit = 2,
    /// A start after a close.
    Open = 3,
    /// An end in good order.
    Close = 4,
}

/// Under which header a record lies, and where.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The header's generation.
    pub generation: u64,
    /// The header's checksum.
    pub seed: u32,
    /// Bytes from the segment's beginning.
    pub offset: usize,
}

/// The first bytes of a record; see the module.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Head {
    crc: U32,
    body_crc: U32,
    frame_size: U32,
    kind: U16,
    name_size: u8,
    reserved: u8,
    sequence: U64,
    generation: U64,
    number: U64,
}

const _: () = assert!(HEAD_SIZE == 40);
const _: () = assert!(HEAD_SIZE + NAME_MAX + FRAME_MAX == JOURNAL_RECORD_MAX);
const _: () = assert!(NAME_MAX.is_multiple_of(ALIGN) && FRAME_MAX.is_multiple_of(ALIGN));

impl Head {
    /// The head of an event without its checksums; `None` when name or frame are too long.
    #[must_use]
    pub fn event(sequence: u64, frame: &[u8], key: Option<(&str, u64)>) -> Option<Self> {
        let (name, number) = key.unwrap_or_default();
        if name.len() > NAME_MAX || frame.len() > FRAME_MAX {
            return None;
        }
        Some(Self {
            frame_size: U32::new(u32::try_from(frame.len()).ok()?),
            name_size: u8::try_from(name.len()).ok()?,
            number: U64::new(number),
            ..Self::of(Kind::Event, sequence)
        })
    }

    fn of(kind: Kind, sequence: u64) -> Self {
        Self {
            crc: U32::ZERO,
            body_crc: U32::ZERO,
            frame_size: U32::ZERO,
            kind: U16::new(kind as u16),
            name_size: 0,
            reserved: 0,
            sequence: U64::new(sequence),
            generation: U64::ZERO,
            number: U64::ZERO,
        }
    }

    /// What it is; `None` for a kind of a later version, which may be passed over.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        [Kind::Event, Kind::Commit, Kind::Open, Kind::Close]
            .into_iter()
            .find(|kind| *kind as u16 == self.kind.get())
    }

    /// The event's sequence; of a mark the sequence to come.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence.get()
    }

    /// Bytes of the record, a multiple of 8.
    #[must_use]
    pub fn size(&self) -> usize {
        HEAD_SIZE + self.frame_start() + aligned(self.frame_size())
    }

    /// Bytes of its frame.
    #[must_use]
    pub fn frame_size(&self) -> usize {
        // At most FRAME_MAX, wherever a head comes from.
        self.frame_size.get() as usize
    }

    fn frame_start(&self) -> usize {
        aligned(usize::from(self.name_size))
    }

    /// The frame in a record's bytes behind the head.
    #[must_use]
    pub fn frame<'a>(&self, body: &'a [u8]) -> &'a [u8] {
        let start = self.frame_start();
        body.get(start..start + self.frame_size()).unwrap_or_default()
    }

    /// The key in a record's bytes behind the head.
    #[must_use]
    pub fn key<'a>(&self, body: &'a [u8]) -> Option<(&'a str, u64)> {
        let name = body.get(..usize::from(self.name_size)).filter(|name| !name.is_empty())?;
        Some((str::from_utf8(name).ok()?, self.number.get()))
    }

    /// Finishes the head of a record whose bytes behind the head are `body`.
    pub fn seal(&mut self, body: &[u8], place: Place) {
        self.body_crc.set(crc::of(body));
        self.generation.set(place.generation);
        self.crc.set(self.checksum(place));
    }

    /// The head at the beginning of `bytes`, if it is one and belongs there.
    #[must_use]
    pub fn parse(bytes: &[u8], place: Place) -> Option<Self> {
        let (head, _) = Self::read_from_prefix(bytes).ok()?;
        // The cheapest first: in a search nearly every place fails here.
        let is_here = head.generation.get() == place.generation
            && head.frame_size() <= FRAME_MAX
            && usize::from(head.name_size) <= NAME_MAX
            && head.sequence.get() < u64::MAX
            && head.crc.get() == head.checksum(place);
        is_here.then_some(head)
    }

    /// The head at the beginning of `bytes`, unchecked: for those this process laid out itself.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        Self::read_from_prefix(bytes).ok().map(|(head, _)| head)
    }

    /// Whether the bytes behind the head are what they were.
    #[must_use]
    pub fn is_of(&self, body: &[u8]) -> bool {
        self.body_crc.get() == crc::of(body)
    }

    fn checksum(&self, place: Place) -> u32 {
        // A segment's size fits in 32 bits, `Journal::open` has checked.
        let offset = u32::try_from(place.offset).unwrap_or(u32::MAX);
        crc::behind(place.seed ^ offset, &[self.as_bytes().get(4..).unwrap_or_default()])
    }
}

/// The bytes of a mark: `sequence` is the one to come.
#[must_use]
pub fn mark(kind: Kind, sequence: u64, boot: u128, place: Place) -> [u8; MARK_SIZE] {
    let mut bytes = [0; MARK_SIZE];
    let mut head = Head { frame_size: U32::new(16), ..Head::of(kind, sequence) };
    let (start, body) = bytes.split_at_mut(HEAD_SIZE);
    body.copy_from_slice(&boot.to_le_bytes());
    head.seal(body, place);
    start.copy_from_slice(head.as_bytes());
    bytes
}

/// The boot in a mark's bytes behind the head; 0 if there is none.
#[must_use]
pub fn mark_boot(head: &Head, body: &[u8]) -> u128 {
    head.frame(body).try_into().map_or(0, u128::from_le_bytes)
}

/// The next multiple of 8.
#[must_use]
pub fn aligned(size: usize) -> usize {
    size.next_multiple_of(ALIGN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { generation: 7, seed: 0xDEAD_BEEF, offset: 512 };

    fn sample() -> Vec<u8> {
        let mut head = Head::event(42, b"frame bytes.", Some(("app-1", 9))).unwrap();
        let mut bytes = vec![0; head.size()];
        bytes[40..45].copy_from_slice(b"app-1");
        bytes[48..60].copy_from_slice(b"frame bytes.");
        head.seal(&bytes[40..], PLACE);
        bytes[..40].copy_from_slice(head.as_bytes());
        bytes
    }

    fn read(bytes: &[u8], place: Place) -> Option<(Head, &[u8])> {
        let head = Head::parse(bytes, place)?;
        let body = bytes.get(HEAD_SIZE..head.size())?;
        head.is_of(body).then_some((head, body))
    }

    #[test]
    fn the_bytes_are_those_of_the_table() {
        let bytes = sample();
        assert_eq!(bytes.len(), 64);
        assert_eq!(bytes[8..16], [12, 0, 0, 0, 1, 0, 5, 0]);
        assert_eq!((bytes[16], bytes[24], bytes[32]), (42, 7, 9));
        let (head, body) = read(&bytes, PLACE).unwrap();
        assert_eq!((head.sequence(), head.frame(body)), (42, &b"frame bytes."[..]));
        assert_eq!(head.key(body), Some(("app-1", 9)));
    }

    #[test]
    fn every_flipped_bit_shows() {
        for byte in 0..sample().len() {
            for bit in 0..8 {
                let mut bytes = sample();
                bytes[byte] ^= 1 << bit;
                assert!(read(&bytes, PLACE).is_none(), "{byte}.{bit}");
            }
        }
    }

    #[test]
    fn a_record_is_valid_in_one_place_only() {
        let bytes = sample();
        assert!(read(&bytes, Place { offset: 520, ..PLACE }).is_none());
        assert!(read(&bytes, Place { generation: 8, ..PLACE }).is_none());
        assert!(read(&bytes, Place { seed: 1, ..PLACE }).is_none());
        for offset in (0..4096).step_by(ALIGN).filter(|offset| *offset != PLACE.offset) {
            assert!(read(&bytes, Place { offset, ..PLACE }).is_none(), "{offset}");
        }
        for bit in 0..32 {
            assert!(read(&bytes, Place { seed: PLACE.seed ^ 1 << bit, ..PLACE }).is_none());
        }
    }

    #[test]
    fn what_is_too_long_is_no_record() {
        assert!(Head::event(1, &vec![0; FRAME_MAX], None).is_some());
        assert!(Head::event(1, &vec![0; FRAME_MAX + 1], None).is_none());
        assert!(Head::event(1, b"", Some((&"n".repeat(NAME_MAX), 1))).is_some());
        assert!(Head::event(1, b"", Some((&"n".repeat(NAME_MAX + 1), 1))).is_none());
    }

    /// There is none to come behind it.
    #[test]
    fn the_last_number_is_no_sequence() {
        assert!(Head::parse(&mark(Kind::Commit, u64::MAX - 1, 1, PLACE), PLACE).is_some());
        assert!(Head::parse(&mark(Kind::Commit, u64::MAX, 1, PLACE), PLACE).is_none());
    }

    #[test]
    fn marks_carry_the_boot() {
        let bytes = mark(Kind::Close, 43, 0xABCD, PLACE);
        let head = Head::parse(&bytes, PLACE).unwrap();
        assert_eq!((head.kind(), head.sequence()), (Some(Kind::Close), 43));
        assert_eq!(head.size(), MARK_SIZE);
        assert_eq!(mark_boot(&head, &bytes[HEAD_SIZE..]), 0xABCD);
    }
}
