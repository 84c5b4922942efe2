//! Time that tasks stood still for want of CPU, memory or disks, from `/proc/pressure`.
//!
//! Reading too often breaks what is read, for everybody: each read takes the stalls since the one
//! before, and what is shorter than a tick of the kernel is lost. So nothing here is read within
//! half a second of the last time, whoever calls; the last values are given again. Who calls each
//! half second, and is late now and then, gets new ones each time.

use std::path::Path;

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, NoData, Reading};

use crate::clock;
use crate::linux::file::File;
use crate::linux::text::{decimal, number, words};
use crate::phrase::Phrase;
use crate::source::{Freshness, Scope, SensorInfo, Source, SourceSpec};

/// The least time between two reads.
const INTERVAL_NS: u64 = 500_000_000;
/// So much later than planned the earlier of two calls may be. Without it, calls on a grid of half
/// a second would get old values for new ones about every other time.
const LATE_NS: u64 = 50_000_000;

const SPEC: SourceSpec = SourceSpec {
    name: "pressure",
    group: Group::Pressure,
    interval_ns: INTERVAL_NS,
    cadence_ms: 2000,
    cost: Cost::Moderate,
    may_block: false,
    is_vital: false,
};

const RESOURCES: [&str; 3] = ["cpu", "memory", "io"];
const KINDS: [&str; 2] = ["some", "full"];
/// As the file has them; the total is the last.
const COLUMNS: [&str; 4] = ["avg10", "avg60", "avg300", "total"];
const LINE: usize = COLUMNS.len();
const FILE: usize = LINE * KINDS.len();
const SENSORS: usize = FILE * RESOURCES.len();

/// The three files, and what they said last.
#[derive(Debug)]
pub(super) struct Pressure {
    files: [File; RESOURCES.len()],
    last: [Reading<f64>; SENSORS],
    read_ns: Option<u64>,
    now_ns: fn() -> u64,
}

impl Pressure {
    pub(super) fn new(proc_root: &Path) -> Self {
        Self::with_clock(proc_root, clock::mono_ns)
    }

    fn with_clock(proc_root: &Path, now_ns: fn() -> u64) -> Self {
        let files = RESOURCES.map(|name| File::new(&proc_root.join("pressure"), name));
        Self { files, last: [Err(NoData::Pending); SENSORS], read_ns: None, now_ns }
    }
}

impl Source for Pressure {
    fn spec(&self) -> SourceSpec {
        SPEC
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        for resource in RESOURCES {
            for kind in KINDS {
                for column in COLUMNS {
                    tell(resource, kind, column, found);
                }
            }
        }
        0
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        let now_ns = (self.now_ns)();
        let is_due = |read_ns| now_ns.saturating_sub(read_ns) >= INTERVAL_NS - LATE_NS;
        if self.read_ns.is_none_or(is_due) {
            self.read_ns = Some(now_ns);
            for (file, last) in self.files.iter_mut().zip(self.last.chunks_mut(FILE)) {
                let text = &mut [0; 512];
                match file.read_whole(text) {
                    Ok(text) => parse(text, last),
                    Err(reason) => last.fill(Err(reason)),
                }
            }
        }
        readings.iter_mut().zip(self.last).for_each(|(reading, last)| *reading = last);
        Freshness::Current
    }
}

fn tell(resource: &str, kind: &str, column: &str, found: &mut dyn FnMut(&SensorInfo<'_>)) {
    let identity = Phrase::new().with("pressure/").with(resource).with("/").with(kind);
    let label = Phrase::new().with(resource).with(" ").with(kind).with(" ").with(column);
    let window = match column {
        "avg10" => Some("10"),
        "avg60" => Some("60"),
        "avg300" => Some("300"),
        _ => None,
    };
    let attributes = [
        ("kymo.pressure.resource", resource),
        ("kymo.pressure.kind", kind),
        ("kymo.pressure.window_s", window.unwrap_or_default()),
    ];
    found(&SensorInfo {
        metric: if window.is_some() { known(161) } else { known(160) },
        label: label.as_str(),
        attributes: attributes.get(..2 + usize::from(window.is_some())).unwrap_or_default(),
        identity: identity.with("/").with(column).as_str(),
        // The total is brought up to date by each read.
        cadence_ms: if window.is_some() { SPEC.cadence_ms } else { 1 },
        scope: Scope::Host,
    });
}

/// Takes a text such as `some avg10=0.12 avg60=0.05 avg300=0.01 total=123456`, in µs. Kernels
/// before 5.13 have no line `full` for CPUs.
fn parse(text: &[u8], readings: &mut [Reading<f64>]) {
    readings.fill(Err(NoData::Absent));
    let mut known = false;
    for line in crate::linux::text::lines(text) {
        let mut words = words(line);
        let first = words.next().unwrap_or_default();
        let Some(kind) = KINDS.iter().position(|kind| kind.as_bytes() == first) else { continue };
        let readings = readings.get_mut(kind * LINE..).unwrap_or_default();
        for (column, reading) in COLUMNS.iter().zip(readings) {
            *reading = words.next().and_then(|word| value(word, column)).ok_or(NoData::Fault);
        }
        known = true;
    }
    if !known {
        readings.fill(Err(NoData::Fault));
    }
}

fn value(word: &[u8], column: &str) -> Option<f64> {
    let word = word.strip_prefix(column.as_bytes())?.strip_prefix(b"=")?;
    if column == "total" {
        return number(word).map(|microseconds| microseconds as f64 / 1e6);
    }
    let (whole, billionths) = decimal(word).filter(|(whole, _)| *whole <= 100)?;
    // Two decimals of a percentage.
    let hundredths = whole * 100 + u64::from(billionths) / 10_000_000;
    (hundredths <= 10_000).then_some(hundredths as f64 / 1e4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;

    const TEXT: &str = "some avg10=12.34 avg60=5.00 avg300=0.07 total=2500000\n\
        full avg10=0.00 avg60=0.00 avg300=100.00 total=18446744073709551615\n";

    fn read(text: &str) -> [Reading<f64>; FILE] {
        let mut readings = [Err(NoData::Pending); FILE];
        parse(text.as_bytes(), &mut readings);
        readings
    }

    #[test]
    fn real_texts() {
        let readings = read(TEXT);
        assert_eq!(readings[..4], [Ok(0.1234), Ok(0.05), Ok(0.0007), Ok(2.5)]);
        assert_eq!(readings[4..7], [Ok(0.0), Ok(0.0), Ok(1.0)]);
        // Linux 5.12 and before, for CPUs.
        let readings = read("some avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n");
        assert_eq!((readings[3], readings[4]), (Ok(1.0), Err(NoData::Absent)));
    }

    #[test]
    fn what_the_kernel_does_not_write_is_a_fault() {
        let texts = ["", "some", "some avg10=x", "some avg10=101.00", "some avg10=100.01", "\u{0}"];
        for text in texts.into_iter().chain(["all avg10=0.00"]) {
            assert!(read(text)[..4].iter().all(|value| *value == Err(NoData::Fault)), "{text:?}");
        }
        let swapped = read("some avg60=0.00 avg10=0.00 avg300=1.00 total=5");
        assert_eq!(swapped[1..4], [Err(NoData::Fault), Ok(0.01), Ok(5e-6)]);
    }

    thread_local! {
        static NOW_NS: Cell<u64> = const { Cell::new(7) };
    }

    #[test]
    fn calls_each_half_second_get_new_values_though_some_are_late() {
        NOW_NS.set(7);
        let root = write("grid", 0);
        let mut pressure = Pressure::with_clock(&root, || NOW_NS.get());
        let mut readings = [Err(NoData::Pending); SENSORS];
        for (round, late_ms) in [3, 0, 49, 0, 1, 0].into_iter().enumerate() {
            let round = u32::try_from(round).unwrap();
            NOW_NS.set(u64::from(round * 500 + late_ms) * 1_000_000);
            write("grid", round);
            let _ = pressure.read(&mut readings);
            assert_eq!(readings[3], Ok(f64::from(round) / 1e6));
        }
        std::fs::remove_dir_all(root).unwrap();
    }

    /// Files of a total, all three.
    fn write(name: &str, total: u32) -> std::path::PathBuf {
        let name = format!("kymo-pressure-{name}-{}", std::process::id());
        let root = std::env::temp_dir().join(name);
        std::fs::create_dir_all(root.join("pressure")).unwrap();
        let text = format!("some avg10=0.00 avg60=0.00 avg300=0.00 total={total}\n");
        for name in RESOURCES {
            std::fs::write(root.join("pressure").join(name), &text).unwrap();
        }
        root
    }

    #[test]
    fn however_often_it_is_called_it_reads_twice_a_second() {
        let root = write("often", 0);
        let mut pressure = Pressure::with_clock(&root, || NOW_NS.get());
        let mut totals = Vec::new();
        // At 1 kHz for two seconds, with another total each time.
        for round in 1..=2_000 {
            write("often", round);
            let mut readings = [Err(NoData::Pending); SENSORS];
            let _ = pressure.read(&mut readings);
            // A scan in between doesn't help.
            pressure.scan(&mut |_| {});
            totals.push(readings[3]);
            assert_eq!(readings[3], readings[FILE + 3]);
            NOW_NS.set(NOW_NS.get() + 1_000_000);
        }
        totals.dedup();
        assert_eq!(totals, [1, 451, 901, 1351, 1801].map(|total| Ok(f64::from(total) / 1e6)));
        std::fs::remove_dir_all(root).unwrap();
    }

    proptest! {
        #[test]
        fn any_damage_is_fine(
            at: proptest::sample::Index, size in 0..30usize, with in "[-0-9.= \n]{0,30}",
        ) {
            let mut text = TEXT.as_bytes().to_vec();
            let at = at.index(text.len());
            let end = text.len().min(at + size);
            text.splice(at..end, with.bytes());
            let mut readings = [Err(NoData::Pending); FILE];
            parse(&text, &mut readings);
            for average in [0, 1, 2, 4, 5, 6] {
                prop_assert!(readings[average].unwrap_or(0.0) <= 1.01);
            }
        }
    }
}
