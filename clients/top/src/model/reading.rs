//! What is known of one value.

use kymo_client::State;
use kymo_protocol::{Field, Vitals};

/// A value, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// What is known.
    pub state: State,
    /// The value, where the state has one.
    pub value: Option<f64>,
    /// How old that is.
    pub age_ms: u64,
}

impl Reading {
    /// Nothing has come.
    pub const PENDING: Self = Self { state: State::Pending, value: None, age_ms: 0 };

    /// What a sample says.
    pub fn of(sample: &kymo_client::Sample) -> Self {
        Self::new(sample.state(), sample.reading(), sample.age_ms.get().into())
    }

    /// What vitals say of `field`, whose number is `value`.
    pub fn of_field(vitals: &Vitals, field: Field, value: f64) -> Self {
        Self::new(vitals.state(field), Some(value), vitals.age_ms(field).into())
    }

    fn new(state: State, value: Option<f64>, age_ms: u64) -> Self {
        let value = value.filter(|value| value.is_finite() && state.has_value());
        let state = if state.has_value() && value.is_none() { State::Fault } else { state };
        Self { state, value, age_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_none_is_a_fault() {
        let nan = Reading::new(State::Ok, Some(f64::NAN), 5);
        assert_eq!((nan.state, nan.value), (State::Fault, None));
        let denied = Reading::new(State::Denied, Some(0.0), 0);
        assert_eq!((denied.state, denied.value), (State::Denied, None));
        assert_eq!(Reading::new(State::Held, Some(1.0), 9).value, Some(1.0));
    }
}
