//! Two sources: one that is read in the loop, and one of the lane that hangs when it is told to.
//!
//! The lane's threads are real ones. So that a run is the same whenever it is repeated, the world
//! waits after each turn until the thread at work has either answered or hangs.

use std::sync::{Arc, Condvar, Mutex};

use kymo_platform::{Freshness, SensorInfo, Source, SourceSpec};
use kymo_protocol::{Cost, Group, METRICS, Reading, Scope};

/// What the world and the threads tell one another.
#[derive(Debug, Default)]
pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_closed: bool,
    is_hanging: bool,
    /// Answers that the loop has not been told of.
    answers: u32,
}

impl Gate {
    /// The next read hangs.
    pub fn close(&self) {
        self.state.lock().unwrap().is_closed = true;
    }

    /// Lets go what hangs, if anything does; then there is an answer.
    pub fn open(&self) -> bool {
        let mut state = self.state.lock().unwrap();
        state.is_closed = false;
        let is_hanging = std::mem::take(&mut state.is_hanging);
        self.changed.notify_all();
        is_hanging
    }

    /// A thread has something for the loop.
    pub fn answer(&self) {
        self.state.lock().unwrap().answers += 1;
        self.changed.notify_all();
    }

    /// While a thread is at work: waits for its answer. `false` when it hangs.
    pub fn wait(&self) -> bool {
        let state = self.state.lock().unwrap();
        let is_at_work = |state: &mut State| state.answers == 0 && !state.is_hanging;
        let mut state = self.changed.wait_while(state, is_at_work).unwrap();
        let has_answer = state.answers > 0;
        state.answers = state.answers.saturating_sub(1);
        has_answer
    }

    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        if state.is_closed {
            // One read hangs; the spare thread is not kept.
            (state.is_closed, state.is_hanging) = (false, true);
            self.changed.notify_all();
            drop(self.changed.wait_while(state, |state| state.is_hanging).unwrap());
        }
    }
}

/// Each of its sensors reads the number of its group.
#[derive(Clone, Debug)]
pub struct Sensors {
    pub group: Group,
    pub interval_ns: u64,
    pub count: u32,
    /// Of the lane, with this.
    pub gate: Option<Arc<Gate>>,
}

impl Source for Sensors {
    fn spec(&self) -> SourceSpec {
        SourceSpec {
            name: "simulated",
            group: self.group,
            interval_ns: self.interval_ns,
            cadence_ms: 40,
            cost: Cost::Cheap,
            may_block: self.gate.is_some(),
            is_vital: false,
        }
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        for number in 0..self.count {
            found(&SensorInfo {
                metric: &METRICS[0],
                label: "simulated",
                attributes: &[],
                identity: &format!("simulated/{}/{number}", self.group as u8),
                cadence_ms: 40,
                scope: Scope::Host,
            });
        }
        0
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        if let Some(gate) = &self.gate {
            gate.pass();
        }
        readings.fill(Ok(f64::from(self.group as u8)));
        Freshness::Current
    }

    fn look(&mut self) -> Freshness {
        Freshness::Current
    }
}
