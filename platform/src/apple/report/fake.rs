//! Channels for tests. Clones share them, so that a test can count on. Sampling allocates nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kymo_protocol::{NoData, Reading};

use super::{Channel, Reports};

/// A channel, as a test describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Counter {
    /// What it is called.
    pub name: String,
    /// The label of its unit.
    pub unit: String,
    /// What it has counted.
    pub value: i64,
    /// When it was written.
    pub written_at_ns: Option<u64>,
}

/// Channels; clones share them.
#[derive(Clone, Debug, Default)]
pub struct FakeReports {
    shared: Arc<Mutex<State>>,
    is_wanted: Option<fn(&str) -> bool>,
}

/// What stands behind a [`FakeReports`].
#[derive(Debug, Default)]
pub struct State {
    /// Every channel of the group.
    pub channels: Vec<Counter>,
    /// Now.
    pub now_ns: u64,
    /// Why nothing can be subscribed or sampled.
    pub failure: Option<NoData>,
    /// How often something was subscribed.
    pub subscriptions: u64,
    /// How many channels were handed out.
    pub handed_out: u64,
}

impl FakeReports {
    /// Channels of these names, units and counts, without times.
    #[must_use]
    pub fn new(channels: &[(&str, &str, i64)]) -> Self {
        let channels = channels.iter().map(|(name, unit, value)| Counter {
            name: (*name).to_owned(),
            unit: (*unit).to_owned(),
            value: *value,
            written_at_ns: None,
        });
        let state = State { channels: channels.collect(), ..State::default() };
        Self { shared: Arc::new(Mutex::new(state)), is_wanted: None }
    }

    /// What stands behind it, to look at and to change.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The channel of that name.
    pub fn channel(&mut self, name: &str) -> Option<&mut Counter> {
        self.channels.iter_mut().find(|channel| channel.name == name)
    }
}

impl Reports for FakeReports {
    fn subscribe(&mut self, is_wanted: fn(&str) -> bool) -> Reading<()> {
        let mut state = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        state.subscriptions += 1;
        self.is_wanted = state.failure.is_none().then_some(is_wanted);
        state.failure.map_or(Ok(()), Err)
    }

    fn sample(&mut self, each: &mut dyn FnMut(&Channel<'_>)) -> Reading<u64> {
        let mut state = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = state.failure {
            return Err(reason);
        }
        let is_wanted = self.is_wanted.ok_or(NoData::Absent)?;
        let mut handed_out = 0;
        for channel in state.channels.iter().filter(|channel| is_wanted(&channel.name)) {
            handed_out += 1;
            each(&Channel {
                name: &channel.name,
                unit: &channel.unit,
                value: channel.value,
                written_at_ns: channel.written_at_ns,
            });
        }
        state.handed_out += handed_out;
        Ok(state.now_ns)
    }
}
