//! How chips want to be read: how often their values change, what asking costs, what it harms.
//!
//! A chip is known by the beginning of what its driver calls it, or by a slow bus in its path.

use kymo_protocol::Cost;
use kymo_protocol::Cost::{Cheap, Costly, Harmful, Moderate};

/// How to treat a chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Care {
    pub(crate) cost: Cost,
    /// How often its values can change; 0 is unknown.
    pub(crate) cadence_ms: u32,
    /// It is never read again sooner than after this.
    pub(crate) interval_ms: u32,
}

const fn row(start: &'static str, cost: Cost, cadence_ms: u32, interval_ms: u32) -> Row {
    (start, Care { cost, cadence_ms, interval_ms })
}

type Row = (&'static str, Care);

/// A row for each driver that is known; the first that fits counts.
static DRIVERS: [Row; 53] = [
    // Cached for a second; asking again interrupts the core, and wakes it.
    row("coretemp", Moderate, 1000, 1000),
    // Registers of the processor.
    row("k10temp", Cheap, 0, 100),
    row("zenpower", Cheap, 0, 100),
    row("fam15h_power", Cheap, 0, 1000),
    row("pch_", Cheap, 0, 1000),
    // Metrics of the firmware are cached for a millisecond.
    row("amdgpu", Moderate, 1, 100),
    row("radeon", Moderate, 0, 1000),
    row("nouveau", Moderate, 0, 1000),
    row("i915", Cheap, 0, 100),
    row("xe", Cheap, 0, 100),
    // Each value is a command to the controller, and nothing is cached.
    row("nvme", Costly, 1000, 30_000),
    // An ATA command: it may wake the disk, or keep it from going to sleep.
    row("drivetemp", Harmful, 0, 60_000),
    // The first reader after 1.5 s has every register of the chip read through slow ports.
    row("nct6", Costly, 1500, 1500),
    row("nct7", Costly, 1500, 1500),
    row("it8", Costly, 1500, 1500),
    row("w836", Costly, 1500, 1500),
    row("w837", Costly, 1500, 1500),
    row("f71", Costly, 1000, 2000),
    row("f8", Costly, 1000, 2000),
    row("sch5", Costly, 1000, 2000),
    // Chips on the bus that memory modules and error counting share.
    row("jc42", Costly, 1000, 5000),
    row("spd5118", Costly, 1000, 5000),
    row("lm63", Costly, 1000, 2000),
    row("tmp401", Costly, 500, 2000),
    row("adm1025", Costly, 2000, 2000),
    row("ltc4215", Costly, 100, 1000),
    // The firmware of a radio: an error while it is off, and seconds when it is busy.
    row("iwlwifi", Costly, 0, 10_000),
    row("ath1", Costly, 0, 10_000),
    row("mt7", Costly, 0, 10_000),
    // Code of the firmware, run by the kernel.
    row("acpi", Costly, 0, 5000),
    // Each read stops every CPU in system management mode.
    row("dell_smm", Harmful, 0, 10_000),
    // Calls into the firmware; polling some boards of ASUS stops their fans.
    row("dell_ddv", Harmful, 0, 10_000),
    row("asus", Harmful, 0, 10_000),
    row("hp", Harmful, 0, 10_000),
    row("acer", Harmful, 0, 10_000),
    row("msi", Harmful, 0, 10_000),
    row("steamdeck", Harmful, 0, 10_000),
    row("system76", Harmful, 0, 10_000),
    // Embedded controllers, which also serve the keyboard.
    row("thinkpad", Harmful, 0, 10_000),
    row("cros_ec", Harmful, 0, 10_000),
    row("oxp", Harmful, 0, 10_000),
    row("gpd", Harmful, 0, 10_000),
    row("surface", Harmful, 0, 10_000),
    // Waits for its controller in busy loops.
    row("applesmc", Harmful, 0, 10_000),
    // A request to the management controller.
    row("ibm", Harmful, 0, 10_000),
    // Transactions on USB, up to a second each.
    row("nzxt", Harmful, 0, 10_000),
    row("kraken", Harmful, 0, 10_000),
    row("corsair", Harmful, 0, 10_000),
    row("rog_ryujin", Harmful, 0, 10_000),
    row("octo", Harmful, 0, 10_000),
    row("quadro", Harmful, 0, 10_000),
    row("d5next", Harmful, 0, 10_000),
    row("aquaero", Harmful, 0, 10_000),
];

/// Parts of a device's path that tell of a slow bus, whatever the driver's name.
static BUSES: [Row; 3] = [
    row("/usb", Harmful, 0, 10_000),
    // Three quarters of a second for each value.
    row("/w1_bus", Harmful, 0, 30_000),
    row("/i2c-", Costly, 0, 2000),
];

/// What nobody has told of: a bus, most likely.
const UNKNOWN: Care = Care { cost: Costly, cadence_ms: 0, interval_ms: 2000 };

/// How to treat the chip of this name at this place.
pub(crate) fn care(name: &[u8], place: &[u8]) -> Care {
    let on = |bus: &str| place.windows(bus.len()).any(|part| part == bus.as_bytes());
    let bus = BUSES.iter().find(|(bus, _)| on(bus)).map(|(_, care)| *care);
    let named = DRIVERS.iter().find(|(start, _)| name.starts_with(start.as_bytes()));
    match (named.map(|(_, care)| *care), bus) {
        // A bus that harms does so whatever hangs on it.
        (Some(driver), Some(bus)) if bus.cost > driver.cost => bus,
        (Some(driver), _) => driver,
        (None, bus) => bus.unwrap_or(UNKNOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_and_buses() {
        let cost = |name: &str, place: &str| care(name.as_bytes(), place.as_bytes()).cost;
        assert_eq!(cost("coretemp", "devices/platform/coretemp.0"), Moderate);
        assert_eq!(cost("k10temp", "devices/pci0000:00/0000:00:18.3"), Cheap);
        assert_eq!(cost("nct6798", "devices/platform/nct6775.656"), Costly);
        assert_eq!(cost("asusec", ""), Harmful);
        assert_eq!(cost("k10temp", "pci0/usb1/1-4"), Harmful);
        assert_eq!(cost("newvendor", "devices/w1_bus_master1/28-1"), Harmful);
        assert_eq!(cost("tmp75", "devices/pci/i2c-1/1-0048"), Costly);
        assert_eq!(cost("newvendor", "devices/platform/new"), Costly);
        assert!(care(b"nvme", b"").interval_ms >= 30_000);
    }

    #[test]
    fn nothing_is_asked_more_often_than_it_changes_and_no_row_hides_another() {
        for (place, (start, care)) in DRIVERS.iter().enumerate() {
            assert!(care.interval_ms >= care.cadence_ms, "{start}");
            assert!(care.cost < Harmful || care.interval_ms >= 10_000, "{start}");
            let hidden = DRIVERS.iter().take(place).any(|(other, _)| start.starts_with(other));
            assert!(!hidden, "{start}");
        }
    }
}
