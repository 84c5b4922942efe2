//! Each CPU: time by mode and use from `/proc/stat`, and what the scheduler counts.
//!
//! The kernel counts in ticks of 10 ms, so a share over less than [`WINDOW_TICKS`] would be noise:
//! until so much time has passed, the last share stands. idle and iowait may be corrected
//! downwards, and a CPU that was off line comes back with its old counts.

use std::path::Path;

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, NoData, Reading};

use super::rows::{COMPUTED, Column, Device, Line, Rows};
use crate::linux::file::File;
use crate::linux::name::index_in;
use crate::phrase::Phrase;
use crate::source::{Freshness, SensorInfo, Source, SourceSpec};

/// More CPUs than that are left out, and counted.
pub(super) const CPUS_MAX: usize = 256;
/// By the kernel's promise to programs, whatever its own.
const TICKS_PER_S: f64 = 100.0;
/// No share is of less time than 200 ms.
const WINDOW_TICKS: f64 = 20.0;
/// The kernel corrects idle time by less than this; a greater fall is another count.
const CORRECTION_TICKS: f64 = 100.0;

const STAT: SourceSpec = SourceSpec {
    name: "cpu",
    group: Group::Cpu,
    interval_ns: 40_000_000,
    cadence_ms: 10,
    cost: Cost::Cheap,
    may_block: false,
    is_vital: false,
};
const SCHEDULER: SourceSpec = SourceSpec { name: "schedstat", cadence_ms: 1, ..STAT };

const fn mode(place: usize, name: &'static str) -> Column {
    let attribute = Some(("cpu.mode", name));
    Column { place, metric: known(1), attribute, divisor: TICKS_PER_S, name }
}

const MODES: usize = 8;
static STAT_COLUMNS: [Column; MODES + 1] = [
    mode(0, "user"),
    mode(1, "nice"),
    mode(2, "system"),
    mode(3, "idle"),
    mode(4, "iowait"),
    mode(5, "interrupt"),
    mode(6, "softirq"),
    mode(7, "steal"),
    Column {
        place: COMPUTED,
        metric: known(2),
        attribute: None,
        divisor: 1.0,
        name: "utilization",
    },
];
static SCHEDULER_COLUMNS: [Column; 2] = [
    Column { place: 6, metric: known(4), attribute: None, divisor: 1e9, name: "run" },
    Column { place: 7, metric: known(5), attribute: None, divisor: 1e9, name: "wait" },
];

/// Time and use of each CPU.
#[derive(Debug)]
pub(super) struct Cpu {
    rows: Rows,
    /// Never grows beyond what it was made with.
    uses: Vec<Use>,
}

impl Cpu {
    pub(super) fn new(proc_root: &Path) -> Self {
        let rows = Rows::new(STAT, File::new(proc_root, "stat"), &STAT_COLUMNS, CPUS_MAX);
        Self { rows, uses: Vec::with_capacity(CPUS_MAX) }
    }
}

impl Source for Cpu {
    fn spec(&self) -> SourceSpec {
        self.rows.spec
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        let omitted = self.rows.scan(&mut split_stat, &mut describe, found);
        self.uses.clear();
        // Their number never exceeds the capacity, so nothing is allocated.
        self.uses.resize(self.rows.len().min(CPUS_MAX), Use::default());
        omitted
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        let freshness = self.rows.read(&mut split_stat, readings);
        for (cpu, used) in readings.chunks_exact_mut(STAT_COLUMNS.len()).zip(&mut self.uses) {
            if let [times @ .., share] = cpu {
                *share = used.share(times);
            }
        }
        freshness
    }
}

/// Run and wait time of each CPU, where the kernel was built to count them.
#[derive(Debug)]
pub(super) struct Scheduler(Rows);

impl Scheduler {
    pub(super) fn new(proc_root: &Path) -> Self {
        let file = File::new(proc_root, "schedstat");
        Self(Rows::new(SCHEDULER, file, &SCHEDULER_COLUMNS, CPUS_MAX))
    }
}

impl Source for Scheduler {
    fn spec(&self) -> SourceSpec {
        self.0.spec
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        self.0.scan(&mut split_scheduler, &mut describe, found)
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        self.0.read(&mut split_scheduler, readings)
    }
}

/// The CPUs stand at the beginning; the line of interrupts, which follows, may be very long.
fn split_stat(line: &[u8]) -> Line<'_> {
    match split_scheduler(line) {
        Line::Other if !line.starts_with(b"cpu") => Line::End,
        other => other,
    }
}

/// Between the CPUs stand their domains.
fn split_scheduler(line: &[u8]) -> Line<'_> {
    let end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    match line.split_at_checked(end) {
        Some((name, rest)) if index_in(name, "cpu", "").is_some() => Line::Device(name, rest),
        _ => Line::Other,
    }
}

fn describe(name: &[u8]) -> Device {
    let number = Phrase::new().with_bytes(name.strip_prefix(b"cpu").unwrap_or_default());
    Device { place: Phrase::new().with_bytes(name), attribute: ("cpu.logical_number", number) }
}

/// The busy share of a CPU between two readings.
#[derive(Clone, Copy, Debug)]
struct Use {
    /// Ticks busy and in all, from where the next share counts.
    from: Option<(f64, f64)>,
    last: Reading<f64>,
}

impl Default for Use {
    fn default() -> Self {
        Self { from: None, last: Err(NoData::Pending) }
    }
}

impl Use {
    fn share(&mut self, times: &[Reading<f64>]) -> Reading<f64> {
        let (mut busy, mut total) = (0.0, 0.0);
        for (column, time) in times.iter().enumerate() {
            match time {
                Ok(time) => {
                    let ticks = (time * TICKS_PER_S).round();
                    total += ticks;
                    // Neither idle nor iowait.
                    busy += if matches!(column, 3 | 4) { 0.0 } else { ticks };
                }
                // Old kernels have four columns.
                Err(NoData::Absent) if column > 3 => {}
                Err(reason) => {
                    *self = Self::default();
                    return Err(*reason);
                }
            }
        }
        match self.from {
            Some((busy_before, before)) if total > before - CORRECTION_TICKS => {
                if total - before >= WINDOW_TICKS {
                    self.last = Ok(((busy - busy_before) / (total - before)).clamp(0.0, 1.0));
                    self.from = Some((busy, total));
                }
            }
            _ => {
                self.last = Err(NoData::Pending);
                self.from = Some((busy, total));
            }
        }
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_cpus() {
        let numbers: &[u8] = b" 1 2";
        assert_eq!(split_stat(b"cpu  1 2"), Line::Other);
        assert_eq!(split_stat(b"cpu10 1 2"), Line::Device(b"cpu10", numbers));
        for end in [&b"intr 1 2"[..], b"", b" cpu0 1", b"\xff"] {
            assert_eq!(split_stat(end), Line::End);
        }
        assert_eq!(split_scheduler(b"domain0 00000003 1"), Line::Other);
        assert_eq!(split_scheduler(b"cpu1 1 2"), Line::Device(b"cpu1", numbers));
    }

    #[test]
    fn a_share_needs_two_hundred_milliseconds_and_survives_corrections() {
        let mut used = Use::default();
        let mut share = |busy: f64, idle: f64| {
            let mut times = [Ok(0.0); MODES];
            (times[0], times[3]) = (Ok(busy), Ok(idle));
            used.share(&times)
        };
        assert_eq!(share(10.0, 100.0), Err(NoData::Pending));
        assert_eq!(share(10.05, 100.1), Err(NoData::Pending));
        assert_eq!(share(10.25, 100.75), Ok(0.25));
        // Too soon for another, and a correction of idle time.
        assert_eq!(share(10.35, 100.75), Ok(0.25));
        assert_eq!(share(10.35, 100.4), Ok(0.25));
        // Idle time that falls while work goes on never makes more than everything.
        assert_eq!(share(12.25, 99.75), Ok(1.0));
        // Another machine's counts, or those after a boot.
        assert_eq!(share(1.0, 1.0), Err(NoData::Pending));
        assert_eq!(share(1.5, 1.5), Ok(0.5));
        let mut times = [Ok(1.0); MODES];
        times[1] = Err(NoData::Fault);
        assert_eq!(used.share(&times), Err(NoData::Fault));
    }
}
