//! Every whole disk, from `/proc/diskstats`.
//!
//! Partitions and layers on top of disks are left out, as in the vitals. A sector is 512 bytes here
//! whatever the device. io_time is approximate since Linux 5.0.

use std::path::Path;

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, Metric, Reading};

use super::place::Class;
use super::rows::{Column, Device, Line, Rows};
use crate::linux::disks::Disks;
use crate::linux::diskstats;
use crate::linux::file::File;
use crate::linux::text::{behind, number, words};
use crate::phrase::Phrase;
use crate::source::{Freshness, SensorInfo, Source, SourceSpec};

/// More disks than that are left out, and counted.
const DISKS_MAX: usize = 128;
/// Of 512 bytes; the metric counts bytes.
const SECTOR: f64 = 1.0 / 512.0;
const MS: f64 = 1e3;

const fn column(
    place: usize,
    metric: &'static Metric,
    direction: &'static str,
    divisor: f64,
    name: &'static str,
) -> Column {
    Column { place, metric, attribute: Some(("disk.io.direction", direction)), divisor, name }
}

static COLUMNS: [Column; 10] = [
    column(0, known(51), "read", 1.0, "reads"),
    column(1, known(52), "read", 1.0, "merged reads"),
    column(2, known(50), "read", SECTOR, "read"),
    column(3, known(53), "read", MS, "read time"),
    column(4, known(51), "write", 1.0, "writes"),
    column(5, known(52), "write", 1.0, "merged writes"),
    column(6, known(50), "write", SECTOR, "written"),
    column(7, known(53), "write", MS, "write time"),
    Column { place: 8, metric: known(55), attribute: None, divisor: 1.0, name: "pending" },
    Column { place: 9, metric: known(54), attribute: None, divisor: MS, name: "io time" },
];

/// The whole disks.
#[derive(Debug)]
pub(super) struct Disk {
    rows: Rows,
    disks: Disks,
    class: Class,
}

impl Disk {
    pub(super) fn new(proc_root: &Path, sys_root: &Path) -> Self {
        let spec = SourceSpec {
            name: "disk",
            group: Group::Disk,
            interval_ns: 40_000_000,
            cadence_ms: 1,
            cost: Cost::Cheap,
            may_block: false,
            is_vital: false,
        };
        Self {
            rows: Rows::new(spec, File::of_devices(proc_root, "diskstats"), &COLUMNS, DISKS_MAX),
            disks: Disks::new(sys_root),
            class: Class::new(sys_root, "class/block"),
        }
    }
}

impl Source for Disk {
    fn spec(&self) -> SourceSpec {
        self.rows.spec
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        let (disks, class) = (&mut self.disks, &mut self.class);
        let mut describe = |name: &[u8]| Device {
            place: class.place(name),
            attribute: ("system.device", Phrase::new().with_bytes(name)),
        };
        self.rows.scan(&mut |line| split(line, disks), &mut describe, found)
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        let disks = &mut self.disks;
        self.rows.read(&mut |line| split(line, disks), readings)
    }
}

fn split<'l>(line: &'l [u8], disks: &mut Disks) -> Line<'l> {
    match device(line) {
        Some(device) if disks.is_disk(device) => Line::Device(device.name, behind(line, 3)),
        _ => Line::Other,
    }
}

fn device(line: &[u8]) -> Option<diskstats::Device<'_>> {
    let mut words = words(line);
    let (major, minor) = (number(words.next()?)?, number(words.next()?)?);
    Some(diskstats::Device { major, minor, name: words.next()? })
}
