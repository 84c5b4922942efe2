//! Supplies (batteries, mains, docks), those of devices beside the machine (mice, headsets) and the
//! energy counters of processors.
//!
//! A supply is asked through its controller or the firmware, which may take a while; one of another
//! device perhaps by radio, so that it is a source of its own, which is read seldom. Energy
//! counters are root's alone since they gave secrets away; that they are denied is told. They begin
//! again after some hours, which is put right as long as somebody reads them.

use std::os::fd::BorrowedFd;

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, Metric};

use super::channel::Quantity;
use super::class::{Key, Kind};
use crate::linux::attribute::read_word;
use crate::linux::name::Name;
use crate::phrase::Phrase;
use crate::source::SourceSpec;

const SUPPLIES: SourceSpec = SourceSpec {
    name: "supply",
    group: Group::Power,
    interval_ns: 5_000_000_000,
    cadence_ms: 1000,
    cost: Cost::Costly,
    may_block: true,
    is_vital: true,
};
const PERIPHERALS: SourceSpec = SourceSpec {
    name: "peripheral",
    interval_ns: 60_000_000_000,
    cadence_ms: 60_000,
    is_vital: false,
    ..SUPPLIES
};
const ENERGY: SourceSpec = SourceSpec {
    name: "energy",
    // Below 5 ms the steps of the counter are most of it.
    interval_ns: 100_000_000,
    cadence_ms: 1,
    cost: Cost::Moderate,
    may_block: false,
    is_vital: false,
    ..SUPPLIES
};

const MICRO: f64 = 1e6;
/// µWh are 3,600 µJ, and µAh as many µC.
const MICRO_HOURS: f64 = 1e6 / 3600.0;

const fn state(
    start: &'static str,
    metric: &'static Metric,
    divisor: f64,
    state: &'static str,
) -> Quantity {
    let attribute = Some(("hw.battery.state", state));
    Quantity { attribute, ..Quantity::plain(start, metric, divisor) }
}

static SUPPLY_QUANTITIES: [Quantity; 15] = [
    Quantity::plain("online", known(130), 1.0),
    Quantity { range: (0, 100), ..Quantity::plain("capacity", known(125), 100.0) },
    Quantity::plain("voltage_now", known(122), MICRO),
    // Some drivers write what flows out below 0.
    Quantity { range: SIGNED, ..Quantity::plain("current_now", known(123), MICRO) },
    Quantity { range: SIGNED, ..Quantity::plain("power_now", known(121), MICRO) },
    Quantity { range: (-400, 1500), ..Quantity::plain("temp", known(124), 10.0) },
    state("energy_now", known(127), MICRO_HOURS, "now"),
    state("energy_full", known(127), MICRO_HOURS, "full"),
    state("energy_full_design", known(127), MICRO_HOURS, "design"),
    state("charge_now", known(128), MICRO_HOURS, "now"),
    state("charge_full", known(128), MICRO_HOURS, "full"),
    state("charge_full_design", known(128), MICRO_HOURS, "design"),
    state("time_to_empty_now", known(126), 1.0, "discharging"),
    state("time_to_full_now", known(126), 1.0, "charging"),
    Quantity::plain("cycle_count", known(129), 1.0),
];
/// In µA and µW; what lies outside says that nothing is known.
const SIGNED: (i64, i64) = (-1_000_000_000, 1_000_000_000);

static ENERGY_QUANTITIES: [Quantity; 1] = [Quantity {
    wraps_at: Some("max_energy_range_uj"),
    ..Quantity::plain("energy_uj", known(120), MICRO)
}];

/// Every power supply of the machine.
pub(super) static SUPPLY: Kind = Kind {
    spec: SUPPLIES,
    folder: "class/power_supply",
    below: "",
    quantities: &SUPPLY_QUANTITIES,
    key: supply,
};

/// Every one of a device beside it.
pub(super) static PERIPHERAL: Kind = Kind { spec: PERIPHERALS, key: peripheral, ..SUPPLY };

/// Every domain of a processor that counts its energy.
pub(super) static RAPL: Kind = Kind {
    spec: ENERGY,
    folder: "class/powercap",
    below: "",
    quantities: &ENERGY_QUANTITIES,
    key: domain,
};

fn supply(class: BorrowedFd<'_>, entry: &[u8]) -> Option<Key> {
    (!is_peripheral(class, entry)).then(|| named(entry))
}

fn peripheral(class: BorrowedFd<'_>, entry: &[u8]) -> Option<Key> {
    is_peripheral(class, entry).then(|| named(entry))
}

/// Drivers name supplies after their sockets: BAT0, AC, ucsi-source-psy-USBC000:001.
fn named(entry: &[u8]) -> Key {
    let name = Phrase::new().with_bytes(entry);
    Key { place: name.clone(), name }
}

/// `scope` is what a driver knows from the start; most of those of the machine have none.
fn is_peripheral(class: BorrowedFd<'_>, entry: &[u8]) -> bool {
    let mut file = Name::new();
    file.extend(entry);
    file.extend(b"/scope");
    read_word(class, &file).is_ok_and(|scope| scope == b"Device")
}

/// `intel-rapl:0:1` is domain 1 of package 0; AMD's have the same name. The folder without numbers
/// is the driver itself, and the counters of MMIO are those of the package over again.
fn domain(class: BorrowedFd<'_>, entry: &[u8]) -> Option<Key> {
    if !entry.contains(&b':') || entry.starts_with(b"intel-rapl-mmio") {
        return None;
    }
    let mut file = Name::new();
    file.extend(entry);
    file.extend(b"/name");
    let entry = Phrase::new().with_bytes(entry);
    let name = match read_word(class, &file) {
        Ok(name) => Phrase::new().with_bytes(&name),
        Err(_) => entry.clone(),
    };
    Some(Key { place: entry, name })
}
