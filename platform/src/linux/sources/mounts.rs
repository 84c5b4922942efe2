//! The mounted file systems that hold data, from a text such as `/proc/self/mountinfo`.
//!
//! A line: mount id, parent id, major:minor, root of the mount, mount point, options, optional
//! fields, `-`, type, source, options of the file system. Blanks and backslashes in names are
//! written as `\040`.

use crate::linux::text::words;

/// A mounted file system, as a line tells it; names are still escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mount<'l> {
    /// major:minor, the same for all mounts of one file system.
    pub(super) device: &'l [u8],
    /// What of the file system is mounted: `/` is all of it.
    pub(super) root: &'l [u8],
    pub(super) point: &'l [u8],
    /// Of the file system, not of this mount of it.
    pub(super) read_only: bool,
    pub(super) kind: &'l [u8],
    pub(super) source: &'l [u8],
}

/// What a file system keeps its data on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Medium {
    /// A disk of this machine.
    Local,
    /// Another machine, or a program: asking may take for ever.
    Remote,
    /// Memory, the kernel, or an image that is always full.
    None,
}

/// File systems without a block device that have their data on disks here.
const LOCAL: [&[u8]; 4] = [b"btrfs", b"zfs", b"bcachefs", b"ubifs"];
/// File systems whose data come from elsewhere.
const REMOTE: [&[u8]; 14] = [
    b"nfs",
    b"nfs4",
    b"cifs",
    b"smb3",
    b"ceph",
    b"9p",
    b"virtiofs",
    b"afs",
    b"gfs2",
    b"ocfs2",
    b"lustre",
    b"glusterfs",
    b"vboxsf",
    b"fuse",
];
/// Images, which are always full.
const IMAGES: [&[u8]; 5] = [b"squashfs", b"iso9660", b"udf", b"erofs", b"cramfs"];

impl<'l> Mount<'l> {
    /// What a line tells.
    pub(super) fn parse(line: &'l [u8]) -> Option<Self> {
        let mut words = words(line);
        let device = words.nth(2)?;
        let (root, point) = (words.next()?, words.next()?);
        words.find(|word| *word == b"-")?;
        let (kind, source) = (words.next()?, words.next()?);
        // A service may see all mounts read-only whose file systems others write.
        let options = words.next().unwrap_or_default();
        let read_only = options.split(|byte| *byte == b',').any(|option| option == b"ro");
        Some(Self { device, root, point, read_only, kind, source })
    }

    /// What it keeps its data on.
    pub(super) fn medium(&self) -> Medium {
        let has_device = !self.device.starts_with(b"0:");
        if IMAGES.contains(&self.kind) {
            Medium::None
        } else if REMOTE.contains(&self.kind) || self.kind.starts_with(b"fuse.") {
            Medium::Remote
        } else if has_device || LOCAL.contains(&self.kind) {
            Medium::Local
        } else if self.kind == b"overlay" && self.point == b"/" {
            // The root of a container is what its programs fill.
            Medium::Local
        } else {
            Medium::None
        }
    }
}

/// Writes an escaped name as it is; what doesn't fit is left out.
pub(super) fn unescape(escaped: &[u8], push: &mut dyn FnMut(u8)) {
    let mut rest = escaped;
    while let [first, behind @ ..] = rest {
        let octal = match rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
                Some(((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'))
            }
            _ => None,
        };
        push(octal.unwrap_or(*first));
        rest = if octal.is_some() { rest.get(4..).unwrap_or_default() } else { behind };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROOT: &str = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard";

    #[test]
    fn real_lines() {
        let root = Mount {
            device: b"254:0",
            root: b"/",
            point: b"/",
            read_only: false,
            kind: b"ext4",
            source: b"/dev/vda",
        };
        assert_eq!(Mount::parse(ROOT.as_bytes()), Some(root));
        assert_eq!(root.medium(), Medium::Local);
        let medium = |line: &str| Mount::parse(line.as_bytes()).map(|mount| mount.medium());
        for (line, expected) in [
            ("36 35 0:44 /@home /home rw,noatime shared:1 - btrfs /dev/sda2 rw", Medium::Local),
            ("36 35 0:44 / / ro shared:1 master:2 - overlay overlay rw", Medium::Local),
            ("36 35 0:44 / /merged rw - overlay overlay rw", Medium::None),
            ("36 35 0:44 / /mnt rw - nfs4 host:/export rw", Medium::Remote),
            ("36 35 0:44 / /mnt rw - fuse.sshfs host:/ rw", Medium::Remote),
            ("36 35 8:1 / /mnt rw - fuseblk /dev/sda1 rw", Medium::Local),
            ("36 35 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro", Medium::None),
            ("22 27 0:21 / /proc rw,relatime - proc proc rw", Medium::None),
            ("25 24 0:23 / /dev/shm rw - tmpfs tmpfs rw", Medium::None),
        ] {
            assert_eq!(medium(line), Some(expected), "{line}");
        }
        let read_only = |line: &[u8]| Mount::parse(line).unwrap().read_only;
        assert!(read_only(b"1 1 8:1 / /a rw,nosuid - xfs /dev/a ro,noquota"));
        assert!(!read_only(b"1 1 8:1 / /a ro,nosuid - xfs /dev/a rw"), "of the mount alone");
        assert!(!read_only(b"1 1 8:1 / /a rw - xfs /dev/a"));
        for line in ["", "27 1 254:0 / /", "27 1 254:0 / / rw ext4 /dev/vda", "27 1 254:0 / / rw -"]
        {
            assert_eq!(Mount::parse(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn names_are_unescaped() {
        let plain = |escaped: &[u8]| {
            let mut name = Vec::new();
            unescape(escaped, &mut |byte| name.push(byte));
            name
        };
        assert_eq!(plain(b"/my\\040disk\\134\\377"), b"/my disk\\\xff");
        assert_eq!(plain(b"\\04\\400\\\\"), b"\\04\\400\\\\");
    }

    proptest! {
        #[test]
        fn any_line_is_fine(bytes: Vec<u8>, almost in "[0-9:/ a-z-]{0,60}") {
            let _ = Mount::parse(&bytes).map(|mount| mount.medium());
            let _ = Mount::parse(almost.as_bytes()).map(|mount| mount.medium());
            let mut size = 0;
            unescape(&bytes, &mut |_| size += 1);
            prop_assert!(size <= bytes.len());
        }
    }
}
