//! Promise 3 for the lane: after `Lane::new` returns, neither its threads nor the loop allocate.
//!
//! Whatever this process allocates is counted, on every thread. Covered: scans, reads and looks of
//! this machine's own sources and of one that tells more than fits; one stuck thread and two;
//! refusals; the return, the rest and the probe; the end with a stuck thread.

// A test, but without libtest, by which clippy knows tests.
#![allow(clippy::expect_used)]

use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use kymo::lane::{Job, Lane, UnitState};
use kymo_platform::{Freshness, Roots, SensorInfo, Source, SourceSpec};
use kymo_platform::{clock, this_machine_sources};
use kymo_protocol::{Cost, Group, METRICS, Reading, Scope};

#[path = "common/heap.rs"]
mod heap;

/// Whether its source's reads wait.
#[derive(Debug, Default)]
struct Gate {
    is_closed: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    fn set(&self, is_closed: bool) {
        *self.is_closed.lock().expect("no panic") = is_closed;
        self.changed.notify_all();
    }
}

/// A source of 5,000 sensors that hangs while its gate is closed.
#[derive(Debug)]
struct Hanging(Arc<Gate>);

impl Source for Hanging {
    fn spec(&self) -> SourceSpec {
        SourceSpec {
            name: "hanging",
            group: Group::Hwmon,
            interval_ns: 1,
            cadence_ms: 0,
            cost: Cost::Cheap,
            may_block: true,
            is_vital: false,
        }
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        for number in 0..5000 {
            found(&SensorInfo {
                metric: &METRICS[0],
                // One of them is refused.
                label: if number == 7 { "\n" } else { "label" },
                attributes: &[("key", "value")],
                identity: "hanging/sensor",
                cadence_ms: 0,
                scope: Scope::Host,
            });
        }
        0
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        let closed = self.0.is_closed.lock().expect("no panic");
        drop(self.0.changed.wait_while(closed, |is_closed| *is_closed).expect("no panic"));
        readings.fill(Ok(1.0));
        Freshness::Current
    }
}

/// Turns of a loop until that is so.
fn until(lane: &mut Lane, mut is_so: impl FnMut(&mut Lane) -> bool) {
    let end_ns = clock::mono_ns() + 20_000_000_000;
    while !is_so(lane) {
        assert!(clock::mono_ns() < end_ns, "the lane stands");
        let left_ns = lane.deadline_ns().map(|at| at.saturating_sub(clock::mono_ns()));
        thread::park_timeout(Duration::from_nanos(left_ns.unwrap_or(10_000_000)));
        lane.poll_done(clock::mono_ns(), |done, shelf| {
            assert!(done.job.scans() || shelf.entries().is_empty());
        });
        lane.handle_deadlines(clock::mono_ns());
    }
}

fn is_idle(lane: &mut Lane, count: usize) -> bool {
    (0..count).all(|unit| lane.state(unit) == UnitState::Idle)
}

fn main() {
    let gates = [Arc::new(Gate::default()), Arc::new(Gate::default())];
    let mut sources = this_machine_sources(&Roots::default());
    sources.retain(|source| source.spec().may_block);
    for gate in gates.iter().rev() {
        sources.insert(0, Box::new(Hanging(Arc::clone(gate))));
    }
    let (count, the_loop) = (sources.len(), thread::current());
    let lane = Lane::new(sources, move || the_loop.unpark()).expect("a lane");
    heap::counted(|| work(lane, &gates, count));
    let allocations = heap::allocations();
    println!("{allocations} allocations in the lane of {count} sources");
    assert_eq!(allocations, 0);
}

/// All that can happen to a lane, its end included.
fn work(mut lane: Lane, gates: &[Arc<Gate>], count: usize) {
    for job in [Job::Scan, Job::Read, Job::Look, Job::Rescan, Job::Scan, Job::Read] {
        for unit in 0..count {
            assert!(lane.ask(unit, job, clock::mono_ns()));
        }
        until(&mut lane, |lane| is_idle(lane, count));
    }
    for (unit, gate) in gates.iter().enumerate() {
        gate.set(true);
        assert!(lane.ask(unit, Job::Read, clock::mono_ns()));
        assert_eq!(lane.ask(2, Job::Read, clock::mono_ns()), unit == 0);
        until(&mut lane, |lane| lane.state(unit) == UnitState::Stuck);
    }
    assert!((0..count).all(|unit| !lane.ask(unit, Job::Read, clock::mono_ns())));
    // Their threads may have begun later than the loop believes, and only their own time counts.
    thread::sleep(Duration::from_millis(100));
    gates.iter().for_each(|gate| gate.set(false));
    until(&mut lane, |lane| {
        for unit in 0..count {
            lane.ask(unit, Job::Read, clock::mono_ns());
        }
        (0..count).all(|unit| !lane.is_held(unit))
    });
    until(&mut lane, |lane| is_idle(lane, count));
    gates[0].set(true);
    assert!(lane.ask(0, Job::Read, clock::mono_ns()));
    until(&mut lane, |lane| lane.state(0) == UnitState::Stuck);
    drop(lane);
}
