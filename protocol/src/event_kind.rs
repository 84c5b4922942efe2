//! What an event is, what it holds, what its data is, and the states of an application.
//!
//! | number | type | state | name | forms of data | numbers |
//! |---|---|---|---|---|---|
//! | 0 | `event` | | topic | text, JSON, bytes | |
//! | 1 | `session_start` | | | | session_id |
//! | 2 | `session_end` | | | | session_id |
//! | 3 | `state_change` | yes | | | |
//! | 4 | `transcription` | | time of day | text | session_id, words, wpm, latency_ms |
//! | 5 | `metrics_update` | yes | | | all but retry_count |
//! | 6 | `notification` | | hook | JSON | retry_count |

use crate::numbers::Number;

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum EventKind {
    /// Anything an application says about a topic of its own.
    Custom = 0,
    /// A session begins.
    SessionStart = 1,
    /// A session ends.
    SessionEnd = 2,
    /// The application's state is another now.
    StateChange = 3,
    /// A piece of recognised speech.
    Transcription = 4,
    /// Figures about the running session.
    MetricsUpdate = 5,
    /// A hook has something to tell.
    Notification = 6,
}

/// What the payload of a kind holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub has_state: bool,
    pub has_name: bool,
    pub has_data: bool,
    pub forms: &'static [Form],
    pub numbers: &'static [Number],
}

impl EventKind {
    /// Every kind, in the order of its number.
    pub const ALL: [Self; 7] = [
        Self::Custom,
        Self::SessionStart,
        Self::SessionEnd,
        Self::StateChange,
        Self::Transcription,
        Self::MetricsUpdate,
        Self::Notification,
    ];

    /// The kind with this number.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its `type` in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Custom => "event",
            Self::SessionStart => "session_start",
            Self::SessionEnd => "session_end",
            Self::StateChange => "state_change",
            Self::Transcription => "transcription",
            Self::MetricsUpdate => "metrics_update",
            Self::Notification => "notification",
        }
    }

    pub(crate) const fn shape(self) -> Shape {
        const TEXT: &[Form] = &[Form::Text];
        const JSON: &[Form] = &[Form::Json];
        const ANY: &[Form] = &[Form::Text, Form::Json, Form::Bytes];
        let (has_state, has_name, has_data, forms) = match self {
            Self::Custom => (false, true, true, ANY),
            Self::SessionStart | Self::SessionEnd => (false, false, false, TEXT),
            Self::StateChange | Self::MetricsUpdate => (true, false, false, TEXT),
            Self::Transcription => (false, true, true, TEXT),
            Self::Notification => (false, true, true, JSON),
        };
        Shape { has_state, has_name, has_data, forms, numbers: self.numbers() }
    }

    /// The numbers that an event of this kind may have, in the order of their keys in JSON.
    #[must_use]
    pub const fn numbers(self) -> &'static [Number] {
        match self {
            Self::Custom | Self::StateChange => &[],
            Self::SessionStart | Self::SessionEnd => &[Number::SessionId],
            Self::Transcription => {
                &[Number::SessionId, Number::Wpm, Number::LatencyMs, Number::Words]
            }
            Self::MetricsUpdate => &[
                Number::SessionId,
                Number::Segments,
                Number::Words,
                Number::Wpm,
                Number::DurationS,
                Number::LatencyMs,
                Number::GpuMemoryMb,
                Number::GpuMemoryPercent,
                Number::CpuPercent,
            ],
            Self::Notification => &[Number::RetryCount],
        }
    }
}

/// What an event's data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Form {
    /// UTF-8.
    Text = 0,
    /// One JSON value on one line.
    Json = 1,
    /// Anything.
    Bytes = 2,
}

impl Form {
    /// The form with this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Text),
            1 => Some(Self::Json),
            2 => Some(Self::Bytes),
            _ => None,
        }
    }
}

/// What an application is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum AppState {
    /// Nothing.
    Idle = 1,
    /// Taking something in.
    Recording = 2,
    /// Working on what it took in.
    Processing = 3,
    /// It can't.
    Error = 4,
}

impl AppState {
    /// Every state, in the order of its number.
    pub const ALL: [Self; 4] = [Self::Idle, Self::Recording, Self::Processing, Self::Error];

    /// The state with this number; 0 is none.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|state| *state as u16 == number)
    }

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Recording => "recording",
            Self::Processing => "processing",
            Self::Error => "error",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_belong_to_one_another() {
        for (kind, number) in EventKind::ALL.into_iter().zip(0..) {
            assert_eq!((kind as u16, EventKind::from_number(number)), (number, Some(kind)));
        }
        assert_eq!(EventKind::from_number(7), None);
        for (state, number) in AppState::ALL.into_iter().zip(1..) {
            assert_eq!((state as u16, AppState::from_number(number)), (number, Some(state)));
        }
        assert_eq!((AppState::from_number(0), AppState::from_number(5)), (None, None));
        for (form, number) in [Form::Text, Form::Json, Form::Bytes].into_iter().zip(0..) {
            assert_eq!((form as u8, Form::from_number(number)), (number, Some(form)));
        }
        assert_eq!(Form::from_number(3), None);
    }
}
