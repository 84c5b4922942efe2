//! What is known about a value: its [`State`], and [`NoData`], why there is none.
//!
//! Every value kymo sends carries a state and an age. A number is 0 only when 0 was read.

/// Why a value could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum NoData {
    /// Not known yet: a rate needs a second reading, a source its first.
    Pending = 1,
    /// The device sleeps and reading would wake it.
    Asleep = 3,
    /// The device answers, with the parked value of a power-gated part.
    Gated = 4,
    /// The source answered with an error, or with something that can't be true.
    Fault = 5,
    /// The operating system refuses the read to this user.
    Denied = 6,
    /// This machine, or this build, has no such source.
    Absent = 7,
}

/// The outcome of reading one quantity.
pub type Reading<T> = Result<T, NoData>;

/// The state byte that travels beside each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// Read as its source delivers it; `age` says when.
    Ok = 0,
    /// See [`NoData::Pending`].
    Pending = 1,
    /// The last value that was read; its source does not answer now. `age` grows.
    Held = 2,
    /// See [`NoData::Asleep`].
    Asleep = 3,
    /// See [`NoData::Gated`].
    Gated = 4,
    /// See [`NoData::Fault`].
    Fault = 5,
    /// See [`NoData::Denied`].
    Denied = 6,
    /// See [`NoData::Absent`].
    Absent = 7,
}

impl State {
    /// Every state, in the order of its number.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::Pending,
        Self::Held,
        Self::Asleep,
        Self::Gated,
        Self::Fault,
        Self::Denied,
        Self::Absent,
    ];

    /// The state with this number, if there is one.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        if (byte as usize) < Self::ALL.len() { Some(Self::ALL[byte as usize]) } else { None }
    }

    /// Its name in JSON and in the documentation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Pending => "pending",
            Self::Held => "held",
            Self::Asleep => "asleep",
            Self::Gated => "gated",
            Self::Fault => "fault",
            Self::Denied => "denied",
            Self::Absent => "absent",
        }
    }

    /// Whether a number goes with this state.
    #[must_use]
    pub const fn has_value(self) -> bool {
        matches!(self, Self::Ok | Self::Held)
    }
}

impl From<NoData> for State {
    fn from(reason: NoData) -> Self {
        match reason {
            NoData::Pending => Self::Pending,
            NoData::Asleep => Self::Asleep,
            NoData::Gated => Self::Gated,
            NoData::Fault => Self::Fault,
            NoData::Denied => Self::Denied,
            NoData::Absent => Self::Absent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_those_of_the_specification() {
        for (number, state) in State::ALL.into_iter().enumerate() {
            assert_eq!(state as usize, number);
            assert_eq!(State::from_byte(state as u8), Some(state));
        }
        assert_eq!(State::from_byte(8), None);
        assert_eq!(State::from(NoData::Absent) as u8, NoData::Absent as u8);
        assert_eq!(State::from(NoData::Asleep) as u8, NoData::Asleep as u8);
    }
}
