//! One figure of the vitals: what was read, when, and whether its source still answers.

use kymo_protocol::{Field, NoData, Reading, State, Vitals};

const MS: u64 = 1_000_000;

/// The outcome of a reading and when it was made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure<T> {
    /// What was read.
    pub reading: Reading<T>,
    /// On the boot clock.
    pub read_at_ns: u64,
    /// Whether its source does not answer now.
    pub is_held: bool,
}

impl<T: Copy> Figure<T> {
    /// What is not read yet.
    pub const PENDING: Self = Self::none(NoData::Pending);

    /// Nothing, for one reason.
    #[must_use]
    pub const fn none(reason: NoData) -> Self {
        Self::new(Err(reason), 0)
    }

    /// What a source that answers has read.
    #[must_use]
    pub const fn new(reading: Reading<T>, read_at_ns: u64) -> Self {
        Self { reading, read_at_ns, is_held: false }
    }

    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Figure<U> {
        let Self { reading, read_at_ns, is_held } = self;
        Figure { reading: reading.map(map), read_at_ns, is_held }
    }

    /// This one, unless there is no such thing here.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if matches!(self.reading, Err(NoData::Absent)) { other } else { self }
    }

    /// Writes state and age of `field` and returns the value, or zeros that mean nothing.
    pub fn put(self, vitals: &mut Vitals, field: Field, frame_ns: u64) -> T
    where
        T: Default,
    {
        let some = if self.is_held { State::Held } else { State::Ok };
        let state = self.reading.map_or_else(State::from, |_| some);
        let age_ns = frame_ns.saturating_sub(self.read_at_ns);
        let age_ms = if state.has_value() { age_ns / MS } else { 0 };
        vitals.set_state(field, state, u32::try_from(age_ms).unwrap_or(u32::MAX));
        self.reading.unwrap_or_default()
    }
}
