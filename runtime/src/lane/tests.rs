//! The lane against sources that hang, return, panic and change.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use kymo_platform::clock;
use kymo_protocol::NoData;

use super::rig::{BUDGET, GRACE, Rig};
use super::worker::{Post, Worker};
use super::{Job, UnitState};
use crate::limits::{LANE_BUDGET_NS, LANE_REST_NS};

#[test]
fn without_sources_there_are_no_threads() {
    let mut rig = Rig::new(0);
    assert!(rig.lane.workers.is_empty() && !rig.ask(0, Job::Scan));
    rig.turn();
    assert_eq!((rig.lane.deadline_ns(), rig.lane.is_held(0)), (None, false));
    assert_eq!(rig.wakes.load(Ordering::Relaxed), 0);
}

#[test]
fn jobs_are_done_in_the_order_of_asking_and_one_at_a_time() {
    let mut rig = Rig::new(64);
    let order: Vec<usize> = (0..64).map(|number| number * 37 % 64).collect();
    for round in 1..=3_u32 {
        let job = if round == 1 { Job::Scan } else { Job::Read };
        for unit in &order {
            assert!(rig.ask(*unit, job));
            assert!(!rig.ask(*unit, Job::Read), "it is under way");
        }
        rig.until("all of them", |rig| rig.told.len() == 64);
        let told = std::mem::take(&mut rig.told);
        assert_eq!(told.iter().map(|told| told.unit).collect::<Vec<_>>(), order);
        let values = [0, 100].map(|value| Ok(f64::from(value + round)));
        let labels = if round == 1 { vec!["a", "b"] } else { vec![] };
        for told in told {
            assert_eq!(
                (told.job, told.labels),
                (job, labels.iter().map(|l| (*l).into()).collect())
            );
            assert_eq!(told.readings, values);
        }
    }
    // Nothing is under way, so nothing ever wakes the loop.
    assert_eq!((rig.lane.deadline_ns(), rig.wakes.load(Ordering::Relaxed)), (None, 3 * 64));
}

#[test]
fn a_scan_tells_what_came_and_went() {
    let (mut rig, mut before) = (Rig::new(2), 0);
    for count in [3_usize, 0, 5, 1] {
        let names: Vec<String> = (0..count).map(|number| format!("n{number}")).collect();
        rig.gates[0].set(|state| (state.names, state.is_stale) = (names.clone(), true));
        // As many as the scan before told, until the next.
        assert_eq!(rig.job(0, Job::Read).readings.len(), before);
        before = count;
        assert_eq!(rig.job(1, Job::Scan).labels, ["a", "b"]);
        let told = rig.job(0, Job::Scan);
        assert_eq!((told.labels.len(), told.readings.len()), (count, count));
        assert_eq!(told.labels, names);
        let told = rig.job(0, Job::Look);
        assert!(told.labels.is_empty() && told.readings.is_empty());
    }
}

#[test]
fn a_source_that_answers_once_and_then_never() {
    let mut rig = Rig::new(4);
    rig.gates[0].set(|state| state.reads_left = Some(1));
    for unit in 0..4 {
        let told = rig.job(unit, Job::Scan);
        assert_eq!(told.readings, [Ok(1.0), Ok(101.0)]);
    }
    let begun = Instant::now();
    assert!((0..4).all(|unit| rig.ask(unit, Job::Read)));
    assert!(!rig.lane.is_held(0));
    rig.until("the others", |rig| rig.told.len() == 3);
    let late = rig.told.iter().map(|told| told.at - begun).max().unwrap();
    println!("the others were late by {late:?}");
    assert!(late >= BUDGET && late < BUDGET + GRACE, "late by {late:?}");
    assert_eq!(rig.lane.state(0), UnitState::Stuck);
    assert!(rig.lane.is_held(0) && !(1..4).any(|unit| rig.lane.is_held(unit)));
    // Late once: from now on the others do without it.
    for round in 0..10 {
        let begun = Instant::now();
        rig.job(1 + round % 3, Job::Read);
        assert!(begun.elapsed() < GRACE && !rig.ask(0, Job::Read));
    }
    assert_eq!(rig.lane.deadline_ns(), None);

    // It comes back, rests, is tried and is trusted again.
    (rig.told, _) = (Vec::new(), rig.open(0));
    rig.until("its return", |rig| !rig.told.is_empty());
    let told = rig.told.pop().unwrap();
    assert_eq!((told.unit, told.readings), (0, vec![Ok(2.0), Ok(102.0)]));
    assert!(told.took_ns > LANE_BUDGET_NS);
    let rested = Instant::now();
    assert!(matches!(rig.lane.state(0), UnitState::Quarantined { .. }));
    assert!(rig.lane.is_held(0) && !rig.ask(0, Job::Read));
    assert_eq!(rig.probe(0).readings, [Ok(3.0), Ok(103.0)]);
    assert!(rested.elapsed() + GRACE > Duration::from_nanos(LANE_REST_NS));
    assert_eq!((rig.lane.state(0), rig.lane.is_held(0)), (UnitState::Idle, false));
}

#[test]
fn two_such_sources_hold_everything_but_the_loop() {
    let mut rig = Rig::new(4);
    for unit in 0..4 {
        rig.job(unit, Job::Scan);
    }
    for unit in [0, 1] {
        rig.gates[unit].set(|state| state.is_closed = true);
    }
    assert!((0..4).all(|unit| unit == 3 || rig.ask(unit, Job::Read)));
    rig.until("both stuck", |rig| rig.lane.state(1) == UnitState::Stuck);
    assert_eq!([0, 2].map(|unit| rig.lane.state(unit)), [UnitState::Stuck, UnitState::Queued]);
    // What is queued is held at once, and the rest as soon as it is due.
    assert_eq!([0, 1, 2, 3].map(|unit| rig.lane.is_held(unit)), [true, true, true, false]);
    assert!(!rig.ask(3, Job::Read) && rig.lane.is_held(3));
    assert_eq!(rig.lane.deadline_ns(), None);
    for _ in 0..1000 {
        assert!((0..4).all(|unit| !rig.ask(unit, Job::Read)));
        rig.timed(|lane, _| lane.poll_done(clock::mono_ns(), |done, _| panic!("{done:?}")));
        rig.timed(|lane, _| lane.handle_deadlines(clock::mono_ns()));
    }
    println!("the longest call took {:?}", rig.call_max);
    assert!(rig.call_max < BUDGET / 5, "{:?}", rig.call_max);

    // One comes back, and with it everything but the other.
    rig.open(1);
    rig.until("what was queued", |rig| rig.told.len() == 2);
    assert_eq!([rig.told[0].unit, rig.told[1].unit], [1, 2]);
    rig.told.clear();
    rig.job(3, Job::Read);
    assert_eq!([0, 1, 2, 3].map(|unit| rig.lane.is_held(unit)), [true, true, false, false]);
    rig.open(0);
    rig.until("the other", |rig| !rig.told.is_empty());
    rig.told.clear();
    for unit in 0..4 {
        rig.probe(unit);
        rig.told.clear();
    }
    assert!((0..4).all(|unit| rig.lane.state(unit) == UnitState::Idle && !rig.lane.is_held(unit)));
    // The spare is a spare again.
    rig.stick(0);
    rig.job(2, Job::Read);
    rig.open(0);
}

#[test]
fn a_stuck_thread_that_came_back_is_the_spare() {
    let mut rig = Rig::new(3);
    for (stuck, next) in [(0, 1), (1, 2)] {
        rig.stick(stuck);
        rig.job(next, Job::Read);
        rig.open(stuck);
        rig.until("its return", |rig| !rig.told.is_empty());
        rig.told.clear();
        let idle = |worker: &Worker| matches!(worker.post, Post::Idle(_));
        assert!(rig.lane.workers.iter().all(idle));
    }
}

#[test]
fn a_lane_ends_whatever_its_sources_do() {
    let ends = |rig: Rig, most: Duration| {
        let Rig { lane, gates, .. } = rig;
        let begun = Instant::now();
        drop(lane);
        let took = begun.elapsed();
        println!("ended after {took:?}");
        assert!(took < most, "{took:?}");
        for gate in gates {
            gate.set(|state| state.is_closed = false);
        }
    };
    ends(Rig::new(0), GRACE);
    ends(Rig::new(2), GRACE);
    let mut rig = Rig::new(3);
    rig.stick(0);
    rig.stick(1);
    assert!(!rig.ask(2, Job::Read));
    ends(rig, GRACE);
    // Not stuck yet, as far as anybody knows.
    let mut rig = Rig::new(3);
    rig.stick(0);
    rig.gates[1].set(|state| state.is_closed = true);
    assert!(rig.ask(1, Job::Read) && rig.ask(2, Job::Read));
    rig.gates[1].wait_inside();
    ends(rig, BUDGET * 2 + GRACE);
}

#[test]
fn a_source_that_panics_is_a_fault_for_ever_and_no_other() {
    let mut rig = Rig::new(4);
    for unit in 0..4 {
        rig.job(unit, Job::Scan);
    }
    rig.gates[0].set(|state| state.panics_in_read = true);
    let told = rig.job(0, Job::Read);
    assert_eq!(told.readings, [Err(NoData::Fault); 2]);
    rig.gates[1].set(|state| (state.panics_in_scan, state.names) = (true, vec!["c".into(); 3]));
    let told = rig.job(1, Job::Scan);
    assert_eq!((told.labels.len(), told.readings), (3, vec![Err(NoData::Fault); 3]));
    rig.gates[3].set(|state| state.panics_in_scan = true);
    let told = rig.job(3, Job::Rescan);
    assert_eq!((told.job, told.readings), (Job::Scan, vec![Err(NoData::Fault); 2]));
    for unit in [0, 1, 3] {
        rig.gates[unit].set(|state| (state.panics_in_read, state.panics_in_scan) = (false, false));
        assert_eq!((rig.lane.state(unit), rig.lane.is_held(unit)), (UnitState::Broken, false));
        assert!(!rig.ask(unit, Job::Scan) && !rig.ask(unit, Job::Read));
    }
    assert_eq!(rig.job(2, Job::Read).readings, [Ok(2.0), Ok(102.0)]);
    // Both threads live.
    rig.stick(2);
    assert!(!rig.ask(0, Job::Read));
    rig.open(2);
}
