//! The chips below `/sys/class/hwmon`, in an order that survives renumbering.
//!
//! hwmonN is a number of the day. A chip's identity is the path of its device without all such
//! numbers, and chips are ordered by that path. Looking for chips reads names only, and touches no
//! hardware.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use kymo_protocol::{NoData, Reading};
use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;

use super::attribute::{Word, read_word};
use super::directory::for_each_entry;
use super::file::{open_directory, reason};
use super::name::{Name, index_in};
use super::sys::{EntryBuffer, readlinkat};
use crate::sort::insertion;

/// A server with that many is known; one with more keeps those that are listed first.
pub(crate) const CHIPS_MAX: usize = 64;
/// Channels of one kind on one chip: a coretemp of a large CPU has one temperature per core.
const CHANNELS_MAX: usize = 256;
/// Device paths are shorter; of a longer one the beginning decides.
const PLACE_SIZE_MAX: usize = 192;

/// Path of a device, as far as it is the same after every boot.
type Place = heapless::Vec<u8, PLACE_SIZE_MAX>;
/// Chips, in the order of their places.
pub(crate) type Chips = heapless::Vec<Chip, CHIPS_MAX>;
/// Indexes of channels, ascending.
pub(crate) type Channels = heapless::Vec<u16, CHANNELS_MAX>;

/// A chip: a device with sensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chip {
    /// Where its device is.
    pub(crate) place: Place,
    /// What its driver calls it.
    pub(crate) name: Word,
    /// Of the day: hwmonN.
    pub(crate) number: u16,
}

impl Chip {
    /// Opens the directory that has its attributes; `class` is that of hwmon.
    pub(crate) fn open(&self, class: BorrowedFd<'_>) -> Option<OwnedFd> {
        open_chip(class, self.number).map(|(directory, _)| directory)
    }
}

/// Opens the class directory at `path` and puts the chips below it into `chips`.
pub(crate) fn find_chips(
    path: &CStr,
    buffer: &mut EntryBuffer,
    chips: &mut Chips,
) -> Reading<OwnedFd> {
    chips.clear();
    let class = open_directory(AT_FDCWD, path).map_err(reason)?;
    let listed = for_each_entry(class.as_fd(), buffer, &mut |entry| {
        let found = index_in(entry.name, "hwmon", "");
        if let Some(chip) = found.and_then(|number| identify(class.as_fd(), number)) {
            // A chip too many is left out.
            let _ = chips.push(chip);
        }
    });
    listed.map_err(reason)?;
    insertion(chips, |one, other| {
        (&one.place, &one.name, one.number) < (&other.place, &other.name, other.number)
    });
    Ok(class)
}

/// The indexes for which `directory` has `prefix`, index, `suffix`.
pub(crate) fn channels(
    directory: BorrowedFd<'_>,
    buffer: &mut EntryBuffer,
    prefix: &str,
    suffix: &str,
) -> Channels {
    let mut found = Channels::new();
    let listed: Result<(), Errno> = for_each_entry(directory, buffer, &mut |entry| {
        if let Some(index) = index_in(entry.name, prefix, suffix) {
            // A channel too many is left out.
            let _ = found.push(index);
        }
    });
    // Half a list would make the choice among channels depend on chance.
    if listed.is_err() {
        found.clear();
    }
    insertion(&mut found, |one, other| one < other);
    found
}

fn identify(class: BorrowedFd<'_>, number: u16) -> Option<Chip> {
    let (_, name) = open_chip(class, number)?;
    Some(Chip { place: place(class, number), name, number })
}

/// Attributes and name are in hwmonN itself; those of old drivers in the device it links to.
fn open_chip(class: BorrowedFd<'_>, number: u16) -> Option<(OwnedFd, Word)> {
    let mut name_file = Name::new();
    name_file.extend(b"name");
    ["", "/device"].into_iter().find_map(|below| {
        let path = Name::indexed("hwmon", number, below);
        let directory = open_directory(class, path.as_c_str()?).ok()?;
        let name = read_word(directory.as_fd(), &name_file).ok()?;
        Some((directory, name))
    })
}

/// hwmonN is a link into the tree of devices; where it is a folder, its link `device` tells.
fn place(class: BorrowedFd<'_>, number: u16) -> Place {
    let target = |below: &str| {
        let mut buffer = [0; PLACE_SIZE_MAX];
        let link = Name::indexed("hwmon", number, below);
        let target = readlinkat(class, link.as_c_str()?, &mut buffer).ok()?;
        Some(lasting(without_number(target)))
    };
    target("").or_else(|| target("/device")).unwrap_or_default()
}

/// Cuts `/hwmonN` or `/hwmon/hwmonN` off the end of a path.
fn without_number(path: &[u8]) -> &[u8] {
    let Some(slash) = path.iter().rposition(|byte| *byte == b'/') else { return path };
    let (parent, last) = path.split_at_checked(slash).unwrap_or((path, b""));
    match last.strip_prefix(b"/").and_then(|last| index_in(last, "hwmon", "")) {
        Some(_) => parent.strip_suffix(b"/hwmon").unwrap_or(parent),
        None => path,
    }
}

/// A path without what is handed out anew when a machine starts or a device is plugged in. Ports of
/// disks and of USB, which lie side by side, keep their numbers.
fn lasting(path: &[u8]) -> Place {
    // What stands before such a number: of these a device has one, or others tell them apart.
    const NUMBERED: [&[u8]; 6] =
        [b"/nvme/nvme", b"/i2c-", b"/i2c-/", b"/phy", b"/serio", b"/thermal_zone"];
    let mut place = Place::new();
    for byte in path {
        // A device of HID: bus, maker, product, and a count of devices, 0003:1B1C:0C10.0007.
        let product = place.len().wrapping_sub(6);
        let is_counted = place.ends_with(b".") && place.get(product) == Some(&b':');
        let is_numbered = NUMBERED.iter().any(|start| place.ends_with(start));
        if !(byte.is_ascii_digit() && is_numbered || byte.is_ascii_hexdigit() && is_counted) {
            // It is no longer than the path.
            let _ = place.push(*byte);
        }
    }
    place
}

/// Why a quantity has no source, when looking for chips ended with `found`.
pub(crate) fn no_source<T>(found: &Reading<T>) -> NoData {
    found.as_ref().err().copied().unwrap_or(NoData::Absent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_no_part_of_the_place() {
        let pairs: [(&[u8], &[u8]); 5] = [
            (
                b"../../devices/platform/coretemp.0/hwmon/hwmon7",
                b"../../devices/platform/coretemp.0",
            ),
            (
                b"../../devices/virtual/thermal/thermal_zone0/hwmon1",
                b"../../devices/virtual/thermal/thermal_zone0",
            ),
            (b"../../../0000:00:18.3", b"../../../0000:00:18.3"),
            (b"hwmon3", b"hwmon3"),
            (b"", b""),
        ];
        for (path, expected) in pairs {
            assert_eq!(without_number(path), expected);
        }
    }

    #[test]
    fn a_place_has_no_number_of_the_day() {
        let same = |path: &str, expected: &str| {
            assert_eq!(lasting(path.as_bytes()), expected.as_bytes(), "{path}");
        };
        same(
            "../pci0000:00/0000:00:1d.0/0000:01:00.0/nvme/nvme12",
            "../pci0000:00/0000:00:1d.0/0000:01:00.0/nvme/nvme",
        );
        same("pci0000:00/0000:00:1f.4/i2c-0/0-0018", "pci0000:00/0000:00:1f.4/i2c-/-0018");
        same("pnp0/00:02/tty/ttyS1/serio2/i2c-11/11-004c", "pnp0/00:02/tty/ttyS1/serio/i2c-/-004c");
        same("usb1/1-4/1-4:1.0/0003:1B1C:0C10.0007", "usb1/1-4/1-4:1.0/0003:1B1C:0C10.");
        same("0000:03:00.0/ieee80211/phy0", "0000:03:00.0/ieee80211/phy");
        same("virtual/thermal/thermal_zone7", "virtual/thermal/thermal_zone");
        for steady in [
            "virtual/nvme-fabrics/ctl/nvme1",
            "",
            "/",
            "platform/coretemp.0",
            "platform/nct6775.656",
            "pci0000:00/0000:00:18.3",
            "0000:00:1f.2/ata3/host2/target2:0:0/2:0:0:0",
            "usb1/1-4/1-10",
            "platform/i2c-INT3496:00",
            "LNXSYSTM:00/LNXSYBUS:00/PNP0C14:01",
        ] {
            same(steady, steady);
        }
    }
}
