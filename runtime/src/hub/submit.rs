//! Events on their way in: completed, checked against what was submitted before, appended.

use kymo_platform::clock::Now;
use kymo_protocol::json::ControlKey;
use kymo_protocol::{
    Ack, AppState, Data, ErrorCode, Event, EventFields, EventKind, FrameError, Number, NumberValue,
    Words,
};

use super::Hub;
use crate::control::{RequestId, Waiting};
use crate::conversation::Mistake;
use crate::journal::Journal;
use crate::keys::KeyState;
use crate::topics;

/// An event that was taken, or was taken before under the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its sequence.
    pub sequence: u64,
    /// What its publisher waits for.
    pub ack: Ack,
}

impl Hub {
    /// Takes an event that was written as JSON.
    pub(super) fn submit_fields(
        &mut self,
        fields: EventFields<'_>,
        ack: Option<Ack>,
        key: Option<ControlKey<'_>>,
        now: Now,
    ) -> Result<Receipt, Mistake> {
        let mut client = heapless::String::<{ kymo_protocol::limits::NAME_MAX }>::new();
        for char in key.into_iter().flat_map(|key| key.client.chars()) {
            // Longer names were refused when the request was read.
            let _ = client.push(char);
        }
        let key = key.map(|key| (client.as_str(), key.number));
        self.submit(fields, ack, key, now)
    }

    /// Takes an event whose payload was checked.
    pub(super) fn submit_payload(
        &mut self,
        payload: &[u8],
        ack: Option<Ack>,
        key: Option<(&str, u64)>,
        now: Now,
    ) -> Result<Receipt, Mistake> {
        match Event::parse(payload) {
            Ok(event) => self.submit(event.fields(), ack, key, now),
            Err(error) => Err(bad_event(error)),
        }
    }

    fn submit(
        &mut self,
        fields: EventFields<'_>,
        ack: Option<Ack>,
        key: Option<(&str, u64)>,
        now: Now,
    ) -> Result<Receipt, Mistake> {
        let ack = self.check_ack(ack)?;
        let known = key.map_or(KeyState::New, |(client, number)| self.keys.check(client, number));
        let sequence = match (known, key) {
            // It may still wait for its commit, and so does this answer then.
            (KeyState::Known(sequence), _) => sequence,
            (KeyState::Expired, _) => {
                let text = format_args!("so old a number was used or not, nobody remembers");
                return Err(Mistake::new(ErrorCode::KeyExpired, text));
            }
            (KeyState::New, _) => self.publish_event(fields, key, now)?,
        };
        Ok(Receipt { sequence, ack })
    }

    /// The ack that can be waited for.
    fn check_ack(&self, ack: Option<Ack>) -> Result<Ack, Mistake> {
        let is_journalled = self.log.is_journalled();
        let no = |code, text: &str| Err(Mistake::new(code, format_args!("{text}")));
        match ack {
            None if is_journalled => Ok(Ack::Durable),
            None | Some(Ack::Received) => Ok(Ack::Received),
            Some(_) if !is_journalled => {
                no(ErrorCode::NoJournal, "there is no journal; ask for ack \"received\"")
            }
            Some(Ack::Synced) if !self.is_lasting => {
                no(ErrorCode::NotSynced, "the journal is in memory, which no loss of power spares")
            }
            Some(ack) => Ok(ack),
        }
    }

    /// Completes an event, appends it, and returns its sequence. Nobody sees it before the commit.
    pub(super) fn publish_event(
        &mut self,
        fields: EventFields<'_>,
        key: Option<(&str, u64)>,
        now: Now,
    ) -> Result<u64, Mistake> {
        let label = self.zone.hms(now.wall_ns);
        // Declared behind the label, which it may borrow.
        let mut fields = fields;
        let activity = *self.log.activity_now();
        if let (EventKind::SessionStart, Some(open)) = (fields.kind, activity.session) {
            let mut end = EventFields::new(EventKind::SessionEnd);
            end.numbers.set(Number::SessionId, NumberValue::Integer(open));
            self.publish_event(end, None, now)?;
        }
        if fields.wall_ns == 0 {
            fields.wall_ns = now.wall_ns;
        }
        let session = match fields.kind {
            EventKind::SessionStart => Some(activity.last_session + 1),
            EventKind::SessionEnd | EventKind::Transcription | EventKind::MetricsUpdate => {
                activity.session
            }
            _ => None,
        };
        if let Some(session) = session.filter(|_| !fields.numbers.has(Number::SessionId)) {
            fields.numbers.set(Number::SessionId, NumberValue::Integer(session));
        }
        if fields.kind == EventKind::Transcription {
            if fields.name.is_empty() {
                fields.name = Words::Plain(core::str::from_utf8(&label).unwrap_or("00:00:00"));
            }
            if let (false, Data::Text(text)) = (fields.numbers.has(Number::Words), fields.data) {
                fields.numbers.set(Number::Words, NumberValue::Integer(text.count()));
            }
        }
        self.append_fields(&fields, key, Whose::Others, now)
    }

    /// Appends an event that is complete.
    pub(super) fn append_fields(
        &mut self,
        fields: &EventFields<'_>,
        key: Option<(&str, u64)>,
        whose: Whose,
        now: Now,
    ) -> Result<u64, Mistake> {
        let room = &mut self.event[..self.limits.event_bytes as usize];
        let size = fields.write(room).map_err(|error| match error {
            FrameError::Short => Mistake::new(
                ErrorCode::TooLong,
                format_args!("an event may have {} bytes", self.limits.event_bytes),
            ),
            error => bad_event(error),
        })?;
        let payload = &self.event[..size];
        let event = Event::view(payload).ok_or_else(|| bad_event(FrameError::Length))?;
        if whose == Whose::Others && is_own(event) {
            let own = topics::OWN;
            let text = format_args!("topics that begin with `{own}` are the server's");
            return Err(Mistake::new(ErrorCode::Denied, text));
        }
        let sequence = self.log.append(payload, event, key, now).map_err(bad_event)?;
        if let Some((client, number)) = key {
            self.keys.remember(client, number, sequence);
        }
        Ok(sequence)
    }

    /// Whether events of this process can be taken in now. While the journal fails they wait in
    /// their inbox, where their publishers meet them.
    #[must_use]
    pub fn takes_events(&mut self, now: Now) -> bool {
        self.retry_ns = self.retry_ns.filter(|retry_ns| *retry_ns > now.mono_ns);
        !self.log.is_full() && self.retry_ns.is_none()
    }

    /// When a journal that failed is tried again for events of this process.
    #[must_use]
    pub fn retry_ns(&self) -> Option<u64> {
        self.retry_ns
    }

    /// Takes an event of this process, by its payload, which [`EventFields::write`] has written; a
    /// time of 0 becomes now.
    pub fn take_event(&mut self, payload: &mut [u8], now: Now) {
        Event::complete(payload, now.wall_ns);
        let taken = match Event::view(payload) {
            Some(event) if is_whole(event) && !is_own(event) => {
                self.log.append(payload, event, None, now).map(|_| ()).map_err(bad_event)
            }
            Some(event) => self.publish_event(event.fields(), None, now).map(|_| ()),
            None => Err(bad_event(FrameError::Length)),
        };
        self.counters.events_refused += u64::from(taken.is_err());
    }

    /// Answers a submit, now or when its event has come as far as its publisher wants. `false`: not
    /// before others have their answers.
    pub(super) fn answer_submit(
        &mut self,
        place: usize,
        id: RequestId,
        outcome: Result<Receipt, Mistake>,
        now: Now,
    ) -> bool {
        match outcome {
            Err(mistake) => self.refuse_in_order(place, &id, &mistake, now),
            Ok(Receipt { sequence, ack }) => {
                if let Some(slot) = self.control.slot(place) {
                    // Requests are taken only while there is room for this.
                    let _ = slot.waiting.push_back(Waiting::Submit { id, ack, sequence });
                }
                self.answer_waiting(place, now);
                true
            }
        }
    }

    /// The journal, to be closed.
    pub fn take_journal(&mut self) -> Option<Journal> {
        self.log.take_journal()
    }

    /// Opens a session, or closes the one that is open; the state follows.
    pub(super) fn toggle(&mut self, now: Now) -> Result<Toggled, Mistake> {
        let activity = *self.log.activity_now();
        let (kind, state, session) = match activity.session {
            Some(session) => (EventKind::SessionEnd, AppState::Idle, session),
            None => (EventKind::SessionStart, AppState::Recording, activity.last_session + 1),
        };
        let mut fields = EventFields::new(kind);
        fields.numbers.set(Number::SessionId, NumberValue::Integer(session));
        self.publish_event(fields, None, now)?;
        let change = EventFields { state: Some(state), ..EventFields::new(EventKind::StateChange) };
        let sequence = self.publish_event(change, None, now)?;
        Ok(Toggled { state, session, sequence })
    }
}

/// What a toggle has done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Toggled {
    pub state: AppState,
    pub session: u64,
    pub sequence: u64,
}

/// Whose words an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The server's.
    Server,
    /// Of anybody else.
    Others,
}

/// Whether an event could be taken for one of the server's.
fn is_own(event: &Event) -> bool {
    event.topic().starts_with(topics::OWN)
}

/// Whether an event says all there is to say, and says nothing about a session.
fn is_whole(event: &Event) -> bool {
    matches!(event.kind(), EventKind::Custom | EventKind::StateChange | EventKind::Notification)
}

fn bad_event(error: FrameError) -> Mistake {
    Mistake::new(ErrorCode::Frame, format_args!("this is no event: {error}"))
}
