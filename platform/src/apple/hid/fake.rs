//! Sensors for tests. Clones share them, so that a test can change what a source sees. Reading
//! allocates nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kymo_protocol::{NoData, Reading};

use super::{Hid, Listed};

/// A sensor, as a test describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    /// What it is called.
    pub product: String,
    /// Where it says it is.
    pub location: i64,
    /// What it says.
    pub value: Reading<f64>,
}

/// Sensors of one quantity; clones share them.
#[derive(Clone, Debug, Default)]
pub struct FakeHid {
    shared: Arc<Mutex<State>>,
    /// What was there when they were listed, as numbers go by that.
    listed: usize,
}

/// What stands behind a [`FakeHid`].
#[derive(Debug, Default)]
pub struct State {
    /// Every sensor, in the order in which they are listed.
    pub sensors: Vec<Sensor>,
    /// Why nothing can be listed.
    pub failure: Option<NoData>,
    /// How often they were listed, and how many values were read.
    pub lists: u64,
    /// How many values were read.
    pub values: u64,
}

impl FakeHid {
    /// Sensors of these names and values, all at location 0.
    #[must_use]
    pub fn new(sensors: &[(&str, f64)]) -> Self {
        let sensors = sensors.iter().map(|(product, value)| Sensor {
            product: (*product).to_owned(),
            location: 0,
            value: Ok(*value),
        });
        let state = State { sensors: sensors.collect(), ..State::default() };
        Self { shared: Arc::new(Mutex::new(state)), listed: 0 }
    }

    /// What stands behind it, to look at and to change.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hid for FakeHid {
    fn list(&mut self, each: &mut dyn FnMut(&Listed<'_>)) -> Reading<()> {
        let mut state = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        state.lists += 1;
        self.listed = 0;
        if let Some(reason) = state.failure {
            return Err(reason);
        }
        self.listed = state.sensors.len();
        for sensor in &state.sensors {
            each(&Listed { product: &sensor.product, location: sensor.location });
        }
        Ok(())
    }

    fn value(&mut self, number: usize) -> Reading<f64> {
        let mut state = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        state.values += 1;
        let is_listed = number < self.listed;
        state.sensors.get(number).filter(|_| is_listed).ok_or(NoData::Absent)?.value
    }
}
