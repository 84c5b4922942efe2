//! A source for tests: it answers, waits or panics as it is told.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use kymo_platform::{Freshness, SensorInfo, Source, SourceSpec};
use kymo_protocol::{Cost, Group, METRICS, Reading, Scope};

/// What the test tells its source, and sees of it.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
pub(crate) struct GateState {
    /// Names of its sensors.
    pub(crate) names: Vec<String>,
    pub(crate) omitted: u32,
    /// Reads and looks wait until this is `false`.
    pub(crate) is_closed: bool,
    /// A read that begins when this is 0 closes the gate before itself.
    pub(crate) reads_left: Option<u32>,
    pub(crate) is_stale: bool,
    pub(crate) panics_in_scan: bool,
    pub(crate) panics_in_read: bool,
    /// Reads that came to their end.
    pub(crate) reads: u32,
    pub(crate) is_inside: bool,
}

impl Gate {
    pub(crate) fn set(&self, change: impl FnOnce(&mut GateState)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a thread is in the source.
    pub(crate) fn wait_inside(&self) {
        let state = self.state();
        drop(self.changed.wait_while(state, |state| !state.is_inside).unwrap());
    }

    fn pass(&self) -> MutexGuard<'_, GateState> {
        let mut state = self.state();
        match &mut state.reads_left {
            Some(0) => state.is_closed = true,
            Some(left) => *left -= 1,
            None => {}
        }
        state.is_inside = true;
        self.changed.notify_all();
        let mut state = self.changed.wait_while(state, |state| state.is_closed).unwrap();
        state.is_inside = false;
        state
    }
}

/// Its `n`-th sensor reads as a hundred times `n`, and how often it was read.
#[derive(Debug)]
pub(crate) struct Double {
    pub(crate) gate: Arc<Gate>,
}

impl Double {
    pub(crate) fn named(names: Vec<String>) -> Self {
        let gate = Gate::default();
        gate.set(|state| state.names = names);
        Self { gate: Arc::new(gate) }
    }
}

impl Source for Double {
    fn spec(&self) -> SourceSpec {
        SourceSpec {
            name: "double",
            group: Group::Hwmon,
            interval_ns: 1,
            cadence_ms: 0,
            cost: Cost::Costly,
            may_block: true,
            is_vital: false,
        }
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        let state = self.gate.state();
        for name in &state.names {
            found(&SensorInfo {
                metric: &METRICS[0],
                label: name,
                attributes: &[],
                identity: "double/sensor",
                cadence_ms: 0,
                scope: Scope::Host,
            });
        }
        assert!(!state.panics_in_scan, "as the test wants it");
        state.omitted
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        let mut state = self.gate.pass();
        state.reads += 1;
        for (number, (reading, _)) in (0_u32..).zip(readings.iter_mut().zip(&state.names)) {
            assert!(!state.panics_in_read || number == 0, "as the test wants it");
            *reading = Ok(f64::from(number * 100 + state.reads));
        }
        Freshness::stale_if(state.is_stale)
    }

    fn look(&mut self) -> Freshness {
        Freshness::stale_if(self.gate.pass().is_stale)
    }
}
