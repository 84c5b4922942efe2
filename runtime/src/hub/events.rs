//! Events: who gets them, from where on, and what a newcomer is told of the past.

use std::io;

use kymo_platform::clock::Now;
use kymo_protocol::json::SubscribeRequest;
use kymo_protocol::{Event, EventFields, EventKind, FrameError, Resume, Stamp, StreamId, pattern};

use super::Hub;
use crate::event_log::{Next, transcode};
use crate::journal::Recovery;
use crate::limits::EFFORT_PER_TURN;
use crate::notice::Notice;
use crate::session::EventSubscription;
use crate::table::SessionId;

/// Bytes of a send buffer for events: what a client may leave unread for a moment without being
/// served from farther and farther behind.
const EVENT_SEND_BUFFER: usize = 256 * 1024;

/// Bytes of a snapshot's frame and of its line.
const SNAPSHOT_MAX: usize = 256;

impl Hub {
    /// Where a subscription begins, and what that is to what the client had.
    pub(super) fn place_of(
        &mut self,
        asked: &SubscribeRequest,
        before: Option<EventSubscription>,
    ) -> (Resume, EventSubscription) {
        let epoch = u128::from_be_bytes(asked.epoch);
        let is_known = epoch == self.identity.epoch && asked.events < self.log.next()
            || self.log.knows(epoch, asked.events);
        if asked.options.resume && is_known {
            let cursor = asked.events + 1;
            let mut place = EventSubscription { cursor, live_from: cursor, ..Default::default() };
            let resume = match self.log.look(cursor, &mut place.hint) {
                Next::Gap { .. } => Resume::Gap,
                Next::Frame | Next::End => Resume::Tail,
            };
            return (resume, place);
        }
        // Who was served unasked goes on where that stands.
        if let Some(before) = before.filter(|_| !asked.options.resume) {
            return (Resume::Fresh, EventSubscription { filter_size: 0, ..before });
        }
        (Resume::Fresh, self.newcomer())
    }

    /// The subscription of who has nothing yet: the running session, then what comes.
    pub(super) fn newcomer(&self) -> EventSubscription {
        let next = self.log.next();
        let first = self.log.activity().session_first;
        let cursor = if first == 0 { next } else { first.min(next) };
        EventSubscription { cursor, live_from: next, ..Default::default() }
    }

    /// Starts events for a session; `is_newcomer` says that it is to be told of the past.
    pub(super) fn join_events(
        &mut self,
        id: SessionId,
        subscription: EventSubscription,
        is_newcomer: bool,
        now: Now,
    ) {
        let session = self.table.session(id);
        session.events = Some(subscription);
        session.send_buffer = Some(EVENT_SEND_BUFFER);
        let format = session.format;
        self.log.join(format);
        self.note_event_lapse(id, now);
        if is_newcomer {
            self.tell_state(id, now);
        }
        if self.has_more(id) {
            self.table.enqueue(id);
        }
    }

    /// Tells the application's state, as an event without a sequence.
    fn tell_state(&mut self, id: SessionId, now: Now) {
        let (session, filter) = self.table.filter(id);
        if !pattern::wants(filter, EventKind::StateChange.name()) {
            return;
        }
        let format = session.format;
        let activity = self.log.activity();
        let wall_ns =
            if activity.state_wall_ns == 0 { now.wall_ns } else { activity.state_wall_ns };
        let fields = EventFields {
            state: Some(activity.state),
            wall_ns,
            ..EventFields::new(EventKind::StateChange)
        };
        let stamp = Stamp { boot_ns: now.boot_ns };
        let (session, tail) = self.table.tail(id);
        let told: Result<(), FrameError> = session.push_tail(tail, |buffer| {
            let (mut payload, mut frame) = ([0; SNAPSHOT_MAX], [0; SNAPSHOT_MAX]);
            let size = fields.write(&mut payload)?;
            let size = Event::emit(&mut frame, 0, stamp, &payload[..size])?;
            transcode(buffer, &frame[..size], format, true)
        });
        if told.is_err() {
            // Only who makes us answer without reading gets here.
            self.close(id, now);
        }
    }

    /// Names the events that a session will not get, in front of those it will.
    pub(super) fn note_event_lapse(&mut self, id: SessionId, now: Now) {
        let Some(events) = &mut self.table.session(id).events else { return };
        let (is_cut, cursor) = (events.cut.is_some(), events.cursor);
        let next = self.log.look(cursor, &mut events.hint);
        let Next::Gap { first, last, reason } = next else { return };
        // A cut frame that is gone ends the connection instead.
        if is_cut {
            return;
        }
        let gap = Notice::Gap(StreamId::EVENTS, first, last, reason);
        // Told later when the tail has no room now.
        if self.table.push_notice(id, gap, now).is_err() {
            return;
        }
        let session = self.table.session(id);
        session.lost += last - first + 1;
        if let Some(events) = &mut session.events {
            events.cursor = last + 1;
        }
        self.counters.events_lost += last - first + 1;
    }

    /// What the start found in the journal, if there is one.
    #[must_use]
    pub fn recovery(&self) -> Option<&Recovery> {
        self.recovery.as_ref()
    }

    /// Why the journal can't be written: as the last turn with events found it.
    #[must_use]
    pub fn journal_error(&self) -> Option<&io::Error> {
        self.journal_error.as_ref()
    }

    /// Makes the events of this turn visible to everybody, and answers their publishers.
    pub fn commit(&mut self, now: Now) {
        if self.log.is_pending() {
            let first = self.log.next();
            self.journal_error = self.log.commit().err();
            self.settle_change(self.journal_error.is_none());
            self.settle_recorders(self.journal_error.is_none());
            if self.journal_error.is_some() {
                self.counters.commits_failed += 1;
                self.lose_from(first, now);
            }
            self.table.enqueue_for_events();
            self.published_ns = self.published_ns.or(Some(now.mono_ns));
        }
        self.answer_publishers(now);
        self.effort = EFFORT_PER_TURN;
        self.table.readmit();
    }
}
