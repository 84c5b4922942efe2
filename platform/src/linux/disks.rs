//! Which block devices are whole disks, so that no byte is counted twice.
//!
//! sysfs knows best: a partition has a `partition` attribute. Without sysfs the name decides. What
//! was found is remembered in a fixed table, so that a steady machine is not asked again.
//!
//! An NVMe namespace with several paths shows each path, nvme0c0n1, and the whole, nvme0n1, for
//! which many kernels count nothing. So the paths count, and the whole does not where sysfs tells
//! it.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, faccessat};

use super::diskstats::Device;
use super::file::{c_path, open_directory};
use super::name::Name;
use super::sys::readlinkat;

/// Names the table remembers; more are asked for again and again, never got wrong.
const REMEMBERED_MAX: usize = 128;
/// The kernel's limit of a disk's name, without its NUL.
const NAME_SIZE_MAX: usize = 31;

/// What a block device is to a sum over disks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Counts.
    Disk,
    /// A part of a disk that counts.
    Partition,
    /// Memory, a file, removable media of old, or a layer on top of disks that count.
    Layer,
}

/// Tells disks from the rest, and remembers.
#[derive(Debug)]
pub(crate) struct Disks {
    class_block: Folder,
    block: Folder,
    remembered: Box<[Option<Remembered>]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Remembered {
    major: u64,
    minor: u64,
    name: heapless::Vec<u8, NAME_SIZE_MAX>,
    is_disk: bool,
}

/// A directory of sysfs, opened when it is first needed and there.
#[derive(Debug)]
struct Folder {
    path: CString,
    fd: Option<OwnedFd>,
}

impl Disks {
    pub(crate) fn new(sys_root: &Path) -> Self {
        Self {
            class_block: Folder::new(&sys_root.join("class/block")),
            block: Folder::new(&sys_root.join("block")),
            remembered: vec![None; REMEMBERED_MAX].into_boxed_slice(),
        }
    }

    /// Whether the bytes of `device` count.
    pub(crate) fn is_disk(&mut self, device: Device<'_>) -> bool {
        let place = place(device);
        if let Some(Some(known)) = self.remembered.get(place)
            && (known.major, known.minor) == (device.major, device.minor)
            && known.name == device.name
        {
            return known.is_disk;
        }
        let is_disk = self.kind(device.name) == Kind::Disk;
        if let (Ok(name), Some(known)) =
            (heapless::Vec::from_slice(device.name), self.remembered.get_mut(place))
        {
            let Device { major, minor, .. } = device;
            *known = Some(Remembered { major, minor, name, is_disk });
        }
        is_disk
    }

    fn kind(&mut self, name: &[u8]) -> Kind {
        let by_name = kind_by_name(name);
        if by_name == Kind::Layer {
            return Kind::Layer;
        }
        // sysfs writes the slash of names such as cciss/c0d0 as an exclamation mark.
        let mut file = Name::new();
        name.iter().for_each(|byte| file.push(if *byte == b'/' { b'!' } else { *byte }));
        let mut partition = file.clone();
        partition.extend(b"/partition");
        if is_nvme_path(name) {
            return Kind::Disk;
        }
        let whole = b"/nvme-subsystem/";
        if self.class_block.leads_through(&file, whole) || self.block.leads_through(&file, whole) {
            return Kind::Layer;
        }
        if self.class_block.has(&partition) == Some(true) {
            return Kind::Partition;
        }
        match self.block.has(&file) {
            Some(true) => Kind::Disk,
            Some(false) => Kind::Partition,
            // Only the flat folder is there: it would have shown a partition.
            None if self.class_block.has(&file) == Some(true) => Kind::Disk,
            None => by_name,
        }
    }
}

impl Folder {
    fn new(path: &Path) -> Self {
        let mut folder = Self { path: c_path(path), fd: None };
        folder.open();
        folder
    }

    fn open(&mut self) {
        if self.fd.is_none() {
            self.fd = open_directory(AT_FDCWD, &self.path).ok();
        }
    }

    /// Whether it holds `name` as a link whose target contains `part`.
    fn leads_through(&mut self, name: &Name, part: &[u8]) -> bool {
        self.open();
        let mut buffer = [0; 256];
        let (Some(fd), Some(name)) = (self.fd.as_ref(), name.as_c_str()) else { return false };
        readlinkat(fd.as_fd(), name, &mut buffer)
            .is_ok_and(|target| target.windows(part.len()).any(|window| window == part))
    }

    /// Whether it holds `name`; `None` when it can't be asked.
    fn has(&mut self, name: &Name) -> Option<bool> {
        self.open();
        let fd = self.fd.as_ref()?;
        let found = faccessat(fd.as_fd(), name.as_c_str()?, AccessFlags::F_OK, AtFlags::empty());
        Some(found.is_ok())
    }
}

/// What the name alone tells.
pub(crate) fn kind_by_name(name: &[u8]) -> Kind {
    const LAYERS: [&[u8]; 7] = [b"loop", b"ram", b"zram", b"dm-", b"md", b"fd", b"sr"];
    let numbered = |prefix: &&[u8]| {
        let rest = name.strip_prefix(*prefix);
        rest.and_then(<[u8]>::first).is_some_and(u8::is_ascii_digit)
    };
    if LAYERS.iter().any(numbered) || name.starts_with(b"md_") {
        Kind::Layer
    } else if is_partition_name(name) {
        Kind::Partition
    } else {
        Kind::Disk
    }
}

/// One of several paths to an NVMe namespace, such as nvme0c1n1.
fn is_nvme_path(name: &[u8]) -> bool {
    name.strip_prefix(b"nvme").is_some_and(|rest| {
        let controller = without_digits_in_front(rest);
        controller.len() < rest.len()
            && controller.strip_prefix(b"c").is_some_and(|path| path.contains(&b'n'))
    })
}

/// sda1, but nvme0n1p1 and mmcblk0p1: where a disk's name ends in a digit, a `p` comes between.
fn is_partition_name(name: &[u8]) -> bool {
    const LETTERED: [&[u8]; 4] = [b"sd", b"vd", b"xvd", b"hd"];
    let stem = without_digits_at_end(name);
    if stem.len() == name.len() {
        return false;
    }
    let of_lettered = |prefix: &&[u8]| {
        stem.strip_prefix(*prefix)
            .is_some_and(|unit| !unit.is_empty() && unit.iter().all(u8::is_ascii_lowercase))
    };
    let of_numbered =
        || stem.strip_suffix(b"p").is_some_and(|disk| disk.last().is_some_and(u8::is_ascii_digit));
    LETTERED.iter().any(of_lettered) || of_numbered()
}

fn without_digits_in_front(name: &[u8]) -> &[u8] {
    let at = name.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(name.len());
    name.get(at..).unwrap_or_default()
}

fn without_digits_at_end(name: &[u8]) -> &[u8] {
    let end = name.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    name.get(..end).unwrap_or_default()
}

/// Where in the table a device is remembered. The name is part of it, because every path of an NVMe
/// namespace has the numbers 0 and 0.
fn place(device: Device<'_>) -> usize {
    let mixed = device
        .name
        .iter()
        .fold(device.minor, |mixed, byte| mixed.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    usize::try_from(mixed % REMEMBERED_MAX as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_tell_disks_from_partitions_and_layers() {
        for name in [
            "sda",
            "sdaa",
            "vdb",
            "xvda",
            "hdc",
            "nvme0n1",
            "nvme10n2",
            "mmcblk0",
            "mmcblk0boot0",
            "nbd0",
            "rbd1",
            "pmem0",
            "mtdblock0",
            "dasda",
            "fioa",
            "cciss/c0d0",
            "nvme0c0n1",
            "sd",
            "0",
            "ramfs",
            "srx",
            "mda",
        ] {
            assert_eq!(kind_by_name(name.as_bytes()), Kind::Disk, "{name}");
        }
        for name in [
            "sda1",
            "sdaa15",
            "vdb2",
            "xvda1",
            "hdc9",
            "nvme0n1p1",
            "nvme10n2p128",
            "mmcblk0p1",
            "mmcblk0boot0p1",
            "nbd0p1",
            "cciss/c0d0p1",
        ] {
            assert_eq!(kind_by_name(name.as_bytes()), Kind::Partition, "{name}");
        }
        for name in [
            "loop0", "loop0p1", "ram0", "zram1", "dm-0", "md0", "md127p1", "md_d0", "md_home",
            "fd0", "sr0",
        ] {
            assert_eq!(kind_by_name(name.as_bytes()), Kind::Layer, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_something(name: Vec<u8>) {
            let _ = kind_by_name(&name);
            let mut disks = Disks::new(Path::new("/nonexistent"));
            let device = Device { major: 1, minor: u64::MAX, name: &name };
            prop_assert_eq!(disks.is_disk(device), disks.is_disk(device));
        }
    }
}
