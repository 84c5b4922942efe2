//! A mounted file system: `struct statfs` with 64-bit inodes, 2,168 bytes.
//!
//! | offset | type | field |
//! |---|---|---|
//! | 0 | u32 | bytes of a block |
//! | 8, 16, 24 | u64 | blocks, free ones, those free to ordinary users |
//! | 32, 40 | u64 | inodes, free ones |
//! | 64 | u32 | flags |
//! | 72 | u8 × 16 | type |
//! | 88 | u8 × 1024 | where it is mounted |
//! | 1112 | u8 × 1024 | what is mounted there |
//!
//! The volumes of an APFS container share its space: each tells the container's, so one of them
//! stands for all. The system is such a volume, sealed and read-only at `/`, and so is what people
//! write, at [`DATA`]: they look like one tree.

use super::bytes::{text_at, u32_at, u64_at};

/// Bytes of a record.
pub const SIZE: usize = 2168;
/// Bytes of a path, with its NUL.
const PATH_SIZE: usize = 1024;
/// Where the volume is that the root's writable half is on, since macOS 10.15.
pub const DATA: &[u8] = b"/System/Volumes/Data";

// Of `sys/mount.h`.
const MNT_RDONLY: u32 = 0x1;
const MNT_LOCAL: u32 = 0x1000;
const MNT_DONTBROWSE: u32 = 0x10_0000;

/// Types that hold no data, or another file system's, or an image that is always full.
const NONE: [&[u8]; 12] = [
    b"autofs", b"bindfs", b"cd9660", b"cddafs", b"devfs", b"fdesc", b"nullfs", b"synthfs",
    b"tmpfs", b"udf", b"unionfs", b"volfs",
];

/// What a mounted file system keeps its data on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// The disk that people write to when they write below `/`.
    Root,
    /// Another disk of this machine.
    Local,
    /// Another machine.
    Remote,
    /// Nothing, or what another one has already.
    None,
}

/// Space of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes of a block.
    pub block_size: u64,
    /// Blocks.
    pub blocks: u64,
    /// Those that are free.
    pub free: u64,
    /// Those free to ordinary users.
    pub available: u64,
    /// Inodes there are, or could be.
    pub inodes: u64,
    /// Those that are free.
    pub inodes_free: u64,
}

impl Space {
    /// From a record; `None` where more is free than there is, and where blocks have no size.
    #[must_use]
    pub fn parse(record: &[u8]) -> Option<Self> {
        let count = |offset| u64_at(record, offset);
        let space = Self {
            block_size: u32_at(record, 0)?.into(),
            blocks: count(8)?,
            free: count(16)?,
            available: count(24)?,
            inodes: count(32)?,
            inodes_free: count(40)?,
        };
        let is_sane = space.free <= space.blocks && space.available <= space.blocks;
        (is_sane && space.block_size > 0).then_some(space)
    }
}

/// What is mounted where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mount<'r> {
    flags: u32,
    /// `apfs`, `smbfs`.
    pub kind: &'r [u8],
    /// Where it is.
    pub point: &'r [u8],
    /// What is there: `/dev/disk3s5`, `//server/share`.
    pub source: &'r [u8],
}

impl<'r> Mount<'r> {
    /// From a record.
    #[must_use]
    pub fn parse(record: &'r [u8]) -> Option<Self> {
        Some(Self {
            flags: u32_at(record, 64)?,
            kind: text_at(record, 72, 16)?,
            point: text_at(record, 88, PATH_SIZE)?,
            source: text_at(record, 88 + PATH_SIZE, PATH_SIZE)?,
        })
    }

    /// Whether nobody can write to it.
    #[must_use]
    pub const fn is_read_only(&self) -> bool {
        self.flags & MNT_RDONLY != 0
    }

    /// What it keeps its data on, by itself: that of `/` may be that of [`DATA`].
    #[must_use]
    pub fn medium(&self) -> Medium {
        if self.point == DATA || self.point == b"/" {
            Medium::Root
        } else if NONE.contains(&self.kind) || self.flags & MNT_DONTBROWSE != 0 {
            Medium::None
        } else if self.flags & MNT_LOCAL == 0 {
            Medium::Remote
        } else {
            Medium::Local
        }
    }

    /// What tells its space from others': the container of an APFS volume, else what is mounted.
    /// `/dev/disk3s1s1`, a snapshot of a volume, is of `/dev/disk3`.
    #[must_use]
    pub fn pool(&self) -> &'r [u8] {
        const DISK: &[u8] = b"/dev/disk";
        match self.source.strip_prefix(DISK) {
            Some(rest) if self.kind == b"apfs" => {
                let digits = rest.iter().position(|byte| !byte.is_ascii_digit());
                let end = DISK.len() + digits.unwrap_or(rest.len());
                self.source.get(..end).unwrap_or(self.source)
            }
            _ => self.source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(flags: u32, kind: &str, point: &[u8], source: &str) -> [u8; SIZE] {
        let mut record = [0; SIZE];
        record[..4].copy_from_slice(&4096u32.to_ne_bytes());
        for (offset, number) in [(8, 100u64), (16, 40), (24, 35), (32, 1000), (40, 900)] {
            record[offset..offset + 8].copy_from_slice(&number.to_ne_bytes());
        }
        record[64..68].copy_from_slice(&flags.to_ne_bytes());
        for (offset, text) in [(72, kind.as_bytes()), (88, point), (1112, source.as_bytes())] {
            record[offset..offset + text.len()].copy_from_slice(text);
        }
        record
    }

    #[test]
    fn every_field_is_at_its_place() {
        let bytes = record(0x1480_d001, "apfs", b"/", "/dev/disk3s1s1");
        let mount = Mount::parse(&bytes).unwrap();
        let expected =
            Mount { flags: 0x1480_d001, kind: b"apfs", point: b"/", source: b"/dev/disk3s1s1" };
        assert_eq!(mount, expected);
        assert!(mount.is_read_only());
        let space = Space {
            block_size: 4096,
            blocks: 100,
            free: 40,
            available: 35,
            inodes: 1000,
            inodes_free: 900,
        };
        assert_eq!(Space::parse(&bytes), Some(space));
        assert_eq!(Mount::parse(&bytes[..2135]), None);
        assert_eq!(Space::parse(&bytes[..47]), None);
    }

    #[test]
    fn what_can_not_be_true_is_none() {
        let good = record(0, "apfs", b"/", "/dev/disk3s1");
        for (offset, value) in [(16, 101u64), (24, 101), (0, 0)] {
            let mut bad = good;
            bad[offset..offset + 4].copy_from_slice(&value.to_ne_bytes()[..4]);
            assert_eq!(Space::parse(&bad), None, "{offset}");
        }
    }

    #[test]
    fn media_and_pools() {
        use Medium::{Local, None, Remote, Root};
        for (flags, kind, point, source, medium, pool) in [
            (0x1480_d001, "apfs", "/", "/dev/disk3s1s1", Root, "/dev/disk3"),
            (0x1490_9080, "apfs", "/System/Volumes/Data", "/dev/disk3s5", Root, "/dev/disk3"),
            (0x1490_9080, "apfs", "/System/Volumes/VM", "/dev/disk3s6", None, "/dev/disk3"),
            (0x0050_1000, "devfs", "/dev", "devfs", None, "devfs"),
            (0x0050_0000, "autofs", "/System/Volumes/Data/home", "map auto_home", None, ""),
            (0x0000_1018, "exfat", "/Volumes/A", "/dev/disk12s1", Local, "/dev/disk12s1"),
            (0x0080_1018, "apfs", "/Volumes/B", "/dev/disk12s1", Local, "/dev/disk12"),
            (0x0080_1000, "hfs", "/", "/dev/disk1", Root, "/dev/disk1"),
            (0x0000_0018, "smbfs", "/Volumes/share", "//me@host/share", Remote, ""),
            (0x0000_0018, "nfs", "/Volumes/n", "host:/export", Remote, ""),
        ] {
            let bytes = record(flags, kind, point.as_bytes(), source);
            let mount = Mount::parse(&bytes).unwrap();
            assert_eq!(mount.medium(), medium, "{point}");
            if !pool.is_empty() {
                assert_eq!(mount.pool(), pool.as_bytes(), "{point}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_fine(bytes: Vec<u8>, source in "/dev/disk[0-9s]{0,9}") {
            let _ = (Mount::parse(&bytes), Space::parse(&bytes));
            let whole = record(0, "apfs", b"/", &source);
            prop_assert!(Mount::parse(&whole).unwrap().pool().starts_with(b"/dev/disk"));
            let long = bytes.repeat(SIZE / bytes.len().max(1) + 1);
            let _ = Mount::parse(&long).map(|mount| (mount.medium(), mount.pool().len()));
        }
    }
}
