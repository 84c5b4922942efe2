//! A reading as text: its value, or the word of its state; then its age if that is worth a word.

use kymo_client::State;
use kymo_protocol::{Field, Vitals};

use crate::model::{Model, Reading};
use crate::quantity::span;
use crate::theme::Role;

/// An age from which on it is told.
const AGE_MS_MIN: u64 = 1_000;

/// A text and how it looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub text: String,
    pub role: Role,
}

impl Told {
    /// What `reading` says; `text` makes one of a value.
    pub fn of(reading: Reading, text: impl FnOnce(f64) -> String) -> Self {
        match reading.value {
            None => Self { text: reading.state.name().into(), role: Role::Faint },
            Some(value) if reading.state == State::Held => {
                Self { text: format!("{} held", text(value)), role: Role::Raised }
            }
            Some(value) => Self { text: text(value), role: Role::Text },
        }
    }

    /// The same with its age behind it, if it is old.
    pub fn aged(reading: Reading, text: impl FnOnce(f64) -> String) -> Self {
        let told = Self::of(reading, text);
        match age(reading) {
            Some(age) => Self { text: format!("{} {age}", told.text), ..told },
            None => told,
        }
    }
}

/// How old a value is, if it is a second or more.
pub fn age(reading: Reading) -> Option<String> {
    (reading.value.is_some() && reading.age_ms >= AGE_MS_MIN).then(|| span(reading.age_ms))
}

/// What the vitals say of `field`; `value` is its number in them.
pub fn field(model: &Model, field: Field, value: impl FnOnce(&Vitals) -> f64) -> Reading {
    let of = |vitals| Reading::of_field(vitals, field, value(vitals));
    model.vitals().map_or(Reading::PENDING, of)
}

/// A rate in bytes, or the word in its place: that of its counter, or that it takes two readings.
pub fn rate(reading: Option<Reading>, per_second: Option<f64>) -> Told {
    let reading = reading.unwrap_or(Reading::PENDING);
    let value = per_second.filter(|_| reading.value.is_some());
    let state =
        if reading.value.is_some() && value.is_none() { State::Pending } else { reading.state };
    Told::of(Reading { state, value, ..reading }, crate::units::rate)
}

/// Hundredths, as people read them.
pub fn percent(value: f64) -> String {
    format!("{value:.1} %")
}

/// Bytes; those of a counter or a size are whole.
pub fn bytes(value: f64) -> String {
    crate::quantity::quantity(value, "By", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(state: State, value: Option<f64>, age_ms: u64) -> Reading {
        Reading { state, value, age_ms }
    }

    #[test]
    fn what_was_not_read_is_a_word() {
        for state in State::ALL.into_iter().filter(|state| !state.has_value()) {
            let told = Told::aged(reading(state, None, 5000), percent);
            assert_eq!((told.text.as_str(), told.role), (state.name(), Role::Faint));
            assert_eq!(rate(Some(reading(state, None, 0)), Some(0.0)).text, state.name());
        }
        assert_eq!(rate(None, None).text, "pending");
        assert_eq!(rate(Some(reading(State::Ok, Some(0.0), 0)), None).text, "pending");
        assert_eq!(rate(Some(reading(State::Ok, Some(0.0), 0)), Some(0.0)).text, "0 B/s");
    }

    #[test]
    fn what_is_old_has_an_age() {
        let told = |state, age_ms| Told::aged(reading(state, Some(54.0), age_ms), percent);
        assert_eq!(told(State::Ok, 999).text, "54.0 %");
        assert_eq!(told(State::Ok, 4000).text, "54.0 % 4 s");
        let held = told(State::Held, 61_000);
        assert_eq!((held.text.as_str(), held.role), ("54.0 % held 61 s", Role::Raised));
    }
}
