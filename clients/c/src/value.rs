//! A value, with what is known of it.

use kymo::protocol::{Field, State, Vitals};

use crate::text::KymoText;

/// What is known about a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum KymoState {
    /// Read as its source delivers it; the age says when.
    Ok = 0,
    /// Not known yet: a rate needs a second reading, a source its first.
    Pending = 1,
    /// The last value that was read; its source does not answer now, and the age grows.
    Held = 2,
    /// The device sleeps, and reading would wake it.
    Asleep = 3,
    /// The device answers with the parked value of a part that is switched off.
    Gated = 4,
    /// The source answered with an error, or with something that can't be true.
    Fault = 5,
    /// The operating system refuses the read to this user.
    Denied = 6,
    /// This machine, or this build, has no such source.
    Absent = 7,
}

/// Stands for a whole number that there is none of: a value is 0 only where 0 was read.
pub const KYMO_NO_COUNT: u64 = u64::MAX;

/// A measure. NaN where ::KymoState says that there is none.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoReal {
    /// In the unit of the field.
    pub value: f64,
    /// What is known about it.
    pub state: KymoState,
    /// Milliseconds between the reading and the frame.
    pub age_ms: u32,
}

/// A whole number. ::KYMO_NO_COUNT where ::KymoState says that there is none.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoCount {
    /// In the unit of the field.
    pub value: u64,
    /// What is known about it.
    pub state: KymoState,
    /// Milliseconds between the reading and the frame.
    pub age_ms: u32,
}

impl From<State> for KymoState {
    fn from(state: State) -> Self {
        match state {
            State::Ok => Self::Ok,
            State::Pending => Self::Pending,
            State::Held => Self::Held,
            State::Asleep => Self::Asleep,
            State::Gated => Self::Gated,
            State::Fault => Self::Fault,
            State::Denied => Self::Denied,
            State::Absent => Self::Absent,
        }
    }
}

impl KymoReal {
    /// Of a state, an age, and the value if there is one.
    pub(crate) fn new(state: State, age_ms: u32, value: f64) -> Self {
        Self { value: real(state, value), state: state.into(), age_ms }
    }

    pub(crate) fn of(vitals: &Vitals, field: Field, value: f32) -> Self {
        Self::new(vitals.state(field), vitals.age_ms(field), value.into())
    }
}

impl KymoCount {
    /// Of a state, an age, and the value if there is one.
    pub(crate) fn new(state: State, age_ms: u32, value: u64) -> Self {
        let value = if state.has_value() { value } else { KYMO_NO_COUNT };
        Self { value, state: state.into(), age_ms }
    }

    pub(crate) fn of(vitals: &Vitals, field: Field, value: u64) -> Self {
        Self::new(vitals.state(field), vitals.age_ms(field), value)
    }
}

/// The value, or NaN where there is none.
pub fn real(state: State, value: f64) -> f64 {
    if state.has_value() { value } else { f64::NAN }
}

/// The name of a state, as in JSON, in a text that ends in NUL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_state_name(state: u32) -> KymoText {
    const NAMES: [&str; 8] =
        ["ok\0", "pending\0", "held\0", "asleep\0", "gated\0", "fault\0", "denied\0", "absent\0"];
    let name = usize::try_from(state).ok().and_then(|place| NAMES.get(place));
    KymoText::constant(name.copied().unwrap_or("unknown\0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_those_of_the_protocol() {
        for state in State::ALL {
            let ours = KymoState::from(state) as u32;
            assert_eq!(ours, u32::from(state as u8));
            assert_eq!(kymo_state_name(ours).str().unwrap(), state.name());
        }
        assert_eq!(kymo_state_name(8).str().unwrap(), "unknown");
    }

    #[test]
    fn what_was_not_read_is_no_zero() {
        assert_eq!(KymoCount::new(State::Absent, 0, 0).value, KYMO_NO_COUNT);
        assert_eq!(KymoCount::new(State::Held, 9, 4).value, 4);
        assert!(KymoReal::new(State::Pending, 0, 0.0).value.is_nan());
        assert_eq!(KymoReal::new(State::Ok, 0, 0.0).value, 0.0);
    }
}
