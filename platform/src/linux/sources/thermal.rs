//! Thermal zones of the firmware that no chip of hwmon shows as well.
//!
//! Zones are known by their type, since their numbers change. The kernel makes a chip of most of
//! them, of the same name with `_` for `-`; the CPU's zone repeats coretemp.

use std::os::fd::{AsFd, BorrowedFd};

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group};

use super::channel::Quantity;
use super::class::{Key, Kind};
use crate::linux::attribute::{Word, read_word};
use crate::linux::directory::for_each_entry;
use crate::linux::file::open_directory;
use crate::linux::name::{Name, index_in};
use crate::linux::sys::EntryBuffer;
use crate::phrase::Phrase;
use crate::source::SourceSpec;

static QUANTITIES: [Quantity; 1] =
    [Quantity { range: (-39_999, 149_999), ..Quantity::plain("temp", known(110), 1e3) }];

/// Every zone.
pub(super) static ZONE: Kind = Kind {
    spec: SourceSpec {
        name: "thermal",
        group: Group::Thermal,
        interval_ns: 1_000_000_000,
        cadence_ms: 0,
        cost: Cost::Costly,
        may_block: true,
        is_vital: false,
    },
    folder: "class/thermal",
    below: "",
    quantities: &QUANTITIES,
    key: zone,
};

fn zone(class: BorrowedFd<'_>, entry: &[u8]) -> Option<Key> {
    let number = index_in(entry, "thermal_zone", "")?;
    let kind = read_word(class, &Name::indexed("thermal_zone", number, "/type")).ok()?;
    if has_chip(class, &kind) {
        return None;
    }
    let name = Phrase::new().with_bytes(&kind);
    Some(Key { place: Phrase::new().with_name(name.as_str()), name })
}

/// Asks the class beside this one, from the same root.
fn has_chip(class: BorrowedFd<'_>, kind: &Word) -> bool {
    let Ok(chips) = open_directory(class, c"../hwmon") else { return false };
    let mut found = false;
    let _ = for_each_entry(chips.as_fd(), &mut EntryBuffer::new(), &mut |entry| {
        let Some(number) = index_in(entry.name, "hwmon", "") else { return };
        if let Ok(chip) = read_word(chips.as_fd(), &Name::indexed("hwmon", number, "/name")) {
            found |= repeats(kind, &chip);
        }
    });
    found
}

fn repeats(kind: &[u8], chip: &[u8]) -> bool {
    let same = |(one, other): (&u8, &u8)| one == other || (*one == b'-' && *other == b'_');
    let is_package = kind == b"x86_pkg_temp" && chip == b"coretemp";
    is_package || (kind.len() == chip.len() && kind.iter().zip(chip).all(same))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_that_chips_repeat() {
        for (kind, chip) in
            [("acpitz", "acpitz"), ("cpu-thermal", "cpu_thermal"), ("x86_pkg_temp", "coretemp")]
        {
            assert!(repeats(kind.as_bytes(), chip.as_bytes()), "{kind}");
        }
        for (kind, chip) in [("cpu_thermal", "cpu-thermal"), ("acpitz", "acpi"), ("x", "")] {
            assert!(!repeats(kind.as_bytes(), chip.as_bytes()), "{kind}");
        }
    }
}
