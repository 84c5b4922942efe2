//! What the application is doing, as its events tell it: its state and its session.
//!
//! The events are the truth: whichever way they enter, this follows them, and after a restart it is
//! rebuilt from the journal. A journal that has forgotten the oldest of them keeps a checkpoint.

use kymo_protocol::{AppState, Event, EventKind, Number};

/// Bytes of a checkpoint.
pub const CHECKPOINT_SIZE: usize = 64;

/// The application's state; see the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity {
    /// What it is doing.
    pub state: AppState,
    /// Since when, in nanoseconds since 1970; 0 when it has never said.
    pub state_wall_ns: u64,
    /// The session that is open.
    pub session: Option<u64>,
    /// The highest number a session ever had.
    pub last_session: u64,
    /// Sequence of the latest session's start; 0 when there was none.
    pub session_first: u64,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            state: AppState::Idle,
            state_wall_ns: 0,
            session: None,
            last_session: 0,
            session_first: 0,
        }
    }
}

impl Activity {
    /// Takes an event in.
    pub fn apply(&mut self, event: &Event, sequence: u64) {
        match event.kind() {
            EventKind::SessionStart => {
                let session = event.integer(Number::SessionId);
                self.session = session.or(Some(0));
                self.last_session = self.last_session.max(session.unwrap_or(0));
                self.session_first = sequence;
            }
            EventKind::SessionEnd => self.session = None,
            EventKind::StateChange => {
                if let Some(state) = event.state() {
                    (self.state, self.state_wall_ns) = (state, event.wall_ns());
                }
            }
            _ => {}
        }
    }

    /// Whether a newcomer is told of an event of the past.
    #[must_use]
    pub fn is_told(&self, event: &Event) -> bool {
        match event.kind() {
            EventKind::SessionStart => self.session.is_some(),
            EventKind::Transcription => true,
            _ => false,
        }
    }

    /// The state as a journal keeps it: state u16, is open u16, 0 u32, then `state_wall_ns`,
    /// session, `last_session` and `session_first` as u64, little-endian, and zeros.
    #[must_use]
    pub fn checkpoint(&self) -> [u8; CHECKPOINT_SIZE] {
        let mut bytes = [0; CHECKPOINT_SIZE];
        bytes[0] = self.state as u8;
        bytes[2] = u8::from(self.session.is_some());
        let numbers =
            [self.state_wall_ns, self.session.unwrap_or(0), self.last_session, self.session_first];
        for (target, number) in bytes[8..].chunks_exact_mut(8).zip(numbers) {
            target.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// The state of a checkpoint; a zeroed one is that of the beginning.
    #[must_use]
    pub fn from_checkpoint(bytes: &[u8; CHECKPOINT_SIZE]) -> Self {
        let number = |index: usize| {
            let bytes = bytes[8 + 8 * index..].first_chunk().copied().unwrap_or_default();
            u64::from_le_bytes(bytes)
        };
        Self {
            state: AppState::from_number(u16::from(bytes[0])).unwrap_or(AppState::Idle),
            state_wall_ns: number(0),
            session: (bytes[2] != 0).then(|| number(1)),
            last_session: number(2),
            session_first: number(3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_protocol::{EventFields, NumberValue};

    fn apply(activity: &mut Activity, fields: EventFields<'_>, sequence: u64) {
        let mut payload = [0; 256];
        let size = fields.write(&mut payload).unwrap();
        activity.apply(Event::parse(&payload[..size]).unwrap(), sequence);
    }

    fn session(kind: EventKind, id: u64) -> EventFields<'static> {
        let mut fields = EventFields::new(kind);
        fields.numbers.set(Number::SessionId, NumberValue::Integer(id));
        fields
    }

    #[test]
    fn it_follows_the_events_and_survives_a_checkpoint() {
        let mut activity = Activity::default();
        assert_eq!(Activity::from_checkpoint(&[0; CHECKPOINT_SIZE]), activity);
        apply(&mut activity, session(EventKind::SessionStart, 7), 41);
        let recording = EventFields {
            state: Some(AppState::Recording),
            wall_ns: 5,
            ..EventFields::new(EventKind::StateChange)
        };
        apply(&mut activity, recording, 42);
        assert_eq!(activity.session, Some(7));
        assert_eq!((activity.session_first, activity.last_session), (41, 7));
        assert_eq!((activity.state, activity.state_wall_ns), (AppState::Recording, 5));
        assert_eq!(Activity::from_checkpoint(&activity.checkpoint()), activity);
        apply(&mut activity, session(EventKind::SessionEnd, 7), 43);
        assert_eq!((activity.session, activity.session_first), (None, 41));
        apply(&mut activity, session(EventKind::SessionStart, 3), 44);
        assert_eq!((activity.session, activity.last_session), (Some(3), 7));
    }
}
