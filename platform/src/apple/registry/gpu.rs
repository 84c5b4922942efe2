//! Graphics processors: use and memory, as their drivers tell of their performance.
//!
//! The numbers are the driver's last, and asking for them wakes nothing. A processor of Apple's own
//! has no memory but the machine's: what it uses of that is told, and no limit. Clocks are not
//! told.

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, Metric, NoData, Reading};

use super::services::{About, Kind, Quantity, place};
use super::{Entry, Origin, Table};
use crate::phrase::ShortText;
use crate::source::SourceSpec;

/// Apple's name for it, Intel's too, and AMD's on older systems.
const USES: [&str; 2] = ["Device Utilization %", "GPU Activity(%)"];
const SHARED_USED: &str = "In use system memory";
const OWN_USED: &str = "vramUsedBytes";
const OWN_FREE: &str = "vramFreeBytes";

const fn memory(
    name: &'static str,
    metric: &'static Metric,
    kind: &'static str,
    keys: &'static [&'static str],
    value: fn(&dyn Table) -> Reading<f64>,
) -> Quantity {
    Quantity { name, metric, attribute: Some(("hw.memory.type", kind)), keys, value }
}

static QUANTITIES: [Quantity; 4] = [
    Quantity {
        name: "utilization",
        metric: known(140),
        attribute: None,
        keys: &USES,
        value: utilization,
    },
    memory("memory used", known(141), "shared", &[SHARED_USED], |table| bytes(table, SHARED_USED)),
    memory("vram used", known(141), "vram", &[OWN_USED], |table| bytes(table, OWN_USED)),
    memory("vram size", known(142), "vram", &[OWN_FREE], |table| {
        Ok(bytes(table, OWN_USED)? + bytes(table, OWN_FREE)?)
    }),
];

/// Every graphics processor.
pub static GPU: Kind = Kind {
    spec: SourceSpec {
        name: "gpu",
        group: Group::Gpu,
        interval_ns: 1_000_000_000,
        cadence_ms: 1000,
        cost: Cost::Moderate,
        may_block: true,
        is_vital: false,
    },
    class: c"IOAccelerator",
    table: Some("PerformanceStatistics"),
    attribute: "hw.name",
    quantities: &QUANTITIES,
    about,
};

/// Apple's own have their model; others have it at the device of PCI that they drive. Where neither
/// has one, what is found is the machine's.
fn about(entry: &dyn Entry) -> Option<About> {
    let name = entry.text(Origin::Above, "model").unwrap_or_default();
    let is_none = name.is_empty() || is_machine(&name);
    let name = if is_none { "GPU" } else { name.as_str() };
    Some(About { place: place(entry, "")?, name: ShortText::new().with(name) })
}

/// Models of machines end with two numbers: MacBookPro16,1.
fn is_machine(name: &str) -> bool {
    let is_digit = |letter: char| letter.is_ascii_digit();
    name.rsplit_once(',').is_some_and(|(family, version)| {
        family.ends_with(is_digit) && !version.is_empty() && version.chars().all(is_digit)
    })
}

fn utilization(table: &dyn Table) -> Reading<f64> {
    let key = USES.iter().find(|key| table.has(key)).ok_or(NoData::Absent)?;
    match table.number(key)? {
        percent @ 0..=100 => Ok(percent as f64 / 100.0),
        _ => Err(NoData::Fault),
    }
}

#[allow(clippy::cast_precision_loss)] // exact up to 2⁵³
fn bytes(table: &dyn Table, key: &str) -> Reading<f64> {
    match table.number(key)? {
        bytes @ 0.. => Ok(bytes as f64),
        _ => Err(NoData::Fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_no_graphics_processor() {
        for (name, expected) in [
            ("MacBookPro16,1", true),
            ("Mac17,15", true),
            ("AMD Radeon Pro 5500M", false),
            ("Radeon,", false),
            ("Apple M1", false),
        ] {
            assert_eq!(is_machine(name), expected, "{name}");
        }
    }
}
