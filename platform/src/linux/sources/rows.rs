//! A file with a line for each device, and a number in each column: CPUs, disks, interfaces.
//!
//! Devices are remembered by name, in the order of the file. A reading that meets a name it does
//! not know, or misses one, says so; lines may change places meanwhile.

use kymo_protocol::{Metric, NoData, Reading};

use crate::linux::file::File;
use crate::linux::text::{number, words};
use crate::phrase::Phrase;
use crate::source::{Freshness, Scope, SensorInfo, SourceSpec};

/// Holds the longest line of such a file, with room.
const TEXT_SIZE: usize = 4096;
/// The kernel's longest name of a disk, without its NUL; interfaces have 15 bytes.
const NAME_SIZE_MAX: usize = 31;

type DeviceName = heapless::Vec<u8, NAME_SIZE_MAX>;

/// A column that no word of a line has: the source computes it.
pub(super) const COMPUTED: usize = usize::MAX;

/// A column that is a sensor of each device.
#[derive(Debug)]
pub(super) struct Column {
    /// Which word behind the device's name, from 0; ascending.
    pub(super) place: usize,
    pub(super) metric: &'static Metric,
    /// What tells it from other columns of that metric, if there are.
    pub(super) attribute: Option<(&'static str, &'static str)>,
    /// The file's number is so many times the metric's unit.
    pub(super) divisor: f64,
    /// End of its identity, and of its label.
    pub(super) name: &'static str,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'l> {
    /// A device's name, and what stands behind it.
    Device(&'l [u8], &'l [u8]),
    /// Nothing of ours.
    Other,
    /// Nothing of ours follows.
    End,
}

/// How a line is taken apart.
pub(super) type Split<'s> = &'s mut dyn for<'l> FnMut(&'l [u8]) -> Line<'l>;

/// A device, as its sensors are told.
#[derive(Debug)]
pub(super) struct Device {
    /// Where it is, the same after every boot.
    pub(super) place: Phrase,
    /// OpenTelemetry's attribute that names it, and the name.
    pub(super) attribute: (&'static str, Phrase),
}

/// A file and the devices found in it.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) spec: SourceSpec,
    pub(super) file: File,
    columns: &'static [Column],
    /// Never grows beyond what it was made with.
    names: Vec<DeviceName>,
    places: Vec<u64>,
    devices_max: usize,
}

impl Rows {
    pub(super) fn new(
        spec: SourceSpec,
        file: File,
        columns: &'static [Column],
        devices_max: usize,
    ) -> Self {
        let (names, places) = (Vec::with_capacity(devices_max), Vec::with_capacity(devices_max));
        Self { spec, file, columns, names, places, devices_max }
    }

    /// Tells every column of every device; returns the number of sensors left out.
    pub(super) fn scan(
        &mut self,
        split: Split<'_>,
        describe: &mut dyn FnMut(&[u8]) -> Device,
        found: &mut dyn FnMut(&SensorInfo<'_>),
    ) -> u32 {
        let Self { spec, file, columns, names, places, devices_max } = self;
        names.clear();
        places.clear();
        let mut omitted = 0;
        let mut text = [0; TEXT_SIZE];
        // What can't be read has no devices; a later reading will find them.
        let _ = file.read_lines_while(&mut text, &mut |line| {
            let name = match split(line) {
                Line::End => return false,
                Line::Other => return true,
                Line::Device(name, _) => name,
            };
            let short = DeviceName::from_slice(name);
            let (Ok(short), true) = (short, names.len() < *devices_max) else {
                omitted += u32::try_from(columns.len()).unwrap_or(0);
                return true;
            };
            if names.contains(&short) {
                return true;
            }
            let mut device = describe(name);
            // Two devices at one place, such as ports of one card, are told apart by name.
            if places.contains(&hash_of(&device.place)) {
                device.place = device.place.with("/").with_bytes(name);
            }
            // And by a number, if what their names differ in can't be shown.
            if places.contains(&hash_of(&device.place)) {
                device.place = device.place.with("#").with_number(hash(name));
            }
            places.push(hash_of(&device.place));
            names.push(short);
            tell(spec, columns, name, &device, found);
            true
        });
        omitted
    }

    /// Reads every column of every device.
    pub(super) fn read(&mut self, split: Split<'_>, readings: &mut [Reading<f64>]) -> Freshness {
        let Self { file, columns, names, devices_max, .. } = self;
        readings.fill(Err(NoData::Absent));
        let (mut next, mut seen, mut unknown) = (0, 0, false);
        let mut text = [0; TEXT_SIZE];
        let result = file.read_lines_while(&mut text, &mut |line| {
            let (name, rest) = match split(line) {
                Line::End => return false,
                Line::Other => return true,
                Line::Device(name, rest) => (name, rest),
            };
            let is_next = names.get(next).is_some_and(|known| known == name);
            let place = if is_next { Some(next) } else { position(names, name) };
            let Some(place) = place else {
                unknown |= names.len() < *devices_max && name.len() <= NAME_SIZE_MAX;
                return true;
            };
            next = place + 1;
            seen += 1;
            let first = place.saturating_mul(columns.len()).min(readings.len());
            fill(columns, rest, readings.get_mut(first..).unwrap_or_default());
            true
        });
        match result {
            Ok(()) => Freshness::stale_if(unknown || seen < names.len()),
            Err(reason) => {
                readings.fill(Err(reason));
                Freshness::Current
            }
        }
    }

    /// Devices found.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }
}

fn position(names: &[DeviceName], name: &[u8]) -> Option<usize> {
    names.iter().position(|known| known == name)
}

/// FNV-1a, which is short: an accident costs a longer identity and nothing else.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn hash_of(place: &Phrase) -> u64 {
    hash(place.as_str().as_bytes())
}

fn tell(
    spec: &SourceSpec,
    columns: &[Column],
    name: &[u8],
    device: &Device,
    found: &mut dyn FnMut(&SensorInfo<'_>),
) {
    let (key, value) = (device.attribute.0, device.attribute.1.as_str());
    for column in columns {
        let label = Phrase::new().with_bytes(name).with(" ").with(column.name);
        let identity = Phrase::new().with(spec.name).with("/").with(device.place.as_str());
        let identity = identity.with("/").with_name(column.name);
        let attributes = [(key, value), column.attribute.unwrap_or_default()];
        let count = 1 + usize::from(column.attribute.is_some());
        found(&SensorInfo {
            metric: column.metric,
            label: label.as_str(),
            attributes: attributes.get(..count).unwrap_or_default(),
            identity: identity.as_str(),
            cadence_ms: spec.cadence_ms,
            scope: Scope::Host,
        });
    }
}

/// A word that is no number is a fault of its column alone; a missing one is absent.
fn fill(columns: &[Column], line: &[u8], readings: &mut [Reading<f64>]) {
    let mut words = words(line).enumerate();
    for (column, reading) in columns.iter().zip(readings) {
        *reading = match words.find(|(place, _)| *place == column.place) {
            Some((_, word)) => scaled(number(word), column.divisor),
            None => Err(NoData::Absent),
        };
    }
}

/// A number of the kernel in another unit. Exact up to 2⁵³ when the divisor is a power of two.
pub(super) fn scaled(number: Option<u64>, divisor: f64) -> Reading<f64> {
    number.map(|number| number as f64 / divisor).ok_or(NoData::Fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_protocol::metric::known;

    #[test]
    fn columns_are_taken_by_their_place() {
        let column = |place, divisor| Column {
            place,
            metric: known(1),
            attribute: None,
            divisor,
            name: "x",
        };
        let columns = [column(1, 100.0), column(2, 1.0), column(4, 1.0), column(COMPUTED, 1.0)];
        let mut readings = [Err(NoData::Pending); 5];
        fill(&columns, b"7 57 x 9", &mut readings);
        assert_eq!(readings[..2], [Ok(0.57), Err(NoData::Fault)]);
        assert_eq!(readings[2..4], [Err(NoData::Absent); 2]);
        assert_eq!(readings[4], Err(NoData::Pending));
        fill(&columns, b"7 18446744073709551616 0 0 8", &mut readings[..3]);
        assert_eq!(readings[..3], [Err(NoData::Fault), Ok(0.0), Ok(8.0)]);
    }
}
