//! The first bytes of a segment: whose it is, and where in history it stands.
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | u8 × 8 | magic | `KYMOJRNL` |
//! | 8 | u32 | crc | CRC-32 of all other bytes |
//! | 12 | u16 | version | 1 |
//! | 14 | u16 | reserved | 0 |
//! | 16 | u32 | incompatible | features a reader must know; any it does not: refused, kept |
//! | 20 | u32 | compatible | features a reader may ignore |
//! | 24 | u32 | segment | its number: a copy under another name is not this segment |
//! | 28 | u32 | segments | of the journal; with any other number: refused, kept |
//! | 32 | u64 | generation | counts segments begun, for ever; 0: holds nothing |
//! | 40 | u64 | end | sequence at which what was journalled before ends |
//! | 48 | u64 | first | least sequence in here; what lies between went out unjournalled |
//! | 56 | u64 | oldest | sequences below this are no longer kept |
//! | 64 | u64 | salt | random and told to nobody, so that no frame can hold a valid record |
//! | 72 | u64 | ancestor_end | sequences below this are the same events in `ancestor` |
//! | 80 | u128 | epoch | of every sequence from here on |
//! | 96 | u128 | ancestor | the epoch before it |
//! | 112 | u128 | boot | of the machine when the segment was begun |
//! | 128 | u8 × 64 | checkpoint | the owner's, as things stood before `first` |
//! | 192 | u64 | tried | sequences below this were given to a write that failed |
//! | 200 | u32 | segment_size | of all of them; likewise |
//! | 204 | u8 × 52 | reserved | 0 |
//!
//! 256 bytes, little-endian, twice: the second copy directly behind the first, in the same write. A
//! damaged copy costs nothing, and is restored at the next start. A write torn in the first copy
//! leaves the second one of the segment as it was before, and all its records.

use zerocopy::little_endian::{U16, U32, U64, U128};
use zerocopy::{FromBytes, FromZeros, IntoBytes};
use zerocopy_derive::*;

use super::crc;

/// Bytes of both copies; the records begin here.
pub const HEADERS_SIZE: usize = 2 * size_of::<Header>();

const MAGIC: [u8; 8] = *b"KYMOJRNL";
const VERSION: u16 = 1;

/// The first bytes of a segment; see the module.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    magic: [u8; 8],
    crc: U32,
    version: U16,
    reserved: [u8; 2],
    incompatible: U32,
    compatible: U32,
    segment: U32,
    segments: U32,
    /// Counts segments begun.
    pub generation: U64,
    /// Where what was journalled before ends.
    pub end: U64,
    /// Least sequence in here.
    pub first: U64,
    /// Least sequence that is kept anywhere.
    pub oldest: U64,
    /// Random, told to nobody.
    pub salt: U64,
    /// Sequences below are the same in `ancestor`.
    pub ancestor_end: U64,
    /// Of every sequence from here on.
    pub epoch: U128,
    /// The epoch before.
    pub ancestor: U128,
    /// Of the machine.
    pub boot: U128,
    /// The owner's.
    pub checkpoint: [u8; 64],
    /// Sequences below were given to a write that failed.
    pub tried: U64,
    segment_size: U32,
    reserved_end: [u8; 52],
}

const _: () = assert!(size_of::<Header>() == 256);
const _: () = assert!(std::mem::offset_of!(Header, checkpoint) == 128);

/// Which segment of which storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// Its number.
    pub segment: u32,
    /// How many there are.
    pub segments: u32,
    /// Bytes of each.
    pub segment_size: u32,
}

/// What the first bytes of a segment turn out to be.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::large_enum_variant)] // a few on the stack and in one list, at the start
pub enum Found {
    /// A header. It may be that of generation 0: a segment that holds nothing.
    Header(Header),
    /// A header of a later version, or of a storage with other measures: hands off.
    Unknown,
    /// Nothing but zeros.
    Blank,
    /// Anything else.
    Damaged,
}

impl Header {
    /// The header of a segment that holds nothing.
    #[must_use]
    pub fn new(site: Site) -> Self {
        let mut header = Self::new_zeroed();
        header.magic = MAGIC;
        header.version.set(VERSION);
        header.segment.set(site.segment);
        header.segments.set(site.segments);
        header.segment_size.set(site.segment_size);
        header.end.set(1);
        header.first.set(1);
        header.oldest.set(1);
        header
    }

    /// Finishes the header; returns both copies.
    pub fn seal(&mut self) -> [u8; HEADERS_SIZE] {
        self.crc.set(self.checksum());
        let copies: [[u8; size_of::<Self>()]; 2] =
            [zerocopy::transmute!(*self), zerocopy::transmute!(*self)];
        zerocopy::transmute!(copies)
    }

    /// What every checksum in the segment begins with, so that its records mean something under
    /// this header only.
    #[must_use]
    pub fn seed(&self) -> u32 {
        self.crc.get()
    }

    /// Reads both copies of a segment. When both are good, the later one counts.
    #[must_use]
    pub fn find(copies: &[u8; HEADERS_SIZE], site: Site) -> Found {
        let (first, second) = copies.split_at(size_of::<Self>());
        match (Self::parse(first, site), Self::parse(second, site)) {
            (Found::Unknown, _) | (_, Found::Unknown) => Found::Unknown,
            (Found::Header(a), Found::Header(b)) if a.generation.get() < b.generation.get() => {
                Found::Header(b)
            }
            (found @ Found::Header(_), _) | (_, found @ Found::Header(_)) => found,
            (Found::Blank, Found::Blank) => Found::Blank,
            _ if Self::later_version(first)
                .is_some_and(|a| Self::later_version(second) == Some(a)) =>
            {
                Found::Unknown
            }
            _ => Found::Damaged,
        }
    }

    fn parse(bytes: &[u8], site: Site) -> Found {
        let Ok((header, _)) = Self::read_from_prefix(bytes) else { return Found::Damaged };
        if header.as_bytes().iter().all(|byte| *byte == 0) {
            return Found::Blank;
        }
        if header.magic != MAGIC || header.crc.get() != header.checksum() {
            return Found::Damaged;
        }
        if header.version.get() != VERSION || header.incompatible.get() != 0 {
            return Found::Unknown;
        }
        let measures = (header.segments.get(), header.segment_size.get());
        if measures != (site.segments, site.segment_size) {
            return Found::Unknown;
        }
        let (oldest, end, first) = (header.oldest.get(), header.end.get(), header.first.get());
        let is_sound = (1..=end).contains(&oldest) && end <= first;
        if is_sound && header.segment.get() == site.segment {
            Found::Header(header)
        } else {
            Found::Damaged
        }
    }

    /// A later version may keep its checksum elsewhere; damage would not agree in both copies.
    fn later_version(bytes: &[u8]) -> Option<u16> {
        let (header, _) = Self::read_from_prefix(bytes).ok()?;
        let version = header.version.get();
        (header.magic == MAGIC && version > VERSION).then_some(version)
    }

    fn checksum(&self) -> u32 {
        let bytes = self.as_bytes();
        let (before, rest) = bytes.split_at(8);
        crc::behind(0, &[before, rest.get(4..).unwrap_or_default()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: Site = Site { segment: 3, segments: 8, segment_size: 4096 };

    fn sample() -> Header {
        let mut header = Header::new(SITE);
        header.generation.set(7);
        header.end.set(40);
        header.first.set(42);
        header.oldest.set(2);
        header.epoch.set(0x1234);
        header.checkpoint = [9; 64];
        header
    }

    #[test]
    fn the_bytes_are_those_of_the_table() {
        let bytes = sample().seal();
        assert_eq!(&bytes[..8], b"KYMOJRNL");
        assert_eq!(&bytes[12..14], &[1, 0]);
        assert_eq!((bytes[28], &bytes[200..202]), (8, [0, 16].as_slice()));
        assert_eq!((bytes[24], bytes[32], bytes[40], bytes[48], bytes[56]), (3, 7, 40, 42, 2));
        assert_eq!(&bytes[80..82], &[0x34, 0x12]);
        assert_eq!(&bytes[128..192], &[9; 64]);
        assert_eq!(&bytes[204..256], &[0; 52]);
        assert_eq!(&bytes[..256], &bytes[256..]);
        // As Python's zlib.crc32 has it.
        assert_eq!(&bytes[8..12], &0x4DC9_E4E3_u32.to_le_bytes());
    }

    #[test]
    fn one_good_copy_is_enough() {
        for byte in 0..HEADERS_SIZE {
            for bit in 0..8 {
                let mut bytes = sample().seal();
                bytes[byte] ^= 1 << bit;
                let Found::Header(found) = Header::find(&bytes, SITE) else { panic!("{byte}") };
                assert_eq!(found.generation, 7);
            }
        }
        let mut bytes = sample().seal();
        bytes[0] ^= 1;
        bytes[300] ^= 1;
        assert!(matches!(Header::find(&bytes, SITE), Found::Damaged));
        assert!(matches!(Header::find(&[0; HEADERS_SIZE], SITE), Found::Blank));
        // The same file under another name.
        assert!(matches!(
            Header::find(&sample().seal(), Site { segment: 4, ..SITE }),
            Found::Damaged
        ));
    }

    #[test]
    fn ends_that_contradict_one_another_are_damage() {
        for (oldest, end, first) in [(0, 40, 42), (41, 40, 42), (2, 43, 42), (44, 43, 42)] {
            let mut header = sample();
            header.oldest.set(oldest);
            header.end.set(end);
            header.first.set(first);
            let found = Header::find(&header.seal(), SITE);
            assert!(matches!(found, Found::Damaged), "{oldest} {end} {first}");
        }
        let mut header = sample();
        header.oldest.set(42);
        header.end.set(42);
        assert!(matches!(Header::find(&header.seal(), SITE), Found::Header(_)));
    }

    #[test]
    fn the_later_copy_counts() {
        let mut later = sample();
        later.generation.set(8);
        let (old, new) = (sample().seal(), later.seal());
        for (first, second) in [(&new, &old), (&old, &new)] {
            let torn: Vec<u8> = first[..256].iter().chain(&second[256..]).copied().collect();
            let Found::Header(found) = Header::find(&torn.try_into().unwrap(), SITE) else {
                panic!()
            };
            assert_eq!(found.generation, 8);
        }
    }

    /// With fewer segments the newest could be among those that are not looked at.
    #[test]
    fn what_has_other_measures_is_left_alone() {
        let bytes = sample().seal();
        let fewer = Site { segments: 7, ..SITE };
        let larger = Site { segment_size: 8192, ..SITE };
        assert!(matches!(Header::find(&bytes, fewer), Found::Unknown));
        assert!(matches!(Header::find(&bytes, larger), Found::Unknown));
    }

    #[test]
    fn what_a_later_version_wrote_is_left_alone() {
        let mut header = sample();
        header.incompatible.set(1);
        assert!(matches!(Header::find(&header.seal(), SITE), Found::Unknown));
        header.incompatible.set(0);
        header.compatible.set(u32::MAX);
        assert!(matches!(Header::find(&header.seal(), SITE), Found::Header(_)));
        header.version.set(2);
        let mut bytes = header.seal();
        assert!(matches!(Header::find(&bytes, SITE), Found::Unknown));
        // With a checksum this version does not understand.
        bytes[9] ^= 1;
        bytes[256 + 9] ^= 1;
        assert!(matches!(Header::find(&bytes, SITE), Found::Unknown));
    }
}
