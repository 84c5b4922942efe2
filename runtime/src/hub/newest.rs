//! Frames that each tell all of their stream, on their way to one session: the newest one, with the
//! count of those that it stands for, or with `every` each of them.

use kymo_platform::clock::Now;
use kymo_protocol::GapReason;
use kymo_protocol::json::append_merged;

use super::Hub;
use super::plan::{Scratch, Source, keep_rest};
use crate::limits::SEND_MAX;
use crate::notice::Notice;
use crate::ring::{Ring, Run};
use crate::session::Session;
use crate::table::SessionId;
use crate::telemetry::{Format, Kind, Telemetry};

impl Hub {
    /// With `every`: names the telemetry frames that the ring no longer has.
    pub(super) fn note_lapse(&mut self, kind: Kind, id: SessionId, now: Now) {
        let session = self.table.session(id);
        if session.is_cut() {
            return;
        }
        let format = session.format;
        let subscription = session.telemetry[kind as usize];
        let Some(cursor) = subscription.and_then(|t| t.cursor) else { return };
        let oldest = self.telemetry[kind as usize].ring(format).map_or(cursor, Ring::oldest);
        if cursor >= oldest {
            return;
        }
        let gap = Notice::Gap(kind.stream(), cursor, oldest - 1, GapReason::Lapped);
        // Told later when the tail has no room now.
        if self.table.push_notice(id, gap, now).is_ok()
            && let Some(subscription) = &mut self.table.session(id).telemetry[kind as usize]
        {
            subscription.cursor = Some(oldest);
            self.count_merged(id, oldest - cursor);
        }
    }
}

/// What a session is to be sent of a stream.
pub(super) fn plan_telemetry(
    session: &Session,
    kind: Kind,
    telemetry: &Telemetry,
    scratch: &mut Scratch,
) -> Source {
    let subscription = session.telemetry[kind as usize];
    let (Some(subscription), Some(ring)) = (subscription, telemetry.ring(session.format)) else {
        return Source::Nothing;
    };
    if let Some(cursor) = subscription.cursor {
        let run = ring.run(cursor, SEND_MAX);
        let source = |run: Run<'_>| Source::Run { kind, first: run.first, end: run.end };
        return run.map_or(Source::Nothing, source);
    }
    let newest = ring.next() - 1;
    match (subscription.owed, ring.get(newest)) {
        (0, _) | (_, None) => Source::Nothing,
        (1, Some(_)) => Source::Newest { kind, sequence: newest },
        (owed, Some(frame)) => merge(frame, kind, session.format, owed - 1, &mut scratch.0).map_or(
            Source::Newest { kind, sequence: newest },
            |size| Source::Merged { kind, size },
        ),
    }
}

/// Writes `frame` with its count of merged frames to `scratch`; `None` when the format has none.
fn merge(
    frame: &[u8],
    kind: Kind,
    format: Format,
    merged: u32,
    scratch: &mut [u8],
) -> Option<usize> {
    let target = scratch.get_mut(..frame.len())?;
    target.copy_from_slice(frame);
    match format {
        Format::Opta1 => None,
        Format::Binary => {
            let field = target.get_mut(kind.merged_offset()..)?.first_chunk_mut()?;
            *field = merged.to_le_bytes();
            Some(frame.len())
        }
        Format::Json | Format::JsonBare => append_merged(scratch, frame.len(), merged).ok(),
    }
}

/// The frames that the newest one stands for, when the socket began it.
pub(super) fn settle_newest(
    session: &mut Session,
    kind: Kind,
    tail: &mut [u8],
    frame: &[u8],
    taken: usize,
) -> Option<u64> {
    if taken == 0 {
        return None;
    }
    keep_rest(session, tail, &frame[taken..]);
    let subscription = session.telemetry[kind as usize].as_mut()?;
    let merged = u64::from(subscription.owed.saturating_sub(1));
    subscription.owed = 0;
    Some(merged)
}

/// Moves a session with `every` on to `cursor`.
pub(super) fn advance(session: &mut Session, kind: Kind, cursor: u64) {
    if let Some(subscription) = &mut session.telemetry[kind as usize] {
        subscription.cursor = Some(cursor);
        subscription.owed = 0;
    }
}
