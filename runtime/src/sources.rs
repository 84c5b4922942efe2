//! Sources of sensors: scanned when somebody first wants their group, read at their own pace, and
//! not at all while nobody does.
//!
//! Guarantees: no source is read sooner after its last read than its interval; one tick reads each
//! source once at most; what reading costs is counted, and where it is more than the budget, the
//! dearest sources are read less often. Nothing allocates after [`Sources::new`].

use kymo_platform::clock::{self, Now};
use kymo_platform::{Freshness, Source, SourceSpec};
use kymo_protocol::Groups;

use crate::lane::{Layout, Shelf};
use crate::limits::{LOOK_NS, SOURCES_MAX};
use crate::sampler::Cost;
use crate::samples::Samples;
use crate::stretch::Stretch;

/// The sources; see the module.
#[derive(Debug)]
pub struct Sources {
    units: Vec<Unit>,
    shelf: Shelf,
    stretch: Stretch,
    /// The monotonic clock.
    clock: fn() -> u64,
}

/// A source, and when it is due.
#[derive(Debug)]
struct Unit {
    source: Box<dyn Source>,
    spec: SourceSpec,
    layout: Layout,
    is_scanned: bool,
    due_ns: u64,
    look_ns: u64,
    cost: Cost,
}

/// What is known of a source besides its sensors.
#[derive(Clone, Copy, Debug)]
pub struct SourceReport {
    /// What it is.
    pub spec: SourceSpec,
    /// Sensors it yields.
    pub sensors: usize,
    /// What it has cost.
    pub cost: Cost,
    /// How many times longer than its interval it waits between two reads, to stay within the
    /// budget.
    pub stretch: f32,
}

impl Sources {
    /// Takes over sources, none of which has been scanned; at most [`SOURCES_MAX`] of them. All of
    /// them together take at most `max_cpu` of one CPU: 0.01 is 1 %.
    #[must_use]
    pub fn new(sources: Vec<Box<dyn Source>>, max_cpu: f32) -> Self {
        let units = sources.into_iter().take(SOURCES_MAX).map(Unit::new).collect();
        Self { units, shelf: Shelf::new(), stretch: Stretch::new(max_cpu), clock: clock::mono_ns }
    }

    /// Reads what is due at the tick planned for `tick_ns` on the monotonic clock, of the groups
    /// that are `wanted`, and hands it to `samples`.
    pub fn handle_tick(&mut self, tick_ns: u64, now: Now, wanted: Groups, samples: &mut Samples) {
        let read = self.units.iter().filter(|unit| wanted.contains(unit.spec.group));
        self.stretch.handle_tick(tick_ns, read.map(|unit| unit.load()));
        for index in 0..self.units.len() {
            let unit = &mut self.units[index];
            if !wanted.contains(unit.spec.group) || unit.spec.may_block {
                continue;
            }
            let is_due = unit.due_ns <= tick_ns;
            if !is_due && unit.look_ns > tick_ns {
                continue;
            }
            let began_ns = (self.clock)();
            if is_due {
                let wait_ns = self.stretch.apply(unit.spec.interval_ns, unit.load());
                unit.due_ns = tick_ns + wait_ns;
                unit.read(index, &mut self.shelf, now, samples);
            }
            if unit.look_ns <= tick_ns {
                unit.look_ns = tick_ns + LOOK_NS;
                if unit.source.look() == Freshness::Stale {
                    unit.is_scanned = false;
                }
            }
            let took_ns = (self.clock)().saturating_sub(began_ns);
            unit.cost.reads += u64::from(is_due);
            unit.cost.total_ns += took_ns;
            unit.cost.max_ns = unit.cost.max_ns.max(took_ns);
        }
    }

    /// What is known of each source that yields a sensor, or has been read.
    pub fn reports(&self) -> impl Iterator<Item = SourceReport> {
        let known = self.units.iter().filter(|unit| !unit.layout.is_empty());
        known.map(|unit| SourceReport {
            spec: unit.spec,
            sensors: unit.layout.len(),
            cost: unit.cost,
            stretch: self.stretch.factor(unit.load()),
        })
    }
}

impl Unit {
    fn new(source: Box<dyn Source>) -> Self {
        Self {
            spec: source.spec(),
            source,
            layout: Layout::default(),
            is_scanned: false,
            due_ns: 0,
            look_ns: 0,
            cost: Cost::default(),
        }
    }

    /// Reads, after a scan where that is due. Where a read says that hardware came or went, scans
    /// and reads once more: the next time is a whole interval away.
    fn read(&mut self, index: usize, shelf: &mut Shelf, now: Now, samples: &mut Samples) {
        for _ in 0..2 {
            if !self.is_scanned {
                self.layout = shelf.scan(&mut *self.source);
                self.spec = shelf.spec();
                samples.take_scan(index, &self.spec, shelf.entries(), shelf.omitted());
                self.is_scanned = true;
            }
            shelf.read(&mut *self.source, &self.layout);
            samples.take_read(index, self.spec.group, shelf.readings(), now.boot_ns);
            self.is_scanned = shelf.freshness() == Freshness::Current;
            if self.is_scanned {
                break;
            }
        }
    }

    /// The share of a CPU that it takes when it is read as often as it may.
    #[allow(clippy::cast_precision_loss)] // a share
    fn load(&self) -> f32 {
        let mean_ns = self.cost.total_ns as f32 / self.cost.reads.max(1) as f32;
        mean_ns / self.spec.interval_ns.max(1) as f32
    }
}

#[cfg(test)]
#[path = "../tests/common/sensors.rs"]
mod sensors;

#[cfg(test)]
mod tests {
    use super::sensors::Double;
    use super::*;
    use kymo_protocol::{Group, State};
    use std::cell::Cell;

    const MS: u64 = 1_000_000;

    thread_local! {
        /// What time it is, and how long each look at the clock takes.
        static CLOCK: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
    }

    fn clock() -> u64 {
        let (now_ns, step_ns) = CLOCK.get();
        CLOCK.set((now_ns + step_ns, step_ns));
        now_ns
    }

    struct Bench {
        sources: Sources,
        samples: Samples,
        tick_ns: u64,
    }

    impl Bench {
        fn new(doubles: &[&Double], max_cpu: f32) -> Self {
            let units = doubles.iter().map(|double| double.source()).collect();
            let sources = Sources { clock, ..Sources::new(units, max_cpu) };
            CLOCK.set((0, 0));
            Self { sources, samples: Samples::new(SOURCES_MAX), tick_ns: 1_000_000 * MS }
        }

        /// Ticks of 1 kHz for so long.
        fn pass(&mut self, ms: u64, wanted: Groups) {
            for _ in 0..ms {
                let (tick_ns, wall_ns) = (self.tick_ns, 0);
                let now = Now { mono_ns: tick_ns, boot_ns: tick_ns, wall_ns };
                self.sources.handle_tick(tick_ns, now, wanted, &mut self.samples);
                self.tick_ns += MS;
            }
        }

        fn values(&self) -> Vec<Option<f64>> {
            self.samples.sampled(self.tick_ns).map(|(_, sample)| sample.reading()).collect()
        }
    }

    fn group(group: Group) -> Groups {
        Groups(1 << (group as u16 - 1))
    }

    #[test]
    fn nothing_is_read_that_nobody_wants_and_nothing_sooner_than_it_may() {
        let cpu = Double::with(Group::Cpu, 40 * MS, 2);
        let pressure = Double::with(Group::Pressure, 500 * MS, 3);
        let disk = Double::with(Group::Disk, MS, 3);
        let mut bench = Bench::new(&[&cpu, &pressure, &disk], 1.0);
        bench.pass(1000, Groups(0));
        for double in [&cpu, &pressure, &disk] {
            assert_eq!(double.counts(), [0, 0, 0]);
        }
        bench.pass(20_000, Groups(group(Group::Cpu).0 | group(Group::Pressure).0));
        // A look at the first tick, and one after ten seconds.
        assert_eq!([cpu.counts(), pressure.counts()], [[1, 500, 2], [1, 40, 2]]);
        assert_eq!(disk.counts(), [0, 0, 0]);
        // Who comes and goes does not make it be read sooner.
        for _ in 0..50 {
            bench.pass(7, group(Group::Pressure));
            bench.pass(3, Groups(0));
        }
        assert_eq!(pressure.counts()[..2], [1, 41]);
        assert_eq!(cpu.counts()[1], 500);
    }

    #[test]
    fn hardware_that_comes_is_scanned_and_read_in_the_same_tick() {
        let double = Double::with(Group::Hwmon, 100 * MS, 1);
        let mut bench = Bench::new(&[&double], 1.0);
        bench.pass(100, Groups::ALL);
        double.script().fill(1, 3);
        double.script().stale_reads = 1;
        bench.pass(1, Groups::ALL);
        assert_eq!(double.counts()[..2], [2, 3]);
        assert_eq!(bench.values(), [Some(1.0), Some(2.0), Some(3.0)]);
        // One that is never content gets no more than two of both in a tick.
        double.script().stale_reads = 1000;
        bench.pass(100, Groups::ALL);
        assert_eq!(double.counts()[..2], [3, 5]);
        let states: Vec<_> = bench.samples.sampled(0).map(|(_, sample)| sample.state()).collect();
        assert_eq!(states, [State::Absent; 3]);
    }

    #[test]
    fn a_look_that_finds_something_brings_a_scan_with_the_next_read() {
        let double = Double::with(Group::Hwmon, 3000 * MS, 1);
        let mut bench = Bench::new(&[&double], 1.0);
        bench.pass(9_999, Groups::ALL);
        assert_eq!(double.counts()[1..], [4, 1]);
        double.script().fill(7, 2);
        double.script().stale_look = true;
        bench.pass(2, Groups::ALL);
        assert_eq!(double.counts(), [1, 4, 2]);
        bench.pass(2000, Groups::ALL);
        assert_eq!(double.counts()[..2], [2, 5]);
        assert_eq!(bench.values(), [Some(7.0), Some(8.0)]);
    }

    #[test]
    fn what_is_dear_is_read_less_often_and_what_is_not_read_costs_nothing() {
        let dear = Double::with(Group::Hwmon, 10 * MS, 1);
        let other = Double::with(Group::Disk, 10 * MS, 1);
        let mut bench = Bench::new(&[&dear, &other], 0.01);
        // Each read takes a millisecond: a tenth of a CPU.
        CLOCK.set((0, MS));
        bench.pass(3000, group(Group::Hwmon));
        let before = dear.script().reads;
        bench.pass(20_000, group(Group::Hwmon));
        let reads = dear.script().reads - before;
        assert!((190..=205).contains(&reads), "{reads} reads of 1 ms in 20 s");
        let stretch = bench.sources.reports().next().unwrap().stretch;
        assert!((9.9..10.2).contains(&stretch), "{stretch}");
        // Nobody reads the dear one any more.
        CLOCK.set((0, MS / 20));
        bench.pass(3000, group(Group::Disk));
        let before = other.script().reads;
        bench.pass(10_000, group(Group::Disk));
        assert_eq!(other.script().reads - before, 1000);
        assert_eq!(bench.sources.reports().count(), 2);
    }
}
