//! The first frame of a binary client.
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | u16 | version_min | lowest version the client speaks |
//! | 2 | u16 | version_max | highest version the client speaks |
//! | 4 | u16 | name_len | bytes of name that count, at most 64 |
//! | 6 | u16 | reserved | 0 |
//! | 8 | u8 × 64 | name | UTF-8, the rest 0; may be empty |
//!
//! 72 bytes. The server picks the highest version both sides speak and says so in welcome.

use zerocopy::little_endian::U16;
use zerocopy_derive::*;

use crate::frame_error::FrameError;
use crate::header::{FrameKind, VERSION};
use crate::limits::NAME_MAX;
use crate::payload::Payload;
use crate::text::prefix;

/// The payload of a hello frame.
#[derive(
    Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Hello {
    /// Lowest version the client speaks.
    pub version_min: U16,
    /// Highest version the client speaks.
    pub version_max: U16,
    name_len: U16,
    reserved: U16,
    name: [u8; NAME_MAX],
}

const _: () = assert!(size_of::<Hello>() == 72);

impl Payload for Hello {
    const KIND: FrameKind = FrameKind::Hello;
}

impl Hello {
    /// Fills in this crate's version and a name, cut at a character boundary when it is too long.
    pub fn set(&mut self, name: &str) {
        let name = prefix(name, NAME_MAX);
        self.version_min.set(VERSION);
        self.version_max.set(VERSION);
        // A name is at most NAME_MAX bytes.
        self.name_len.set(u16::try_from(name.len()).unwrap_or(0));
        self.name.fill(0);
        self.name[..name.len()].copy_from_slice(name.as_bytes());
    }

    /// The client's name for itself; never used to decide what it may do.
    #[must_use]
    pub fn name(&self) -> &str {
        let name = self.name.get(..usize::from(self.name_len.get())).unwrap_or_default();
        core::str::from_utf8(name).unwrap_or_default()
    }

    /// Whether version `version` lies in the client's range.
    #[must_use]
    pub fn speaks(&self, version: u16) -> bool {
        (self.version_min.get()..=self.version_max.get()).contains(&version)
    }

    pub(crate) fn check(&self) -> Result<(), FrameError> {
        let len = usize::from(self.name_len.get());
        let name = self.name.get(..len).ok_or(FrameError::Value)?;
        if self.reserved.get() != 0 || self.name[len..].iter().any(|byte| *byte != 0) {
            return Err(FrameError::Reserved);
        }
        core::str::from_utf8(name).map_err(|_| FrameError::Value)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Body, Frame};
    use crate::limits::HEADER_SIZE;
    use crate::payload::{Position, Stamp, emit};

    fn hello(name: &str) -> [u8; Hello::FRAME_SIZE] {
        let mut bytes = [0; Hello::FRAME_SIZE];
        let (hello, _) = emit::<Hello>(&mut bytes, Position::NONE, Stamp { boot_ns: 0 }).unwrap();
        hello.set(name);
        bytes
    }

    #[test]
    fn bytes_are_those_of_the_specification() {
        let bytes = hello("bar");
        assert_eq!(&bytes[8..16], [72, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(&bytes[HEADER_SIZE..][..12], b"\x02\0\x02\0\x03\0\0\0bar\0");
        assert_eq!(bytes.len(), 104);
        let Body::Hello(hello) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        assert_eq!(hello.name(), "bar");
        assert!(hello.speaks(2) && !hello.speaks(1) && !hello.speaks(3));
    }

    #[test]
    fn names_are_cut_between_characters() {
        for (name, size) in [("", 0), ("é", 2)] {
            let bytes = hello(name);
            assert_eq!(usize::from(bytes[HEADER_SIZE + 4]), size);
        }
        let mut long = heapless::String::<80>::new();
        long.push_str("a").unwrap();
        for _ in 0..32 {
            long.push_str("é").unwrap();
        }
        let bytes = hello(&long);
        let Body::Hello(hello) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        assert_eq!((hello.name().len(), hello.name()), (63, &long[..63]));
    }

    #[test]
    fn damage_is_named() {
        let cases = [
            (4, 65, FrameError::Value),
            (4, 2, FrameError::Reserved),
            (6, 1, FrameError::Reserved),
            (8, 0xFF, FrameError::Value),
            (71, 1, FrameError::Reserved),
        ];
        for (offset, byte, error) in cases {
            let mut bytes = hello("bar");
            bytes[HEADER_SIZE + offset] = byte;
            assert_eq!(Frame::parse(&bytes).err(), Some(error), "byte {offset}");
        }
    }
}
