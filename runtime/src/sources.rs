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
