//! The thermal zone of the CPU, for machines whose CPU has no chip of its own: most ARM boards.
//!
//! Zones are told apart by their type, since their numbers change.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};

use nix::fcntl::AT_FDCWD;

use super::attribute::{Attribute, Word, read_word};
use super::directory::for_each_entry;
use super::file::open_directory;
use super::name::{Name, index_in};
use super::sys::EntryBuffer;
use super::temperature::Input;

/// Chooses the zone of the CPU below the class directory at `path`.
pub(crate) fn find_cpu_zone(path: &CStr, buffer: &mut EntryBuffer) -> Option<Input> {
    let class = open_directory(AT_FDCWD, path).ok()?;
    let mut best: Option<(u8, Word, u16)> = None;
    let listed = for_each_entry(class.as_fd(), buffer, &mut |entry| {
        let zone =
            index_in(entry.name, "thermal_zone", "").and_then(|number| rank(class.as_fd(), number));
        if let Some(zone) = zone
            && best.as_ref().is_none_or(|best| zone < *best)
        {
            best = Some(zone);
        }
    });
    listed.ok()?;
    let (_, _, number) = best?;
    let name = Name::indexed("thermal_zone", number, "/temp");
    Some(Input::alone(Attribute::open(class.as_fd(), &name)))
}

/// Kind first, then type, then number: the same choice whatever the order of the entries.
fn rank(class: BorrowedFd<'_>, number: u16) -> Option<(u8, Word, u16)> {
    let kind = read_word(class, &Name::indexed("thermal_zone", number, "/type")).ok()?;
    Some((cpu_rank(&kind)?, kind, number))
}

/// Lower is better; `None` is not of CPU type. Vendors write the names, so parts must do.
fn cpu_rank(kind: &[u8]) -> Option<u8> {
    let mut lower = [0; super::attribute::WORD_SIZE_MAX];
    let lower = lower.get_mut(..kind.len())?;
    lower.copy_from_slice(kind);
    lower.make_ascii_lowercase();
    let begins_with = |start: &[u8]| lower.starts_with(start);
    if lower == b"x86_pkg_temp" {
        Some(0)
    } else if begins_with(b"cpu-thermal") || begins_with(b"cpu_thermal") {
        Some(1)
    } else if begins_with(b"cpu") {
        // cpu0-thermal, cpu-0-0-usr, cpuss-1, CPU-therm
        Some(2)
    } else if begins_with(b"soc") || begins_with(b"bcm2835_thermal") {
        // soc-thermal, soc_thermal, soc0-thermal: the CPU is on that chip
        Some(3)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_cpu_kind() {
        let best_first = [
            "x86_pkg_temp",
            "cpu-thermal",
            "cpu_thermal",
            "cpu0-thermal",
            "CPU-therm",
            "cpuss-0-usr",
            "soc-thermal",
            "soc_thermal",
            "bcm2835_thermal",
        ];
        let ranks = best_first.map(|kind| cpu_rank(kind.as_bytes()));
        assert!(ranks.iter().all(Option::is_some) && ranks.is_sorted(), "{ranks:?}");
        for other in ["acpitz", "iwlwifi_1", "pch_skylake", "gpu-thermal", "INT3400 Thermal", ""] {
            assert_eq!(cpu_rank(other.as_bytes()), None, "{other}");
        }
        assert_eq!(cpu_rank(&[b'c'; 500]), None);
    }
}
