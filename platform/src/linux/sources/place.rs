//! Where a device is: the path that its link in a class of sysfs leads to.
//!
//! Names such as sda or hwmon3 are those of the day; the path through buses and slots is the same
//! after every boot.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::fcntl::AT_FDCWD;

use crate::linux::file::{c_path, open_directory};
use crate::linux::name::Name;
use crate::linux::sys::readlinkat;
use crate::phrase::Phrase;

/// A class of devices, opened when it is first needed and there.
#[derive(Debug)]
pub(super) struct Class {
    path: CString,
    fd: Option<OwnedFd>,
}

impl Class {
    pub(super) fn new(sys_root: &Path, below: &str) -> Self {
        Self { path: c_path(&sys_root.join(below)), fd: None }
    }

    /// The path of the device behind `name`, down to its bus; `name` where no link tells, or where
    /// no hardware is behind it.
    pub(super) fn place(&mut self, name: &[u8]) -> Phrase {
        if self.fd.is_none() {
            self.fd = open_directory(AT_FDCWD, &self.path).ok();
        }
        match &self.fd {
            Some(fd) => device_place(fd.as_fd(), name),
            None => Phrase::new().with_bytes(name),
        }
    }
}

/// The same, below an open class.
pub(super) fn device_place(class: BorrowedFd<'_>, name: &[u8]) -> Phrase {
    let mut link = Name::new();
    // sysfs writes the slash of names such as cciss/c0d0 as an exclamation mark.
    name.iter().for_each(|byte| link.push(if *byte == b'/' { b'!' } else { *byte }));
    let mut buffer = [0; 224];
    let target = link.as_c_str().and_then(|link| readlinkat(class, link, &mut buffer).ok());
    match target.and_then(bus_path) {
        Some(path) => namespaced(Phrase::new().with_bytes(path), name),
        None => Phrase::new().with_bytes(name),
    }
}

/// `../../devices/pci0000:00/0000:00:1f.2/ata1/…/block/sda` without what numbers of the day begin.
fn bus_path(target: &[u8]) -> Option<&[u8]> {
    const NUMBERED: [&[u8]; 5] = [b"/block/", b"/net/", b"/nvme/", b"/drm/", b"/hwmon/"];
    let devices = target.windows(9).position(|part| part == b"/devices/")?;
    let path = target.get(devices + 9..)?;
    let end = NUMBERED.iter().filter_map(|part| at(path, part)).min().unwrap_or(path.len());
    // All devices without hardware share one path, so their names are what tells them apart.
    path.get(..end).filter(|path| !path.is_empty() && !path.starts_with(b"virtual"))
}

/// A controller of NVMe may have several namespaces, and each of those several paths.
fn namespaced(path: Phrase, name: &[u8]) -> Phrase {
    let behind_number = name.strip_prefix(b"nvme").and_then(|rest| {
        let end = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        rest.get(end..)
    });
    match behind_number {
        Some(namespace) => path.with("/").with_bytes(namespace),
        None => path,
    }
}

fn at(path: &[u8], part: &[u8]) -> Option<usize> {
    path.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_day_are_no_part_of_a_path() {
        let pairs: [(&str, Option<&str>); 6] = [
            (
                "../../devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda",
                Some("pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0"),
            ),
            (
                "../../devices/pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1",
                Some("pci0000:00/0000:01:00.0"),
            ),
            (
                "../../devices/pci0000:00/0000:00:03.0/virtio2/net/eth0",
                Some("pci0000:00/0000:00:03.0/virtio2"),
            ),
            ("../../devices/virtual/net/docker0", None),
            ("../../devices/", None),
            ("", None),
        ];
        for (target, path) in pairs {
            assert_eq!(bus_path(target.as_bytes()), path.map(str::as_bytes), "{target}");
        }
        let named = |name: &str| namespaced(Phrase::new().with("p"), name.as_bytes());
        assert_eq!(named("nvme12n1").as_str(), "p/n1");
        assert_eq!(named("nvme0c1n2").as_str(), "p/c1n2");
        assert_eq!(named("sda").as_str(), "p");
    }
}
