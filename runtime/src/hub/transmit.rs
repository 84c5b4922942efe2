//! What is sent to a session next, and what it means that some of it went.
//!
//! A session gets its tail, then frames straight from the ring. Whatever a socket leaves of a frame
//! it has begun is copied to the tail, so that the ring may go on; a frame it has not begun stays
//! where it is, and a newer one may take its place.

use kymo_platform::clock::Now;
use kymo_platform::socket::PARTS_MAX;
use kymo_protocol::json::append_merged;
use kymo_protocol::limits::VITALS_LINE_MAX;
use kymo_protocol::{GapReason, StreamId, Vitals};

use super::Hub;
use crate::limits::SEND_MAX;
use crate::notice::Notice;
use crate::session::{Phase, Session};
use crate::table::SessionId;
use crate::telemetry::{Format, Telemetry};

/// Pieces to send, in order, in one system call.
pub type Parts<'a> = heapless::Vec<&'a [u8], PARTS_MAX>;

/// What the last [`Hub::transmit`] showed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    tail_size: usize,
    source: Source,
}

/// Where the pieces behind the tail come from.
#[derive(Clone, Copy, Debug, Default)]
enum Source {
    #[default]
    Nothing,
    /// The newest frame.
    Newest { sequence: u64 },
    /// The newest frame with `merged` filled in, in the scratch buffer.
    Merged { size: usize },
    /// Every frame from `first` on, before `end`.
    Run { first: u64, end: u64 },
}

/// Room for one frame that differs from everybody else's.
#[derive(Debug)]
pub struct Scratch(Box<[u8; VITALS_LINE_MAX]>);

impl Default for Scratch {
    fn default() -> Self {
        Self(Box::new([0; VITALS_LINE_MAX]))
    }
}

impl Hub {
    /// What to send to a session now. Empty when there is nothing.
    #[must_use]
    pub fn transmit(&mut self, id: SessionId, now: Now) -> Parts<'_> {
        self.note_lapse(id, now);
        let (session, tail) = self.table.tail(id);
        let source = plan_source(session, &self.telemetry, &mut self.scratch);
        let tail_size = session.tail_end - session.tail_start;
        self.plan = Plan { tail_size, source };
        let mut parts = Parts::new();
        if tail_size > 0 {
            let _ = parts.push(&tail[session.tail_start..session.tail_end]);
        }
        let ring = self.telemetry.ring(session.format);
        let body = match source {
            Source::Nothing => None,
            Source::Newest { sequence } => ring.and_then(|ring| ring.get(sequence)),
            Source::Merged { size } => Some(&self.scratch.0[..size]),
            Source::Run { first, .. } => {
                ring.and_then(|ring| ring.run(first, SEND_MAX)).map(|run| run.bytes)
            }
        };
        if let Some(body) = body {
            let _ = parts.push(body);
        }
        parts
    }

    /// With `every`: names the frames that the ring no longer has.
    fn note_lapse(&mut self, id: SessionId, now: Now) {
        let session = self.table.session(id);
        let format = session.format;
        let Some(cursor) = session.telemetry.and_then(|t| t.cursor) else { return };
        let oldest = self.telemetry.ring(format).map_or(cursor, crate::ring::Ring::oldest);
        if cursor >= oldest {
            return;
        }
        let gap = Notice::Gap(StreamId::VITALS, cursor, oldest - 1, GapReason::Lapped);
        // Told later when the tail has no room now.
        if self.table.push_notice(id, gap, now).is_ok()
            && let Some(subscription) = &mut self.table.session(id).telemetry
        {
            subscription.cursor = Some(oldest);
            self.counters.merged += oldest - cursor;
        }
    }

    /// Says that the socket took `size` bytes of what [`transmit`](Self::transmit) showed; fewer
    /// than all mean that it takes no more for now.
    pub fn handle_sent(&mut self, id: SessionId, size: usize, now: Now) {
        let Plan { tail_size, source } = core::mem::take(&mut self.plan);
        self.counters.bytes_sent += size as u64;
        let session = self.table.session(id);
        if size > 0 {
            session.progress_ns = now.mono_ns;
            session.stalled_since_ns = None;
        }
        session.tail_start += size.min(tail_size);
        let taken = size.saturating_sub(tail_size);
        let whole = self.settle(id, source, taken) && size >= tail_size;
        let session = self.table.session(id);
        if !whole {
            session.blocked = true;
            session.stalled_since_ns = session.stalled_since_ns.or(Some(now.mono_ns));
            self.expect_deadline(id);
        } else if session.phase == Phase::Closing {
            self.close(id, now);
        } else if self.has_more(id) {
            self.table.enqueue(id);
        }
    }

    /// Moves the subscription on by `taken` bytes of its source; whether that was all of it.
    fn settle(&mut self, id: SessionId, source: Source, taken: usize) -> bool {
        let (session, tail) = self.table.tail(id);
        let Some(ring) = self.telemetry.ring(session.format) else { return true };
        let frame = match source {
            Source::Nothing => return true,
            Source::Newest { sequence } => ring.get(sequence).unwrap_or_default(),
            Source::Merged { size } => &self.scratch.0[..size],
            Source::Run { first, end } => {
                let mut left = taken;
                for sequence in first..end {
                    let frame = ring.get(sequence).unwrap_or_default();
                    if left == 0 {
                        return false;
                    }
                    advance(session, sequence + 1);
                    self.counters.frames_sent += 1;
                    if left < frame.len() {
                        keep_rest(session, tail, &frame[left..]);
                        return false;
                    }
                    left -= frame.len();
                }
                return true;
            }
        };
        if taken == 0 {
            return false;
        }
        if let Some(subscription) = &mut session.telemetry {
            let merged = u64::from(subscription.owed.saturating_sub(1));
            subscription.owed = 0;
            self.counters.merged += merged;
        }
        self.counters.frames_sent += 1;
        keep_rest(session, tail, &frame[taken..]);
        taken == frame.len()
    }

    /// Whether a session has bytes to send.
    pub(super) fn has_more(&mut self, id: SessionId) -> bool {
        let next = self.telemetry.next();
        let session = self.table.session(id);
        session.has_tail()
            || session.telemetry.is_some_and(|subscription| match subscription.cursor {
                Some(cursor) => cursor < next,
                None => subscription.owed > 0,
            })
    }
}

fn plan_source(session: &Session, telemetry: &Telemetry, scratch: &mut Scratch) -> Source {
    let (Some(subscription), Some(ring)) = (session.telemetry, telemetry.ring(session.format))
    else {
        return Source::Nothing;
    };
    if let Some(cursor) = subscription.cursor {
        let run = ring.run(cursor, SEND_MAX);
        return run.map_or(Source::Nothing, |run| Source::Run { first: run.first, end: run.end });
    }
    let newest = ring.next() - 1;
    match (subscription.owed, ring.get(newest)) {
        (0, _) | (_, None) => Source::Nothing,
        (1, Some(_)) => Source::Newest { sequence: newest },
        (owed, Some(frame)) => merge(frame, session.format, owed - 1, &mut scratch.0[..])
            .map_or(Source::Newest { sequence: newest }, |size| Source::Merged { size }),
    }
}

/// Writes `frame` with its count of merged frames to `scratch`; `None` when the format has none.
fn merge(frame: &[u8], format: Format, merged: u32, scratch: &mut [u8]) -> Option<usize> {
    let target = scratch.get_mut(..frame.len())?;
    target.copy_from_slice(frame);
    match format {
        Format::Opta1 => None,
        Format::Binary => {
            let field = target.get_mut(Vitals::MERGED_OFFSET..)?.first_chunk_mut()?;
            *field = merged.to_le_bytes();
            Some(frame.len())
        }
        Format::Json | Format::JsonBare => append_merged(scratch, frame.len(), merged).ok(),
    }
}

fn advance(session: &mut Session, cursor: u64) {
    if let Some(subscription) = &mut session.telemetry {
        subscription.cursor = Some(cursor);
        subscription.owed = 0;
    }
}

/// Keeps the rest of a frame that was begun. It follows an empty tail, which has room for it.
fn keep_rest(session: &mut Session, tail: &mut [u8], rest: &[u8]) {
    if rest.is_empty() {
        return;
    }
    let kept = session.push_tail(tail, |buffer| {
        buffer.get_mut(..rest.len()).ok_or(())?.copy_from_slice(rest);
        Ok::<_, ()>(rest.len())
    });
    debug_assert!(kept.is_ok(), "a frame is smaller than an empty tail");
}
