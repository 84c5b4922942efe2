//! Sources of sensors: scanned when somebody first wants their group, read at their own pace, and
//! not at all while nobody does.
//!
//! Guarantees: no source is read sooner after its last read than its interval; one tick reads each
//! source once at most; what reading costs is counted, and where it is more than the budget, the
//! dearest sources are read less often. Nothing allocates after [`Sources::new`].

use std::io;

use kymo_platform::clock::{self, Now};
use kymo_platform::{Freshness, Source, SourceSpec};
use kymo_protocol::Groups;

use crate::lane::{Job, Lane, Layout, Shelf};
use crate::limits::{LOOK_NS, SOURCES_MAX};
use crate::sampler::Cost;
use crate::samples::Samples;
use crate::stretch::Stretch;

/// The sources; see the module.
#[derive(Debug)]
pub struct Sources {
    units: Vec<Unit>,
    /// Those that may block.
    lane: Lane,
    /// Which of the units each of the lane's sources is.
    lane_units: Vec<usize>,
    shelf: Shelf,
    stretch: Stretch,
    /// The monotonic clock.
    clock: fn() -> u64,
}

/// A source, and when it is due.
#[derive(Debug)]
struct Unit {
    place: Place,
    spec: SourceSpec,
    /// Of one that is read here.
    layout: Layout,
    sensors: usize,
    is_scanned: bool,
    is_held: bool,
    due_ns: u64,
    look_ns: u64,
    cost: Cost,
}

/// Where a source is read.
#[derive(Debug)]
enum Place {
    /// In the loop.
    Here(Box<dyn Source>),
    /// In the lane, where it has this number.
    Lane(usize),
}

/// What is known of a source besides its sensors.
#[derive(Clone, Copy, Debug)]
pub struct SourceReport {
    /// What it is.
    pub spec: SourceSpec,
    /// Sensors it yields.
    pub sensors: usize,
    /// Whether it does not answer, so that its sensors are those of before.
    pub is_held: bool,
    /// What it has cost.
    pub cost: Cost,
    /// How many times longer than its interval it waits between two reads, to stay within the
    /// budget.
    pub stretch: f32,
}

impl Sources {
    /// Takes over sources, none of which has been scanned; at most [`SOURCES_MAX`] of them. All of
    /// them together take at most `max_cpu` of one CPU: 0.01 is 1 %. Those that may block are read
    /// by threads of their own, which call `wake` when the loop is to call
    /// [`handle_done`](Self::handle_done); without such a source there are none.
    ///
    /// # Errors
    ///
    /// When there is no room for a thread.
    pub fn new(
        sources: Vec<Box<dyn Source>>,
        max_cpu: f32,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let (mut units, mut lane_units, mut slow) = (Vec::new(), Vec::new(), Vec::new());
        for source in sources.into_iter().take(SOURCES_MAX) {
            let spec = source.spec();
            let place = if spec.may_block {
                lane_units.push(units.len());
                slow.push(source);
                Place::Lane(slow.len() - 1)
            } else {
                Place::Here(source)
            };
            units.push(Unit::new(place, spec));
        }
        Ok(Self {
            units,
            lane: Lane::new(slow, wake)?,
            lane_units,
            shelf: Shelf::new(),
            stretch: Stretch::new(max_cpu),
            clock: clock::mono_ns,
        })
    }

    /// Reads what is due at the tick planned for `tick_ns` on the monotonic clock, of the groups
    /// that are `wanted`, and hands it to `samples`. What may block is asked for, and handed over
    /// by [`handle_done`](Self::handle_done).
    pub fn handle_tick(&mut self, tick_ns: u64, now: Now, wanted: Groups, samples: &mut Samples) {
        if wanted == Groups(0) {
            return;
        }
        let read = self.units.iter().filter(|unit| wanted.contains(unit.spec.group));
        self.stretch.handle_tick(tick_ns, read.map(Unit::load));
        for (index, unit) in self.units.iter_mut().enumerate() {
            let is_due = unit.due_ns <= tick_ns;
            if !wanted.contains(unit.spec.group) || !is_due && unit.look_ns > tick_ns {
                continue;
            }
            let wait_ns = self.stretch.apply(unit.spec.interval_ns, unit.load());
            let number = match unit.place {
                Place::Lane(number) => number,
                Place::Here(_) => {
                    let began_ns = (self.clock)();
                    if is_due {
                        unit.due_ns = tick_ns + wait_ns;
                        unit.read(index, &mut self.shelf, now, samples);
                    }
                    unit.look(tick_ns);
                    unit.count(is_due, (self.clock)().saturating_sub(began_ns));
                    continue;
                }
            };
            let job = match (is_due, unit.is_scanned) {
                (false, _) => Job::Look,
                (true, true) => Job::Read,
                (true, false) => Job::Scan,
            };
            if self.lane.ask(number, job, now.mono_ns) {
                *(if is_due { &mut unit.due_ns } else { &mut unit.look_ns }) =
                    tick_ns + if is_due { wait_ns } else { LOOK_NS };
            }
            unit.tell_held(index, self.lane.is_held(number), samples);
        }
    }

    /// Hands over what the threads have read, and gives up those that don't come back in time.
    pub fn handle_done(&mut self, now: Now, samples: &mut Samples) {
        let (units, lane_units) = (&mut self.units, &self.lane_units);
        self.lane.poll_done(now.mono_ns, |done, shelf| {
            let Some(index) = lane_units.get(done.unit).copied() else { return };
            let unit = &mut units[index];
            unit.count(done.job != Job::Look, done.took_ns);
            if done.job == Job::Scan {
                unit.spec = shelf.spec();
                samples.take_scan(index, &unit.spec, shelf.entries(), shelf.omitted());
                unit.sensors = shelf.readings().len();
            }
            if done.job != Job::Look {
                let read_at_ns = now.boot_ns.saturating_sub(done.took_ns);
                samples.take_read(index, unit.spec.group, shelf.readings(), read_at_ns);
            }
            unit.is_scanned = shelf.freshness() == Freshness::Current;
        });
        self.lane.handle_deadlines(now.mono_ns);
        for (number, index) in self.lane_units.iter().enumerate() {
            let is_held = self.lane.is_held(number);
            self.units[*index].tell_held(*index, is_held, samples);
        }
    }

    /// When [`handle_done`](Self::handle_done) has something to do without being woken.
    #[must_use]
    pub fn deadline_ns(&self) -> Option<u64> {
        self.lane.deadline_ns()
    }

    /// What is known of each source that yields a sensor, or has been read.
    pub fn reports(&self) -> impl Iterator<Item = SourceReport> {
        let known = self.units.iter().filter(|unit| unit.sensors > 0);
        known.map(|unit| SourceReport {
            spec: unit.spec,
            sensors: unit.sensors,
            is_held: unit.is_held,
            cost: unit.cost,
            stretch: self.stretch.factor(unit.load()),
        })
    }
}

impl Unit {
    fn new(place: Place, spec: SourceSpec) -> Self {
        Self {
            place,
            spec,
            layout: Layout::default(),
            sensors: 0,
            is_scanned: false,
            is_held: false,
            due_ns: 0,
            look_ns: 0,
            cost: Cost::default(),
        }
    }

    /// Reads, after a scan where that is due. Where a read says that hardware came or went, scans
    /// and reads once more: the next time is a whole interval away.
    fn read(&mut self, index: usize, shelf: &mut Shelf, now: Now, samples: &mut Samples) {
        let Place::Here(source) = &mut self.place else { return };
        for _ in 0..2 {
            if !self.is_scanned {
                self.layout = shelf.scan(&mut **source);
                self.spec = shelf.spec();
                self.sensors = self.layout.len();
                samples.take_scan(index, &self.spec, shelf.entries(), shelf.omitted());
                self.is_scanned = true;
            }
            shelf.read(&mut **source, &self.layout);
            samples.take_read(index, self.spec.group, shelf.readings(), now.boot_ns);
            self.is_scanned = shelf.freshness() == Freshness::Current;
            if self.is_scanned {
                break;
            }
        }
    }

    fn look(&mut self, tick_ns: u64) {
        let Place::Here(source) = &mut self.place else { return };
        if self.look_ns <= tick_ns {
            self.look_ns = tick_ns + LOOK_NS;
            self.is_scanned &= source.look() == Freshness::Current;
        }
    }

    fn count(&mut self, is_read: bool, took_ns: u64) {
        self.cost.reads += u64::from(is_read);
        self.cost.total_ns += took_ns;
        self.cost.max_ns = self.cost.max_ns.max(took_ns);
    }

    fn tell_held(&mut self, index: usize, is_held: bool, samples: &mut Samples) {
        if self.is_held != is_held {
            self.is_held = is_held;
            samples.set_held(index, self.spec.group, is_held);
        }
    }

    /// The share of a CPU that it takes when it is read as often as it may. Who waits for a device
    /// takes none.
    #[allow(clippy::cast_precision_loss)] // a share
    fn load(&self) -> f32 {
        if matches!(self.place, Place::Lane(_)) {
            return 0.0;
        }
        let mean_ns = self.cost.total_ns as f32 / self.cost.reads.max(1) as f32;
        mean_ns / self.spec.interval_ns.max(1) as f32
    }
}
