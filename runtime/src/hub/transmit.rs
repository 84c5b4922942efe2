//! What is sent to a session next, and what it means that some of it went.
//!
//! A session gets its tail, then frames straight from a ring: telemetry first, which is short and
//! soon stale, else events. Whatever a socket leaves of a frame it has begun is copied to the tail,
//! so that the ring may go on; a frame it has not begun stays where it is, and for telemetry a
//! newer one may take its place. The rest of an event that is longer than the tail is made again
//! from its ring; until it has gone, nothing else is sent.

use kymo_platform::clock::Now;
use kymo_platform::socket::PARTS_MAX;

use super::Hub;
use super::newest::{advance, plan_telemetry, settle_newest};
use super::plan::{Plan, Source, keep_rest};
use super::sent_run::sent_of_run;
use crate::event_log::EventLog;
use crate::limits::{EFFORT_PER_READ, EFFORT_PER_SESSION, SEND_MAX};
use crate::session::{Phase, Session};
use crate::table::SessionId;
use crate::telemetry::Kind;

/// Pieces to send, in order, in one system call.
pub type Parts<'a> = heapless::Vec<&'a [u8], PARTS_MAX>;

impl Hub {
    /// What to send to a session now. Empty when there is nothing.
    #[must_use]
    pub fn transmit(&mut self, id: SessionId, now: Now) -> Parts<'_> {
        if let Some(place) = self.control_place(id) {
            return Parts::from_iter([self.control.output(place)]);
        }
        Kind::ALL.into_iter().for_each(|kind| self.note_lapse(kind, id, now));
        // That may take a read of the journal.
        if self.effort > 0 {
            self.note_event_lapse(id, now);
        }
        self.note_samples_lapse(id, now);
        self.plan = self.plan(id, now);
        let Plan { tail_size, source } = self.plan;
        let mut parts = Parts::new();
        let (session, tail) = self.table.tail(id);
        let format = session.format;
        if tail_size > 0 {
            let _ = parts.push(&tail[session.tail_start..session.tail_end]);
        }
        let ring = |kind: Kind| self.telemetry[kind as usize].ring(format);
        let body = match source {
            Source::Nothing => None,
            Source::Newest { kind, sequence } => ring(kind).and_then(|ring| ring.get(sequence)),
            Source::Merged { size, .. } => Some(&self.scratch.0[..size]),
            Source::Run { kind, first, end } => {
                ring(kind).and_then(|ring| ring.bytes_of(first, end))
            }
            Source::Events { first, end } => {
                self.log.ready_ring(format, first).and_then(|ring| ring.bytes_of(first, end))
            }
            Source::Prepared { start } => Some(&self.prepared.bytes()[start..]),
            Source::Samples => Some(self.prepared_samples.bytes()),
        };
        if let Some(body) = body {
            let _ = parts.push(body);
        }
        parts
    }

    fn plan(&mut self, id: SessionId, now: Now) -> Plan {
        if let Some(start) = self.table.session(id).events.and_then(|events| events.cut) {
            if self.prepared.prepare_cut(&mut self.table, &mut self.log, id) {
                return Plan { tail_size: 0, source: Source::Prepared { start } };
            }
            // The rest is gone, and a client can't be told in the middle of a frame.
            self.table.close(id);
            return Plan::default();
        }
        let session = self.table.session(id);
        let tail_size = session.tail_end - session.tail_start;
        let mut planned = Kind::ALL
            .into_iter()
            .zip(&self.telemetry)
            .map(|(kind, telemetry)| plan_telemetry(session, kind, telemetry, &mut self.scratch));
        let is_something = |source: &Source| !matches!(source, Source::Nothing);
        let mut source = planned.find(is_something).unwrap_or_default();
        // Before events: what is owed at a tick is bounded, and events may never end.
        if matches!(source, Source::Nothing) && self.prepare_samples(id, now) {
            source = Source::Samples;
        }
        if matches!(source, Source::Nothing) {
            source = plan_events(self.table.session(id), &self.log);
        }
        let has_events = self.table.session(id).events.is_some();
        if matches!(source, Source::Nothing) && has_events && self.effort == 0 {
            // Others took the turn's share; it is the first in the next.
            if tail_size == 0 && self.has_more_events(id) {
                self.table.defer(id);
            }
        } else if matches!(source, Source::Nothing) && has_events {
            self.prepare_events(id);
            if !self.prepared.bytes().is_empty() {
                source = Source::Prepared { start: 0 };
            } else if tail_size == 0 && self.has_more_events(id) {
                // Its filter hid all that was looked at; the next turn looks on.
                self.table.enqueue(id);
            }
        }
        Plan { tail_size, source }
    }

    /// Writes events for a session, at the expense of the turn's effort.
    fn prepare_events(&mut self, id: SessionId) {
        let effort = EFFORT_PER_SESSION.min(self.effort);
        let taken = self.prepared.prepare(&mut self.table, &mut self.log, id, effort);
        let reads = self.log.take_reads() * EFFORT_PER_READ;
        self.effort = self.effort.saturating_sub(taken + reads);
    }

    /// Says that the socket took `size` bytes of what [`transmit`](Self::transmit) showed; fewer
    /// than all mean that it takes no more for now.
    pub fn handle_sent(&mut self, id: SessionId, size: usize, now: Now) {
        if let Some(place) = self.control_place(id) {
            return self.handle_control_sent(place, size, now);
        }
        let Plan { tail_size, source } = core::mem::take(&mut self.plan);
        self.counters.bytes_sent += size as u64;
        let session = self.table.session(id);
        if size > 0 {
            session.progress_ns = now.mono_ns;
            session.stalled_since_ns = None;
        }
        session.tail_start += size.min(tail_size);
        let taken = size.saturating_sub(tail_size);
        let was_cut = session.is_cut();
        let whole = self.settle(id, source, taken) && size >= tail_size;
        let session = self.table.session(id);
        if !whole {
            session.blocked = true;
            session.stalled_since_ns = session.stalled_since_ns.or(Some(now.mono_ns));
            self.expect_deadline(id);
        } else if session.phase == Phase::Closing {
            self.close(id, now);
        } else if session.owes_clock_map {
            self.tell_clock_map(id, now);
        } else if source.is_telemetry() && self.has_more_events(id) {
            // At once: when its turn comes again the next frame may be due, and events never come.
            self.table.enqueue_first(id);
        } else if self.has_more(id) {
            self.table.enqueue(id);
        }
        if was_cut {
            // What it asked for meanwhile had to wait for the end of the frame.
            self.handle_input(id, now);
        }
    }

    /// Moves the subscription on by `taken` bytes of its source; whether that was all of it.
    fn settle(&mut self, id: SessionId, source: Source, taken: usize) -> bool {
        let (session, tail) = self.table.tail(id);
        let format = session.format;
        let ring = |kind: Kind| self.telemetry[kind as usize].ring(format);
        match source {
            Source::Nothing => true,
            Source::Newest { kind, sequence } => {
                let frame = ring(kind).and_then(|ring| ring.get(sequence)).unwrap_or_default();
                let whole = taken == frame.len();
                let merged = settle_newest(session, kind, tail, frame, taken);
                self.count_newest(id, merged);
                whole
            }
            Source::Merged { kind, size } => {
                let frame = &self.scratch.0[..size];
                let merged = settle_newest(session, kind, tail, frame, taken);
                self.count_newest(id, merged);
                taken == size
            }
            Source::Run { kind, first, end } => {
                let Some(ring) = ring(kind) else { return true };
                let sent = sent_of_run(ring, first, end, taken);
                self.counters.frames_sent += sent.end - first;
                advance(session, kind, sent.end);
                keep_rest(session, tail, sent.rest);
                sent.end == end && sent.rest.is_empty()
            }
            Source::Events { first, end } => {
                let Some(ring) = self.log.ready_ring(format, first) else { return true };
                let sent = sent_of_run(ring, first, end, taken);
                self.counters.events_sent += sent.end - first;
                let cut = keep_or_cut(session, tail, sent.rest, sent.rest_of);
                if let Some(events) = &mut session.events {
                    events.cut = cut;
                    // A cut event is not done with.
                    events.cursor = sent.end - u64::from(cut.is_some());
                }
                sent.end == end && sent.rest.is_empty()
            }
            Source::Samples => self.settle_samples(id, taken),
            Source::Prepared { start } => {
                let whole = self.prepared.settle(session, tail, start, start + taken);
                self.counters.events_sent += self.prepared.take_sent();
                whole
            }
        }
    }

    fn count_newest(&mut self, id: SessionId, merged: Option<u64>) {
        if let Some(merged) = merged {
            self.counters.frames_sent += 1;
            self.count_merged(id, merged);
        }
    }

    /// Whether a session has bytes to send.
    pub(super) fn has_more(&mut self, id: SessionId) -> bool {
        let has_more_others = self.has_more_events(id) || self.has_more_samples(id);
        let session = self.table.session(id);
        has_more_others
            || session.has_tail()
            || session.telemetry.iter().zip(&self.telemetry).any(|(subscription, telemetry)| {
                subscription.is_some_and(|subscription| match subscription.cursor {
                    Some(cursor) => cursor < telemetry.next(),
                    None => subscription.owed > 0,
                })
            })
    }

    fn has_more_events(&mut self, id: SessionId) -> bool {
        let next = self.log.next();
        self.table.session(id).events.is_some_and(|events| events.cursor < next)
    }
}

/// Events as they lie in a ring, for who gets what everybody gets.
fn plan_events(session: &Session, log: &EventLog) -> Source {
    let run =
        session.events.filter(crate::session::EventSubscription::is_plain).and_then(|events| {
            log.ready_ring(session.format, events.cursor)?.run(events.cursor, SEND_MAX)
        });
    run.map_or(Source::Nothing, |run| Source::Events { first: run.first, end: run.end })
}

/// Keeps the rest of an event of `size` bytes that was begun, or says how many bytes of it went
/// when the tail has no room for it.
pub(super) fn keep_or_cut(
    session: &mut Session,
    tail: &mut [u8],
    rest: &[u8],
    size: usize,
) -> Option<usize> {
    if rest.len() > tail.len() {
        return Some(size - rest.len());
    }
    keep_rest(session, tail, rest);
    None
}
