//! The two temperatures of the vitals: the CPU package and the first graphics processor.
//!
//! A choice is made when devices are looked for and holds until they are looked for again, so that
//! the value doesn't jump between sensors. A graphics processor that sleeps is not touched: reading
//! its temperature would wake it, and keep it awake.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use kymo_protocol::{NoData, Reading};

use super::attribute::{Attribute, read_word};
use super::hwmon::{Chip, channels};
use super::name::Name;
use super::sys::EntryBuffer;
use super::text::number;

/// m°C. Sensors that are broken or off answer far outside: −273 °C, 4,294,948 °C.
const MILLIDEGREES: std::ops::Range<i64> = -39_999..150_000;

/// A temperature input with the attribute that says whether to trust it.
#[derive(Debug)]
pub(crate) struct Input {
    value: Reading<Attribute>,
    fault: Option<Attribute>,
}

impl Input {
    /// Opens channel `index` of the chip whose attributes are in `directory`.
    fn open(directory: BorrowedFd<'_>, index: u16) -> Self {
        Self {
            value: Attribute::open(directory, &Name::indexed("temp", index, "_input")),
            fault: Attribute::open(directory, &Name::indexed("temp", index, "_fault")).ok(),
        }
    }

    /// An attribute on its own, as a thermal zone has it.
    pub(crate) fn alone(value: Reading<Attribute>) -> Self {
        Self { value, fault: None }
    }

    /// °C now.
    pub(crate) fn read(&self, gone: &mut bool) -> Reading<f32> {
        if let Some(fault) = &self.fault
            && fault.number(gone).is_ok_and(|fault| fault != 0)
        {
            return Err(NoData::Fault);
        }
        let value = self.value.as_ref().map_err(|reason| *reason)?;
        celsius(value.number(gone)?).ok_or(NoData::Fault)
    }
}

/// Chooses the package temperature of the first CPU among `chips`.
pub(crate) fn find_cpu(
    class: BorrowedFd<'_>,
    chips: &[Chip],
    buffer: &mut EntryBuffer,
) -> Option<Input> {
    let mut best: Option<(u32, Input)> = None;
    for chip in chips.iter().filter(|chip| is_cpu(&chip.name)) {
        let Some(directory) = chip.open(class) else { continue };
        for index in channels(directory.as_fd(), buffer, "temp", "_input") {
            let label = read_word(directory.as_fd(), &Name::indexed("temp", index, "_label"));
            let rank = cpu_rank(&chip.name, index, label.ok().as_deref());
            if let Some(rank) = rank
                && best.as_ref().is_none_or(|(best, _)| rank < *best)
            {
                let input = Input::open(directory.as_fd(), index);
                // One that has left since it was listed is no choice.
                if !matches!(input.value, Err(NoData::Absent)) {
                    best = Some((rank, input));
                }
            }
        }
    }
    best.map(|(_, input)| input)
}

/// The first graphics processor, awake or asleep.
#[derive(Debug)]
pub(crate) struct Gpu {
    directory: OwnedFd,
    sleep: Sleep,
    /// Chosen and opened when it is first found awake.
    input: Option<Input>,
}

impl Gpu {
    /// The first among `chips`.
    pub(crate) fn find(class: BorrowedFd<'_>, chips: &[Chip]) -> Option<Self> {
        let chip = chips.iter().find(|chip| is_gpu(&chip.name))?;
        let directory = chip.open(class)?;
        let sleep = Sleep::of(directory.as_fd());
        Some(Self { directory, sleep, input: None })
    }

    /// °C now, unless it sleeps.
    pub(crate) fn read(&mut self, buffer: &mut EntryBuffer, gone: &mut bool) -> Reading<f32> {
        if self.sleep.now(gone) {
            return Err(NoData::Asleep);
        }
        if self.input.is_none() {
            self.input = choose_gpu_input(self.directory.as_fd(), buffer);
        }
        self.input.as_ref().ok_or(NoData::Absent)?.read(gone)
    }
}

/// Whether a device has been put to sleep by its driver.
#[derive(Debug)]
pub(crate) struct Sleep(Option<Attribute>);

impl Sleep {
    /// Of the device of the chip whose attributes are in `directory`.
    pub(crate) fn of(directory: BorrowedFd<'_>) -> Self {
        let mut name = Name::new();
        name.extend(b"device/power/runtime_status");
        Self(Attribute::open(directory, &name).ok())
    }

    /// Asks the kernel, not the device. What is on its way into or out of sleep is left alone.
    pub(crate) fn now(&self, gone: &mut bool) -> bool {
        let Some(status) = self.0.as_ref().and_then(|status| status.word(gone).ok()) else {
            return false;
        };
        [&b"suspended"[..], b"suspending", b"resuming"].contains(&status.as_slice())
    }
}

/// Drivers of graphics processors with temperatures.
pub(crate) fn is_gpu(chip: &[u8]) -> bool {
    [&b"amdgpu"[..], b"radeon", b"nouveau"].contains(&chip)
}

fn is_cpu(chip: &[u8]) -> bool {
    [&b"coretemp"[..], b"k10temp", b"zenpower"].contains(&chip)
}

/// Lower is better; `None` is not the temperature of a package.
fn cpu_rank(chip: &[u8], index: u16, label: Option<&[u8]>) -> Option<u32> {
    let rank_of_package = |label: &[u8]| {
        // Older kernels called it physical.
        let id = label.strip_prefix(b"Package id ").or(label.strip_prefix(b"Physical id "))?;
        u32::try_from(number(id)?).ok().filter(|id| *id < 1000)
    };
    match (chip, label) {
        (b"coretemp", Some(label)) => rank_of_package(label),
        (b"coretemp", None) if index == 1 => Some(1000),
        // Tctl has an offset on some parts, made for fan curves.
        (b"k10temp" | b"zenpower", Some(b"Tdie")) => Some(2000),
        (b"k10temp" | b"zenpower", Some(b"Tctl")) => Some(2001),
        (b"k10temp" | b"zenpower", None) if index == 1 => Some(2002),
        _ => None,
    }
}

fn choose_gpu_input(directory: BorrowedFd<'_>, buffer: &mut EntryBuffer) -> Option<Input> {
    let indexes = channels(directory, buffer, "temp", "_input");
    let is_edge = |index: &&u16| {
        let label = read_word(directory, &Name::indexed("temp", **index, "_label"));
        label.is_ok_and(|label| label == b"edge")
    };
    let index = indexes.iter().find(is_edge).or(indexes.first())?;
    Some(Input::open(directory, *index))
}

fn celsius(millidegrees: i64) -> Option<f32> {
    let millidegrees = MILLIDEGREES.contains(&millidegrees).then_some(millidegrees)?;
    // Exact: the range fits into the 24 bits of an f32's significand.
    i32::try_from(millidegrees).ok().map(|value| value as f32 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentinels_are_no_temperatures() {
        assert_eq!(celsius(47_000), Some(47.0));
        assert_eq!(celsius(0), Some(0.0));
        assert_eq!(celsius(-39_999), Some(-39.999));
        assert_eq!(celsius(149_999), Some(149.999));
        for sentinel in [-40_000, -273_150, 150_000, 4_294_948_000, 255_000, i64::MIN, i64::MAX] {
            assert_eq!(celsius(sentinel), None, "{sentinel}");
        }
    }

    #[test]
    fn the_package_is_preferred_to_cores_and_the_die_to_the_control_value() {
        let rank = |chip: &str, index, label: Option<&str>| {
            cpu_rank(chip.as_bytes(), index, label.map(str::as_bytes))
        };
        let best_first = [
            rank("coretemp", 1, Some("Package id 0")),
            rank("coretemp", 1, Some("Physical id 1")),
            rank("coretemp", 1, None),
            rank("k10temp", 2, Some("Tdie")),
            rank("zenpower", 1, Some("Tctl")),
            rank("k10temp", 1, None),
        ];
        assert!(best_first.iter().all(Option::is_some) && best_first.is_sorted());
        for (chip, index, label) in [
            ("coretemp", 2, Some("Core 0")),
            ("coretemp", 2, None),
            ("coretemp", 1, Some("Package id")),
            ("k10temp", 3, Some("Tccd1")),
            ("nct6775", 1, None),
        ] {
            assert_eq!(rank(chip, index, label), None, "{chip} {label:?}");
        }
    }
}
