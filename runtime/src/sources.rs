//! Sources of sensors: scanned when somebody first wants their group, read at their own pace, and
//! not at all while nobody does.
//!
//! Guarantees: no source is read sooner after its last read than its interval, but for [`LATE_NS`]
//! where a tick came late; one tick reads each source once at most; one without sensors is looked
//! at now and then, and not read; a look that finds that hardware came or went brings a scan at
//! once, and no read before it is due; of what may block one source is read a tick, unless that
//! would make it too late; what reading costs is counted, and where it is more than the
//! budget, the dearest sources are read less often. Nothing allocates after [`Sources::new`].

mod cadence;
mod unit;

use std::io;

use kymo_platform::clock::{self, Now};
use kymo_platform::{Freshness, ProcessSource, Source, SourceSpec};
use kymo_protocol::{Group, Groups, NoData};

use unit::{Place, Unit};

use crate::hardware::{Gathering, Hardware};
use crate::lane::{Job, Lane, Shelf, UnitState, Wake};
use crate::limits::{LATE_NS, LOOK_NS, SHARE_NS_MAX, SOURCES_MAX};
use crate::passes::{Done, Passes};
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
    /// Which of the units vitals tell of too, and whether there was something for them at the
    /// start: where nothing is plugged in, its thread sleeps.
    vital: Vec<(usize, bool)>,
    /// Whether they may have something new.
    is_hardware_new: bool,
    /// The tick before this one, and whether the lane was asked for a read at this one.
    before_ns: u64,
    has_asked: bool,
    /// Those over the processes.
    pub(crate) passes: Option<Passes>,
    /// How often passes were asked for last.
    passes_ns: u64,
    stretch: Stretch,
    /// The monotonic clock.
    clock: fn() -> u64,
}

/// What is wanted of the sources.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The groups that somebody subscribes to.
    pub groups: Groups,
    /// Whether somebody subscribes to vitals.
    pub vitals: bool,
    /// How long after a pass over all processes the next one is to begin; `None` for no pass.
    pub processes_ns: Option<u64>,
    /// Whether all that is due is to be read now, and nothing put off so that it is spread.
    pub at_once: bool,
}

/// A tick.
#[derive(Clone, Copy, Debug)]
struct Tick {
    /// When it was planned for.
    tick_ns: u64,
    now: Now,
    /// How soon another one may follow.
    gap_ns: u64,
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
        Self::with_wake(sources, max_cpu, Box::new(wake))
    }

    /// The same, once for whatever it is that wakes.
    fn with_wake(sources: Vec<Box<dyn Source>>, max_cpu: f32, wake: Wake) -> io::Result<Self> {
        let (mut units, mut lane_units, mut slow) = (Vec::new(), Vec::new(), Vec::new());
        let mut vital = Vec::new();
        for mut source in sources.into_iter().take(SOURCES_MAX) {
            let spec = source.spec();
            // It knows of none yet. Where nothing is plugged in, its thread sleeps.
            if spec.is_vital {
                vital.push((units.len(), source.look() == Freshness::Stale));
            }
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
            vital,
            is_hardware_new: true,
            before_ns: 0,
            has_asked: false,
            units,
            lane: Lane::with_wake(slow, wake)?,
            lane_units,
            shelf: Shelf::new(),
            passes: None,
            passes_ns: 0,
            stretch: Stretch::new(max_cpu),
            clock: clock::mono_ns,
        })
    }

    /// From now on all of them together take at most `max_cpu` of one CPU. Those that wait already
    /// wait to their end.
    pub fn set_max_cpu(&mut self, max_cpu: f32) {
        self.stretch.set_budget(max_cpu);
    }

    /// Takes over what ranks processes.
    pub fn read_processes(&mut self, source: Box<dyn ProcessSource>) {
        self.passes = Some(Passes::new(source));
    }

    /// Reads what is due at the tick planned for `tick_ns` on the monotonic clock, of what is
    /// `wanted`, and hands it to `samples`. What may block is asked for, and handed over by
    /// [`handle_done`](Self::handle_done); a pass over the processes is only begun.
    pub fn handle_tick(&mut self, tick_ns: u64, now: Now, wanted: Wanted, samples: &mut Samples) {
        let Wanted { groups: wanted, vitals, processes_ns, at_once } = wanted;
        let gap_ns = tick_ns.saturating_sub(std::mem::replace(&mut self.before_ns, tick_ns));
        let at = Tick { tick_ns, now, gap_ns: if at_once { u64::MAX } else { gap_ns } };
        self.has_asked = false;
        if vitals {
            for place in 0..self.vital.len() {
                let (index, had_some) = self.vital[place];
                if had_some || self.units[index].sensors > 0 {
                    self.handle_unit(index, at, samples);
                }
            }
        }
        if wanted == Groups(0) && processes_ns.is_none() {
            return;
        }
        let begun = samples.take_begun();
        if begun.contains(Group::Cpu) {
            self.end_shares(now, samples);
        }
        let read = self.units.iter().filter(|unit| wanted.contains(unit.spec.group));
        let passes = self.passes.as_ref().zip(processes_ns);
        if passes.is_some_and(|(passes, _)| passes.is_new()) {
            self.stretch.renew();
        }
        let asked = passes.map(|(passes, interval_ns)| passes.asked_ns(interval_ns));
        let passes = passes.zip(asked).map(|((passes, _), asked_ns)| passes.load(asked_ns));
        self.stretch.handle_tick(tick_ns, read.map(Unit::load).chain(passes));
        if let (Some(passes), Some(interval_ns), Some((asked_ns, load))) =
            (&mut self.passes, processes_ns, asked.zip(passes))
        {
            self.passes_ns = interval_ns;
            passes.handle_tick(tick_ns, interval_ns, self.stretch.apply(asked_ns, load));
        }
        for index in 0..self.units.len() {
            if wanted.contains(self.units[index].spec.group) {
                self.handle_unit(index, at, samples);
            }
        }
    }

    /// Somebody wants shares of CPUs after a time in which nobody did. The mean of a long one says
    /// nothing of now, so that they begin anew; a short one they span.
    fn end_shares(&mut self, now: Now, samples: &Samples) {
        for (index, unit) in self.units.iter_mut().enumerate() {
            let pause_ns = now.boot_ns.saturating_sub(samples.read_at_ns(index));
            unit.is_scanned &= unit.spec.group != Group::Cpu || pause_ns <= SHARE_NS_MAX;
        }
    }

    /// Reads one of them if it is due, or has it read.
    fn handle_unit(&mut self, index: usize, at: Tick, samples: &mut Samples) {
        let Tick { tick_ns, now, gap_ns } = at;
        let unit = &mut self.units[index];
        let is_due = unit.due_ns <= tick_ns && !unit.is_empty();
        if !is_due && !unit.is_stale && unit.look_ns > tick_ns {
            return;
        }
        let wait_ns = self.stretch.apply(unit.spec.interval_ns, unit.load());
        let number = match unit.place {
            Place::Lane(number) => number,
            Place::Here(_) => {
                let began_ns = (self.clock)();
                if is_due {
                    // A reading that is late puts the next one off, but for a little: the grid is
                    // kept.
                    unit.due_ns = tick_ns.max(now.mono_ns.saturating_sub(LATE_NS)) + wait_ns;
                    unit.read(index, &mut self.shelf, now, samples);
                }
                if unit.look_ns <= tick_ns {
                    unit.look_ns = tick_ns + LOOK_NS;
                    unit.look(index, &mut self.shelf, samples);
                }
                return unit.count(is_due, (self.clock)().saturating_sub(began_ns));
            }
        };
        // One bus has one answer at a time: what others are in front of waits for a tick without,
        // while that makes it late by no more than half of its interval.
        let can_wait = |due_ns: u64, interval_ns: u64| {
            let late_ns = tick_ns.saturating_add(gap_ns).saturating_sub(due_ns);
            self.has_asked && late_ns <= interval_ns / 2
        };
        let is_patient = can_wait(unit.due_ns, unit.spec.interval_ns);
        // What is due at every tick would never be looked at. The read follows at the next.
        let must_look = unit.look_ns + LOOK_NS / 10 <= tick_ns && !can_wait(unit.look_ns, LOOK_NS);
        let job = match (is_due, unit.is_scanned) {
            (false, _) if unit.is_stale => Job::Rescan,
            (false, _) if can_wait(unit.look_ns, LOOK_NS) => return,
            (false, _) => Job::Look,
            (true, true) if must_look => Job::Look,
            (true, true) if is_patient => return,
            (true, true) => Job::Read,
            (true, false) => Job::Scan,
        };
        let is_asked = self.lane.ask(number, job, now.mono_ns);
        let is_held = self.lane.is_held(number);
        unit.tell_held(index, is_held, samples);
        self.has_asked |= is_asked && !job.scans();
        match job {
            _ if !is_asked && !is_held => {}
            Job::Read => unit.due_ns = tick_ns + wait_ns,
            Job::Scan => {
                unit.due_ns = tick_ns + wait_ns;
                unit.look_ns = unit.look_ns.max(tick_ns);
            }
            Job::Look => unit.look_ns = tick_ns + LOOK_NS,
            Job::Rescan => unit.is_stale = !is_asked,
        }
        if is_held && is_due {
            // As often as it would be read, its subscribers see how old it is.
            samples.set_held(index, unit.spec.group, true);
        }
    }

    /// What the hardware says, where that may be something else than when this was asked before.
    pub fn take_hardware(&mut self, samples: &Samples) -> Option<Hardware> {
        if !std::mem::take(&mut self.is_hardware_new) {
            return None;
        }
        let mut gathering = Gathering::NONE;
        for (index, had_some) in &self.vital {
            let unit = &self.units[*index];
            if *had_some && unit.sensors == 0 && unit.cost.total_ns == 0 {
                return Some(Hardware::none(NoData::Pending));
            }
            samples.gather(*index, &mut gathering);
        }
        Some(gathering.finish())
    }

    /// The machine has slept for so long. Hardware may have come and gone, and what is counted from
    /// one read to the next may have jumped: each source is scanned anew when it is due, and it is
    /// due sooner by that time.
    pub fn handle_resume(&mut self, slept_ns: u64) {
        for unit in &mut self.units {
            unit.due_ns = unit.due_ns.saturating_sub(slept_ns);
            unit.is_scanned = false;
            if let Place::Lane(number) = unit.place
                && matches!(self.lane.state(number), UnitState::Reading | UnitState::Stuck)
            {
                unit.slept_ns = unit.slept_ns.saturating_add(slept_ns);
            }
        }
    }

    /// Hands over what the threads have read, and gives up those that don't come back in time.
    /// Whether there was any.
    pub fn handle_done(&mut self, now: Now, samples: &mut Samples) -> bool {
        if self.lane.is_idle() {
            return false;
        }
        self.is_hardware_new = true;
        let mut is_any = false;
        let (units, lane_units) = (&mut self.units, &self.lane_units);
        self.lane.poll_done(now.mono_ns, |done, shelf| {
            let Some(index) = lane_units.get(done.unit).copied() else { return };
            is_any = true;
            let unit = &mut units[index];
            unit.count(done.job.reads(), done.took_ns);
            if done.job.scans() {
                unit.take_scan(index, shelf, samples);
            }
            let slept_ns = std::mem::take(&mut unit.slept_ns);
            if done.job.reads() {
                let read_at_ns = now.boot_ns.saturating_sub(done.took_ns.saturating_add(slept_ns));
                samples.take_read(index, unit.spec.group, shelf.readings(), read_at_ns);
                // What is handed in is no longer held; one that was late is told so again below.
                unit.is_held = false;
            }
            let is_current = shelf.freshness() == Freshness::Current;
            let is_look = done.job == Job::Look;
            // What a read has found out no look takes back.
            unit.is_scanned = is_current && slept_ns == 0 && (unit.is_scanned || !is_look);
            unit.is_stale = is_look && !is_current;
        });
        self.lane.handle_deadlines(now.mono_ns);
        for (number, index) in self.lane_units.iter().enumerate() {
            let is_held = self.lane.is_held(number);
            self.units[*index].tell_held(*index, is_held, samples);
        }
        is_any
    }

    /// When [`handle_done`](Self::handle_done) has something to do without being woken.
    #[must_use]
    pub fn deadline_ns(&self) -> Option<u64> {
        self.lane.deadline_ns()
    }

    /// When a slice of a pass over the processes is due, if one is under way.
    #[must_use]
    pub fn slice_ns(&self) -> Option<u64> {
        self.passes.as_ref()?.slice_ns()
    }

    /// Goes on with that pass for a slice. Says what it found when it is whole.
    pub fn handle_slice(&mut self) -> Option<Done<'_>> {
        self.passes.as_mut()?.go_on(self.clock)
    }

    /// Nobody wants processes any more.
    pub fn rest_processes(&mut self) {
        if let Some(passes) = &mut self.passes {
            passes.rest();
        }
    }

    /// What passes over the processes have cost, and how many times longer than asked for they wait
    /// for each other. `None` before the first.
    #[must_use]
    pub fn processes(&self) -> Option<(Cost, f32)> {
        let passes = self.passes.as_ref().filter(|passes| passes.cost().total_ns > 0)?;
        Some((passes.cost(), self.stretch.factor(passes.load(self.passes_ns))))
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

#[cfg(test)]
#[path = "../tests/common/sensors.rs"]
mod sensors;

#[cfg(test)]
mod tests {
    use super::sensors::Double;
    use super::*;
    use crate::lane::double::Gate;
    use kymo_platform::SensorInfo;
    use kymo_protocol::{Cost, METRICS, Reading, Scope, State};
    use std::cell::Cell;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

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
            let sources = Sources { clock, ..Sources::new(units, max_cpu, || {}).unwrap() };
            CLOCK.set((0, 0));
            Self { sources, samples: Samples::new(SOURCES_MAX), tick_ns: 1_000_000 * MS }
        }

        /// Ticks of 1 kHz for so long.
        fn pass(&mut self, ms: u64, wanted: Groups) {
            for _ in 0..ms {
                let (tick_ns, wall_ns) = (self.tick_ns, 0);
                let now = Now { mono_ns: tick_ns, boot_ns: tick_ns, wall_ns };
                let wanted =
                    Wanted { groups: wanted, vitals: false, processes_ns: None, at_once: false };
                self.sources.handle_tick(tick_ns, now, wanted, &mut self.samples);
                self.tick_ns += MS;
            }
        }

        /// Until the lane has done what it was asked for.
        fn settle(&mut self) {
            let end = Instant::now() + Duration::from_secs(20);
            while self.sources.lane.deadline_ns().is_some() {
                assert!(Instant::now() < end, "the lane stands");
                let now = Now { mono_ns: self.tick_ns, boot_ns: self.tick_ns, wall_ns: 0 };
                self.sources.handle_done(now, &mut self.samples);
            }
        }

        fn values(&self) -> Vec<Option<f64>> {
            self.samples.sampled(self.tick_ns).map(|(_, sample)| sample.reading()).collect()
        }
    }

    fn all() -> Wanted {
        Wanted { groups: Groups::ALL, vitals: false, processes_ns: None, at_once: false }
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

    /// The bug it finds: somebody who comes after hours is told the mean of these hours, and who
    /// comes after a moment is told nothing.
    #[test]
    fn shares_begin_anew_only_after_a_long_time_that_nobody_watched() {
        let cpu = Double::with(Group::Cpu, 40 * MS, 2);
        let other = Double::with(Group::Pressure, 40 * MS, 2);
        let mut bench = Bench::new(&[&cpu, &other], 1.0);
        // A first time, which is scanned as all are; then after 1 s, 19.9 s and 20.1 s.
        for (pause_ms, scans) in [(0, 1), (1000, 1), (19_900, 1), (20_100, 2), (100, 2)] {
            bench.pass(pause_ms, Groups(0));
            bench.samples.count(Groups::ALL, true);
            bench.pass(40, Groups::ALL);
            bench.samples.count(Groups::ALL, false);
            assert_eq!([cpu.counts()[0], other.counts()[0]], [scans, 1], "{pause_ms} ms");
        }
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
    fn a_look_that_finds_something_brings_a_scan_at_once_and_no_read() {
        for double in [Double::with(Group::Hwmon, 30_000 * MS, 2), Double::slow(Group::Hwmon)] {
            double.script().fill(1, 2);
            double.script().interval_ns = Some(30_000 * MS);
            let mut bench = Bench::new(&[&double], 1.0);
            let mut pass = |ms| {
                for _ in 0..ms {
                    bench.pass(1, Groups::ALL);
                    bench.settle();
                }
                (double.counts(), bench.values())
            };
            assert_eq!(pass(9_999), ([1, 1, 1], vec![Some(1.0), Some(2.0)]));
            // One that is there still keeps what it read: it may not be asked again.
            double.script().stale_look = true;
            assert_eq!(pass(10), ([2, 1, 2], vec![Some(1.0), Some(2.0)]));
            // Another one has not been read, and one that left is gone.
            double.script().fill(7, 1);
            double.script().stale_look = true;
            assert_eq!(pass(10_000), ([3, 1, 3], vec![None]));
            assert_eq!(pass(9_992).0[..2], [3, 2]);
            assert_eq!(pass(1).1, [Some(7.0)]);
            double.script().fill(0, 0);
            double.script().stale_look = true;
            assert_eq!(pass(10_010), ([4, 2, 5], vec![]));
        }
    }

    /// The bug it finds: a look that saw nothing new forgot what the read before had said.
    #[test]
    fn a_read_that_finds_something_brings_a_scan_with_the_next_one() {
        let double = Double::slow(Group::Hwmon);
        double.script().stale_reads = 1;
        let mut bench = Bench::new(&[&double], 1.0);
        for _ in 0..10_001 {
            bench.pass(1, Groups::ALL);
            bench.settle();
        }
        assert_eq!(double.counts(), [2, 2, 1]);
    }

    /// One source of the lane, and what keeps it waiting.
    fn gated() -> (Sources, Arc<Gate>) {
        let double = crate::lane::double::Double::named(vec!["a".into()]);
        let (gate, the_loop) = (Arc::clone(&double.gate), std::thread::current());
        let sources = vec![Box::new(double) as Box<dyn Source>];
        (Sources::new(sources, 1.0, move || the_loop.unpark()).unwrap(), gate)
    }

    /// The bug it finds: what a source has read too late passed for current until it was read anew.
    #[test]
    fn what_came_too_late_is_held_until_a_read_comes_in_time() {
        let (mut sources, gate) = gated();
        let mut samples = Samples::new(SOURCES_MAX);
        let mut until = |value: u32, state: State| {
            let begun = std::time::Instant::now();
            let mut is_so = false;
            while !is_so {
                assert!(begun.elapsed().as_secs() < 20, "{value} {state:?}");
                let mono_ns = kymo_platform::clock::mono_ns();
                let now = Now { mono_ns, boot_ns: mono_ns, wall_ns: 0 };
                sources.handle_done(now, &mut samples);
                let seen = samples.sampled(mono_ns).next().map(|(_, sample)| sample);
                let seen = seen.map(|sample| (sample.reading(), sample.state()));
                is_so = seen == Some((Some(f64::from(value)), state));
                if !is_so {
                    // One that rests is not asked.
                    sources.handle_tick(mono_ns, now, all(), &mut samples);
                    std::thread::park_timeout(std::time::Duration::from_millis(5));
                }
            }
        };
        until(1, State::Ok);
        gate.set(|state| state.reads_left = Some(0));
        until(1, State::Held);
        gate.set(|state| (state.is_closed, state.reads_left) = (false, None));
        until(2, State::Held);
        until(3, State::Ok);
    }

    #[test]
    fn a_read_that_was_slept_through_is_as_old_as_that() {
        let (mut sources, gate) = gated();
        let mut samples = Samples::new(SOURCES_MAX);
        let mut slept_ns = 0;
        for sleep_ns in [0, 3_600_000 * MS, 0] {
            let now = |slept_ns| {
                let mono_ns = kymo_platform::clock::mono_ns();
                Now { mono_ns, boot_ns: mono_ns + slept_ns, wall_ns: 0 }
            };
            gate.set(|state| (state.is_closed, state.is_inside) = (true, false));
            // One that was late, on a busy machine, rests first.
            while !gate.state().is_inside {
                let at = now(slept_ns);
                sources.handle_tick(at.mono_ns, at, all(), &mut samples);
                std::thread::park_timeout(std::time::Duration::from_millis(5));
            }
            slept_ns += sleep_ns;
            sources.handle_resume(sleep_ns);
            let value = Some(f64::from(gate.state().reads + 1));
            gate.set(|state| state.is_closed = false);
            while samples.sampled(0).all(|(_, sample)| sample.reading() != value) {
                std::thread::park_timeout(std::time::Duration::from_millis(5));
                sources.handle_done(now(slept_ns), &mut samples);
            }
            let (_, sample) = samples.sampled(now(slept_ns).boot_ns).next().unwrap();
            let age_ms = u64::from(sample.age_ms.get());
            assert!((sleep_ns / MS..sleep_ns / MS + 5000).contains(&age_ms), "{age_ms} ms");
        }
    }

    #[test]
    fn a_scan_says_when_it_is_read_next() {
        // As a place for a chip, which waits for ten seconds, and gets one that may be read sooner,
        // or later.
        for (interval_ms, reads) in [(2000, 16), (30_000, 2)] {
            for double in [Double::with(Group::Hwmon, 10_000 * MS, 1), Double::slow(Group::Hwmon)] {
                double.script().interval_ns = Some(interval_ms * MS);
                let mut bench = Bench::new(&[&double], 1.0);
                for _ in 0..30_001 {
                    bench.pass(1, Groups::ALL);
                    bench.settle();
                }
                assert_eq!(double.counts()[..2], [1, reads], "{interval_ms} ms");
            }
        }
    }

    #[test]
    fn what_is_due_at_every_tick_is_looked_at_too() {
        for double in [Double::with(Group::Hwmon, MS, 1), Double::slow(Group::Hwmon)] {
            double.script().interval_ns = Some(1000 * MS);
            let mut bench = Bench::new(&[&double], 1.0);
            for _ in 0..41 {
                bench.pass(1, Groups::ALL);
                bench.settle();
                bench.tick_ns += 999 * MS;
            }
            let [_, reads, looks] = double.counts();
            assert!(reads > 35 && (4..=5).contains(&looks), "{reads} reads, {looks} looks");
        }
    }

    #[test]
    fn a_late_reading_puts_the_next_one_off_but_for_a_little() {
        let double = Double::with(Group::Pressure, 500 * MS, 1);
        let mut bench = Bench::new(&[&double], 1.0);
        let late = Now { mono_ns: 100 * MS, boot_ns: 100 * MS, wall_ns: 0 };
        let wanted =
            Wanted { groups: Groups::ALL, vitals: false, processes_ns: None, at_once: false };
        bench.sources.handle_tick(0, late, wanted, &mut bench.samples);
        bench.tick_ns = 101 * MS;
        bench.pass(459, Groups::ALL);
        assert_eq!((bench.tick_ns, double.counts()[1]), (560 * MS, 1));
        bench.pass(1, Groups::ALL);
        assert_eq!(double.counts()[1], 2);
    }

    /// How often each of ten chips was read a tick, with ticks of so many milliseconds.
    fn spread(gap_ms: u64, at_once: bool) -> Vec<u64> {
        let doubles: Vec<_> = (0..10).map(|_| Double::slow(Group::Hwmon)).collect();
        doubles.iter().for_each(|double| double.script().interval_ns = Some(1000 * MS));
        let mut bench = Bench::new(&doubles.iter().collect::<Vec<_>>(), 1.0);
        let mut before = 0;
        let reads = (0..10_000 / gap_ms).map(|_| {
            let (tick_ns, wanted) = (bench.tick_ns, Wanted { at_once, ..all() });
            let now = Now { mono_ns: tick_ns, boot_ns: tick_ns, wall_ns: 0 };
            bench.sources.handle_tick(tick_ns, now, wanted, &mut bench.samples);
            bench.settle();
            bench.tick_ns += gap_ms * MS;
            let reads = doubles.iter().map(|double| double.counts()[1]).sum::<u64>();
            reads - std::mem::replace(&mut before, reads)
        });
        reads.collect()
    }

    #[test]
    fn what_may_block_is_read_one_by_one_where_there_are_ticks_enough() {
        let often = spread(40, false);
        assert_eq!(often[0], 10, "nobody waits for the first ones");
        let later = often.iter().skip(50);
        assert_eq!(later.clone().max(), Some(&1));
        let reads = later.sum::<u64>();
        assert!((75..=80).contains(&reads), "{reads} reads in eight seconds");
        // With a tick for each second, and whenever somebody asks, nothing is put off.
        assert!(spread(1000, false).iter().filter(|reads| **reads == 10).count() > 7);
        assert_eq!(spread(40, true).iter().filter(|reads| **reads > 0).min(), Some(&10));
    }

    #[test]
    fn vitals_have_what_they_tell_of_read_and_nothing_else() {
        let (vital, other) = (Double::vital(Group::Power), Double::slow(Group::Power));
        let empty = Double::vital(Group::Hwmon);
        empty.script().fill(0, 0);
        vital.script().stale_look = true;
        let mut bench = Bench::new(&[&other, &vital, &empty], 1.0);
        let wanted = Wanted { groups: Groups(0), vitals: true, ..all() };
        let told = |bench: &mut Bench| {
            let hardware = bench.sources.take_hardware(&bench.samples);
            hardware.map(|hardware| hardware.temperature.reading)
        };
        assert_eq!(told(&mut bench), Some(Err(NoData::Pending)));
        assert_eq!(told(&mut bench), None, "nothing new");
        for _ in 0..3 {
            let tick_ns = bench.tick_ns;
            let now = Now { mono_ns: tick_ns, boot_ns: tick_ns, wall_ns: 0 };
            bench.sources.handle_tick(tick_ns, now, wanted, &mut bench.samples);
            bench.settle();
            bench.tick_ns += 1000 * MS;
        }
        assert_eq!(told(&mut bench), Some(Err(NoData::Absent)));
        assert_eq!([vital.counts()[1], other.counts()[1]], [1, 0]);
        assert_eq!(empty.counts()[0], 0, "there was nothing at the start");
    }

    #[test]
    fn where_there_is_no_sensor_nothing_is_read_until_one_is_found() {
        let double = Double::with(Group::Disk, 40 * MS, 0);
        let mut bench = Bench::new(&[&double], 1.0);
        bench.pass(10_000, Groups::ALL);
        // Read behind its scan, and once more because the first look comes with that.
        assert_eq!(double.counts()[..2], [2, 2]);
        // It tells of no newcomers, so it is scanned again when a look is due.
        double.script().fill(5, 1);
        bench.pass(100, Groups::ALL);
        assert_eq!((double.counts()[..2].to_vec(), bench.values()), (vec![3, 5], vec![Some(5.0)]));
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

    /// Tells what somebody else has read before.
    struct Late;

    impl Source for Late {
        fn spec(&self) -> SourceSpec {
            let (name, group, cost) = ("late", Group::Disk, Cost::Cheap);
            let (interval_ns, cadence_ms) = (40 * MS, 0);
            let (may_block, is_vital) = (false, false);
            SourceSpec { name, group, interval_ns, cadence_ms, cost, may_block, is_vital }
        }

        fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
            found(&SensorInfo {
                metric: &METRICS[0],
                label: "late",
                attributes: &[],
                identity: "late",
                cadence_ms: 0,
                scope: Scope::Host,
            });
            0
        }

        fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
            readings.fill(Ok(1.0));
            Freshness::Current
        }

        fn age_ns(&self) -> u64 {
            700 * MS
        }
    }

    #[test]
    fn what_was_read_before_is_as_old_as_it_is() {
        let mut sources = Sources::new(vec![Box::new(Late)], 1.0, || {}).unwrap();
        let mut samples = Samples::new(SOURCES_MAX);
        let now = Now { mono_ns: 5000 * MS, boot_ns: 5000 * MS, wall_ns: 0 };
        sources.handle_tick(now.mono_ns, now, all(), &mut samples);
        let ages: Vec<u32> =
            samples.sampled(5010 * MS).map(|(_, sample)| sample.age_ms.get()).collect();
        assert_eq!(ages, [710]);
    }
}
