//! Events written for one session: those it filters, those it is caught up with, those that lie
//! behind what the ring of its format has.

use kymo_protocol::limits::{HEADER_SIZE, line_bytes};
use kymo_protocol::{Event, pattern};

use super::transmit::keep_or_cut;
use crate::activity::Activity;
use crate::buffer::Buffer;
use crate::event_log::{EventLog, transcode};
use crate::limits::{EFFORT_PER_EVENT, EFFORT_PER_LINE_BYTE, PREPARED_EVENTS_MAX, SEND_MAX};
use crate::session::Session;
use crate::table::{SessionId, Table};
use crate::telemetry::Format;

/// An event that was written, and where it ends.
#[derive(Clone, Copy, Debug)]
struct Piece {
    sequence: u64,
    end: usize,
}

/// What was written last; see the module.
#[derive(Debug)]
pub struct Prepared {
    bytes: Buffer,
    size: usize,
    pieces: Vec<Piece>,
    /// Sequence of the next event to look at when all of it went.
    cursor: u64,
    /// Events that went since somebody asked.
    sent: u64,
}

impl Prepared {
    /// Room for what one send takes, and always for one event of `event_bytes`.
    pub fn new(event_bytes: u32) -> Self {
        let size = SEND_MAX.max(line_bytes(event_bytes) as usize + HEADER_SIZE);
        Self {
            bytes: Buffer::new(size),
            size: 0,
            pieces: Vec::with_capacity(PREPARED_EVENTS_MAX),
            cursor: 0,
            sent: 0,
        }
    }

    /// What was written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.size]
    }

    /// Events that went since this was asked before.
    pub fn take_sent(&mut self) -> u64 {
        core::mem::take(&mut self.sent)
    }

    /// Writes what a session wants of the events from its cursor on. Moves the cursor over what it
    /// does not want when that is all there is. Takes about `effort`, at least that of one event;
    /// returns what it took but for reads of the journal.
    pub fn prepare(
        &mut self,
        table: &mut Table,
        log: &mut EventLog,
        id: SessionId,
        effort: u64,
    ) -> u64 {
        self.clear();
        let (session, filter) = table.filter(id);
        let format = session.format;
        let Some(events) = &mut session.events else { return 0 };
        let activity = *log.activity();
        let (mut cursor, mut taken) = (events.cursor, 0);
        while taken < effort && self.pieces.len() < PREPARED_EVENTS_MAX {
            let Some(frame) = log.frame(cursor, &mut events.hint) else { break };
            let catchup = cursor < events.live_from;
            taken += EFFORT_PER_EVENT;
            if is_wanted(frame, filter, catchup.then_some(&activity), &mut taken) {
                let end = if self.size == 0 { self.bytes.len() } else { SEND_MAX };
                let room = self.bytes.get_mut(self.size..end).unwrap_or_default();
                match transcode(room, frame, format, catchup) {
                    Ok(size) => {
                        self.size += size;
                        taken += if format == Format::Binary { 0 } else { line_effort(size) };
                    }
                    // No room for it beside the others.
                    Err(_) if self.size > 0 => break,
                    Err(_) => debug_assert!(false, "an event outgrew its buffer"),
                }
                self.pieces.push(Piece { sequence: cursor, end: self.size });
            }
            cursor += 1;
        }
        self.cursor = cursor;
        if self.size == 0 {
            events.cursor = cursor;
        }
        taken
    }

    /// Writes the event that a send has cut once more; whether it was still there.
    pub fn prepare_cut(&mut self, table: &mut Table, log: &mut EventLog, id: SessionId) -> bool {
        self.clear();
        let session = table.session(id);
        let format = session.format;
        let Some(events) = &mut session.events else { return false };
        let Some(frame) = log.frame(events.cursor, &mut events.hint) else { return false };
        let catchup = events.cursor < events.live_from;
        let Ok(size) = transcode(&mut self.bytes, frame, format, catchup) else {
            return false;
        };
        self.size = size;
        self.pieces.push(Piece { sequence: events.cursor, end: size });
        self.cursor = events.cursor + 1;
        true
    }

    fn clear(&mut self) {
        self.size = 0;
        self.pieces.clear();
    }

    /// Moves a session on behind the first `done` bytes, of which `begun` went before; whether that
    /// was all.
    pub fn settle(
        &mut self,
        session: &mut Session,
        tail: &mut [u8],
        begun: usize,
        done: usize,
    ) -> bool {
        let Some(events) = &mut session.events else { return true };
        events.cut = None;
        let mut start = 0;
        for piece in &self.pieces {
            if done < piece.end {
                events.cursor = piece.sequence;
                if done > start {
                    events.cursor += 1;
                    // One that is cut again was counted when it was cut first.
                    self.sent += u64::from(begun <= start);
                    let rest = &self.bytes[done..piece.end];
                    let cut = keep_or_cut(session, tail, rest, piece.end - start);
                    if let (Some(events), Some(_)) = (&mut session.events, cut) {
                        events.cut = cut;
                        events.cursor = piece.sequence;
                    }
                }
                return false;
            }
            self.sent += u64::from(begun <= start);
            start = piece.end;
        }
        events.cursor = self.cursor;
        true
    }
}

/// Whether a session wants an event; `past` says what a newcomer is told of.
fn is_wanted(frame: &[u8], filter: &[u8], past: Option<&Activity>, effort: &mut u64) -> bool {
    if filter.is_empty() && past.is_none() {
        return true;
    }
    let payload = frame.get(HEADER_SIZE..).unwrap_or_default();
    let Some(event) = Event::view(payload) else { return false };
    past.is_none_or(|activity| activity.is_told(event))
        && pattern::wants_counted(filter, event.topic(), effort)
}

fn line_effort(size: usize) -> u64 {
    size as u64 * EFFORT_PER_LINE_BYTE
}
