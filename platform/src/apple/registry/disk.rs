//! Every whole disk, from the statistics of its block storage driver.
//!
//! Partitions and APFS volumes have no such driver. Disk images and disks in memory have one, and
//! are left out: the bytes of an image are counted once more by the disk that it lies on. A drive
//! without a medium is left out until it has one. Time with any operation under way, and operations
//! under way, are not counted there.

use core::ffi::CStr;

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, Metric, NoData, Reading};

use super::services::{About, Kind, Quantity, place};
use super::{Entry, Origin, Registry, Table};
use crate::apple::machine::DiskCounters;
use crate::machine::Transfer;
use crate::phrase::ShortText;
use crate::source::SourceSpec;

const CLASS: &CStr = c"IOBlockStorageDriver";
const STATISTICS: &str = "Statistics";
const BYTES_READ: &str = "Bytes (Read)";
const BYTES_WRITTEN: &str = "Bytes (Write)";
/// Services whose kind is remembered; more are asked each time.
const REMEMBERED_MAX: usize = 64;

const fn quantity(
    name: &'static str,
    metric: &'static Metric,
    direction: &'static str,
    keys: &'static [&'static str],
    value: fn(&dyn Table) -> Reading<f64>,
) -> Quantity {
    Quantity { name, metric, attribute: Some(("disk.io.direction", direction)), keys, value }
}

static QUANTITIES: [Quantity; 6] = [
    quantity("reads", known(51), "read", &["Operations (Read)"], |table| {
        count(table, "Operations (Read)")
    }),
    quantity("read", known(50), "read", &[BYTES_READ], |table| count(table, BYTES_READ)),
    quantity("read time", known(53), "read", &["Total Time (Read)"], |table| {
        seconds(table, "Total Time (Read)")
    }),
    quantity("writes", known(51), "write", &["Operations (Write)"], |table| {
        count(table, "Operations (Write)")
    }),
    quantity("written", known(50), "write", &[BYTES_WRITTEN], |table| count(table, BYTES_WRITTEN)),
    quantity("write time", known(53), "write", &["Total Time (Write)"], |table| {
        seconds(table, "Total Time (Write)")
    }),
];

/// Every whole disk.
pub static DISK: Kind = Kind {
    spec: SourceSpec {
        name: "disk",
        group: Group::Disk,
        interval_ns: 200_000_000,
        cadence_ms: 1,
        cost: Cost::Moderate,
        may_block: true,
        is_vital: false,
    },
    class: CLASS,
    table: Some(STATISTICS),
    attribute: "system.device",
    quantities: &QUANTITIES,
    about,
};

fn about(entry: &dyn Entry) -> Option<About> {
    let name = entry.text(Origin::Below, "BSD Name").ok()?;
    if !is_disk(entry) {
        return None;
    }
    let place = place(entry, "/IOBlockStorageDriver")?;
    Some(About { place, name: ShortText::new().with(&name) })
}

/// Whether the service is neither a file nor memory.
fn is_disk(entry: &dyn Entry) -> bool {
    let mut is_disk = true;
    // What says nothing of its location is a disk: drivers of before 2002 don't.
    let _ = entry.table(Origin::Above, Some("Protocol Characteristics"), &mut |table| {
        let location = table.text("Physical Interconnect Location");
        is_disk = !matches!(location.as_deref(), Ok("File" | "RAM"));
    });
    is_disk
}

fn unsigned(table: &dyn Table, key: &str) -> Reading<u64> {
    u64::try_from(table.number(key)?).map_err(|_| NoData::Fault)
}

#[allow(clippy::cast_precision_loss)] // exact up to 2⁵³
fn count(table: &dyn Table, key: &str) -> Reading<f64> {
    Ok(unsigned(table, key)? as f64)
}

fn seconds(table: &dyn Table, key: &str) -> Reading<f64> {
    Ok(count(table, key)? / 1e9)
}

/// The bytes of all whole disks together, for the vitals.
#[derive(Debug)]
pub struct WholeDisks<R> {
    registry: R,
    /// Services and whether they are disks; never grows beyond what it was made with.
    remembered: Vec<(u64, bool)>,
    /// The place that the next newcomer takes when all are taken.
    oldest: usize,
}

impl<R: Registry> WholeDisks<R> {
    /// None are looked for yet.
    #[must_use]
    pub fn new(registry: R) -> Self {
        Self { registry, remembered: Vec::with_capacity(REMEMBERED_MAX), oldest: 0 }
    }

    /// What all whole disks have moved since their drivers began. It falls when one leaves.
    ///
    /// # Errors
    ///
    /// Why one of them can't be read, or absent: a sum without it would be too small.
    pub fn transfer(&mut self) -> Reading<Transfer> {
        let Self { registry, remembered, oldest } = self;
        let mut sum = Err(NoData::Absent);
        registry.visit(CLASS, &mut |entry| {
            let id = entry.id();
            let known = remembered.iter().find(|(known, _)| *known == id);
            let is_disk = match known {
                Some((_, is_disk)) => *is_disk,
                None => {
                    let is_disk = is_disk(entry);
                    remember(remembered, oldest, (id, is_disk));
                    is_disk
                }
            };
            if is_disk {
                sum = match sum {
                    Ok(sum) => add(entry, sum),
                    Err(NoData::Absent) => add(entry, Transfer::default()),
                    Err(reason) => Err(reason),
                };
            }
        })?;
        sum
    }
}

impl<R: Registry + Send> DiskCounters for WholeDisks<R> {
    fn total(&mut self) -> Reading<Transfer> {
        self.transfer()
    }
}

fn remember(remembered: &mut Vec<(u64, bool)>, oldest: &mut usize, new: (u64, bool)) {
    if remembered.len() < REMEMBERED_MAX {
        remembered.push(new);
    } else if let Some(place) = remembered.get_mut(*oldest) {
        *place = new;
        *oldest = (*oldest + 1) % REMEMBERED_MAX;
    }
}

/// What has no statistics although it is a disk is a fault: absent would begin the sum anew.
fn add(entry: &dyn Entry, sum: Transfer) -> Reading<Transfer> {
    let mut with = Err(NoData::Fault);
    let asked = entry.table(Origin::Own, Some(STATISTICS), &mut |table| {
        let moved = |key| unsigned(table, key).map_err(|_| NoData::Fault);
        with = moved(BYTES_READ).and_then(|inward| {
            let inward = sum.inward.saturating_add(inward);
            Ok(Transfer { inward, outward: sum.outward.saturating_add(moved(BYTES_WRITTEN)?) })
        });
    });
    match asked {
        Ok(()) | Err(NoData::Absent) => with,
        Err(reason) => Err(reason),
    }
}
