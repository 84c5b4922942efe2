//! A loop for tests, with nothing to do but a lane.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kymo_platform::{Source, clock};
use kymo_protocol::{Reading, Sensor};

use super::double::{Double, Gate};
use super::{Job, Lane, UnitState};
use crate::limits::LANE_BUDGET_NS;

pub(super) const BUDGET: Duration = Duration::from_nanos(LANE_BUDGET_NS);
/// A busy machine may keep any thread from its processor for that long, a read in time too.
pub(super) const GRACE: Duration = Duration::from_millis(150);
const PATIENCE: Duration = Duration::from_secs(20);

/// What came of a job, and when.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) unit: usize,
    pub(super) job: Job,
    pub(super) took_ns: u64,
    pub(super) labels: Vec<String>,
    pub(super) readings: Vec<Reading<f64>>,
    pub(super) at: Instant,
}

/// The loop.
pub(super) struct Rig {
    pub(super) lane: Lane,
    pub(super) gates: Vec<Arc<Gate>>,
    pub(super) told: Vec<Told>,
    pub(super) wakes: Arc<AtomicUsize>,
    /// The longest call.
    pub(super) call_max: Duration,
}

impl Rig {
    /// Sources of two sensors each.
    pub(super) fn new(count: usize) -> Self {
        let doubles: Vec<_> =
            (0..count).map(|_| Double::named(vec!["a".into(), "b".into()])).collect();
        let gates = doubles.iter().map(|double| Arc::clone(&double.gate)).collect();
        let sources = doubles.into_iter().map(|double| Box::new(double) as Box<dyn Source>);
        let wakes = Arc::new(AtomicUsize::new(0));
        let (counter, the_loop) = (Arc::clone(&wakes), thread::current());
        let lane = Lane::new(sources.collect(), move || {
            counter.fetch_add(1, Ordering::Relaxed);
            the_loop.unpark();
        });
        Self { lane: lane.unwrap(), gates, told: Vec::new(), wakes, call_max: Duration::ZERO }
    }

    pub(super) fn timed<T>(&mut self, call: impl FnOnce(&mut Lane, &mut Vec<Told>) -> T) -> T {
        let begun = Instant::now();
        let outcome = call(&mut self.lane, &mut self.told);
        self.call_max = self.call_max.max(begun.elapsed());
        outcome
    }

    pub(super) fn ask(&mut self, unit: usize, job: Job) -> bool {
        self.timed(|lane, _| lane.ask(unit, job, clock::mono_ns()))
    }

    /// One turn: sleeps until it is woken or a deadline has come.
    pub(super) fn turn(&mut self) {
        let now_ns = clock::mono_ns();
        let deadline = self.lane.deadline_ns().map(|at| at.saturating_sub(now_ns));
        thread::park_timeout(deadline.map_or(GRACE, Duration::from_nanos));
        self.timed(|lane, told| {
            lane.poll_done(clock::mono_ns(), |done, shelf| {
                let (mut rest, mut labels) = (shelf.entries(), Vec::new());
                while let Some((sensor, behind)) = Sensor::first(rest) {
                    labels.push(sensor.label().to_owned());
                    rest = behind;
                }
                told.push(Told {
                    unit: done.unit,
                    job: done.job,
                    took_ns: done.took_ns,
                    labels,
                    readings: shelf.readings().to_vec(),
                    at: Instant::now(),
                });
            });
        });
        let now_ns = clock::mono_ns();
        if self.lane.deadline_ns().is_some_and(|at| now_ns >= at) {
            self.timed(|lane, _| lane.handle_deadlines(now_ns));
        }
    }

    pub(super) fn until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let begun = Instant::now();
        while !is_so(self) {
            assert!(begun.elapsed() < PATIENCE, "{what}: {:?}", self.lane);
            self.turn();
        }
    }

    /// Asks, and waits for what comes of it.
    pub(super) fn job(&mut self, unit: usize, job: Job) -> Told {
        assert!(self.ask(unit, job), "{:?}", self.lane.state(unit));
        let count = self.told.len();
        self.until("an answer", |rig| rig.told[count..].iter().any(|told| told.unit == unit));
        self.told.pop().unwrap()
    }

    /// Asks a source that will not answer, until its thread counts as stuck.
    pub(super) fn stick(&mut self, unit: usize) {
        self.gates[unit].set(|state| state.is_closed = true);
        assert!(self.ask(unit, Job::Read));
        self.until("a stuck thread", |rig| rig.lane.state(unit) == UnitState::Stuck);
    }

    pub(super) fn open(&self, unit: usize) {
        // Its thread may have begun later than the loop believes, and only its own time counts.
        thread::sleep(GRACE);
        self.gates[unit].set(|state| (state.is_closed, state.reads_left) = (false, None));
    }

    /// Asks until it is allowed again, and waits for the answer.
    pub(super) fn probe(&mut self, unit: usize) -> Told {
        let begun = Instant::now();
        while !self.ask(unit, Job::Read) {
            assert!(begun.elapsed() < PATIENCE, "{:?}", self.lane.state(unit));
            self.turn();
        }
        self.until("an answer", |rig| rig.told.iter().any(|told| told.unit == unit));
        self.told.pop().unwrap()
    }
}
