//! Samples on their way to one session: the catalog first, then what is owed.
//!
//! Frames are copied behind one another, so that all that a session is owed at a tick goes in one
//! send. Any frame fits a session's tail: what a socket leaves of one it has begun is kept there.

use kymo_platform::clock::Now;
use kymo_protocol::json::{LineOptions, append_merged, write_line};
use kymo_protocol::limits::SAMPLES_LINE_MAX;
use kymo_protocol::{Frame, FrameError, GapReason, Groups, Samples as SamplesFrame, StreamId};

use super::Hub;
use super::plan::keep_rest;
use crate::buffer::Buffer;
use crate::limits::{FIRST_FRAME_NS, SAMPLES_PER_PART, SEND_MAX};
use crate::notice::Notice;
use crate::samples::{Samples, Stream};
use crate::schedule::useful_mhz;
use crate::session::{SampleSubscription, Session};
use crate::table::SessionId;
use crate::telemetry::{Format, clock_map};

/// Frames in one send.
const PIECES_MAX: usize = 64;

/// What a piece of a send is.
#[derive(Clone, Copy, Debug)]
enum What {
    /// The next frame of the catalog.
    Catalog,
    /// The newest frame of a lane; its place and its sequence.
    Lane(usize, u64),
    /// With `every`: the next frame; its sequence.
    Every(u64),
}

/// What was written for a session last; see the module.
#[derive(Debug)]
pub struct PreparedSamples {
    bytes: Buffer,
    size: usize,
    pieces: heapless::Vec<(What, usize), PIECES_MAX>,
    /// Frames that newer ones stood for in what went.
    merged: u64,
}

impl PreparedSamples {
    /// Room for one send.
    pub fn new() -> Self {
        let bytes = Buffer::new(SEND_MAX + SAMPLES_LINE_MAX);
        Self { bytes, size: 0, pieces: heapless::Vec::new(), merged: 0 }
    }

    /// What was written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.size]
    }

    /// Writes what a session is owed.
    fn prepare(&mut self, session: &mut Session, samples: &Samples, now: Now) {
        let stream = &samples.stream;
        (self.size, self.merged) = (0, 0);
        self.pieces.clear();
        let format = session.format;
        let Some(subscription) = &mut session.samples else { return };
        subscription.follow(stream.topology());
        for index in subscription.told..stream.catalog_frames() {
            let write = |room: &mut [u8]| stream.write_catalog(index, format, now, room);
            if !self.push(What::Catalog, write) {
                return;
            }
        }
        if let Some(cursor) = subscription.cursor {
            return self.prepare_every(cursor, subscription.groups, stream, format, now);
        }
        let mut owed = subscription.owed;
        let mut remade = [0; SamplesFrame::frame_size(SAMPLES_PER_PART)];
        while owed != 0 {
            let lanes = stream.lanes().iter().enumerate();
            let oldest = lanes.filter(|(place, _)| owed >> place & 1 != 0);
            let Some((place, lane)) = oldest.min_by_key(|(_, lane)| lane.newest) else { return };
            owed &= !(1 << place);
            let Some(frame) = samples.newest(lane, format, &mut remade) else {
                subscription.owed &= !(1 << place);
                subscription.count_merged(place);
                continue;
            };
            let merged = subscription.merged[place];
            let what = What::Lane(place, lane.newest);
            if !self.push(what, |room| copy(room, frame, format, merged, now)) {
                return;
            }
        }
    }

    fn prepare_every(
        &mut self,
        mut cursor: u64,
        groups: Groups,
        stream: &Stream,
        format: Format,
        now: Now,
    ) {
        loop {
            let sequence = stream.next_of(cursor, groups);
            let Some(frame) = stream.ring(format).get(sequence) else { return };
            if !self.push(What::Every(sequence), |room| copy(room, frame, format, 0, now)) {
                return;
            }
            cursor = sequence + 1;
        }
    }

    /// Appends a frame; `false` when there is no room for it beside the others.
    fn push(
        &mut self,
        what: What,
        write: impl FnOnce(&mut [u8]) -> Result<usize, FrameError>,
    ) -> bool {
        if self.pieces.is_full() || self.size >= SEND_MAX {
            return false;
        }
        let Ok(size) = write(&mut self.bytes[self.size..]) else { return false };
        self.size += size;
        self.pieces.push((what, self.size)).is_ok()
    }

    /// Moves a session on behind the first `taken` bytes; whether that was all. Returns as well how
    /// many frames went.
    fn settle(&mut self, session: &mut Session, tail: &mut [u8], taken: usize) -> (bool, u64) {
        let mut start = 0;
        let mut sent = 0;
        for (what, end) in &self.pieces {
            if taken <= start {
                break;
            }
            let Some(subscription) = &mut session.samples else { break };
            match *what {
                What::Catalog => subscription.told += 1,
                What::Lane(place, sequence) => {
                    self.merged += u64::from(subscription.settle(place, sequence));
                }
                What::Every(sequence) => subscription.cursor = Some(sequence + 1),
            }
            sent += 1;
            if taken < *end {
                keep_rest(session, tail, &self.bytes[taken..*end]);
            }
            start = *end;
        }
        (taken == self.size, sent)
    }
}

/// Copies a frame or its line, which is made where there is none, and says in it how many others it
/// stands for.
fn copy(
    room: &mut [u8],
    frame: &[u8],
    format: Format,
    merged: u16,
    now: Now,
) -> Result<usize, FrameError> {
    let is_line = frame.first() == Some(&b'{');
    let size = if format != Format::Binary && !is_line {
        let options = LineOptions { bare: format == Format::JsonBare, catchup: false };
        write_line(room, &Frame::parse(frame)?, clock_map(now), options)?
    } else {
        room.get_mut(..frame.len()).ok_or(FrameError::Short)?.copy_from_slice(frame);
        frame.len()
    };
    match format {
        _ if merged == 0 => Ok(size),
        Format::Binary => {
            let field = room.get_mut(SamplesFrame::MERGED_OFFSET..);
            let field = field.and_then(|field| field.first_chunk_mut()).ok_or(FrameError::Short)?;
            *field = u32::from(merged).to_le_bytes();
            Ok(size)
        }
        _ => append_merged(room, size, u32::from(merged)),
    }
}

impl Hub {
    /// What sensors read.
    pub fn samples(&mut self) -> &mut Samples {
        &mut self.samples
    }

    pub(super) fn count_merged(&mut self, id: SessionId, merged: u64) {
        self.counters.merged += merged;
        self.table.session(id).merged += merged;
    }

    /// Starts samples for a session.
    pub(super) fn join_samples(
        &mut self,
        id: SessionId,
        rate_mhz: u32,
        (groups, every): (Groups, bool),
        now: Now,
    ) {
        let cursor = every.then(|| self.samples.stream.next());
        let session = self.table.session(id);
        let ticks_mhz = useful_mhz(rate_mhz, groups, &self.cadences);
        let subscription = SampleSubscription::new(rate_mhz, groups, cursor);
        session.samples = Some(SampleSubscription { ticks_mhz, ..subscription });
        session.send_buffer = Some(session.send_buffer.unwrap_or(0).max(SAMPLES_SEND_BUFFER));
        let format = session.format;
        self.samples.count(groups, true);
        self.samples.stream.count_reader(format, true);
        self.schedule.join(ticks_mhz, now.mono_ns, FIRST_FRAME_NS);
    }

    /// Stops samples for a session.
    pub(super) fn leave_samples(&mut self, id: SessionId, now: Now) {
        let session = self.table.session(id);
        let format = session.format;
        let Some(subscription) = session.samples.take() else { return };
        self.samples.count(subscription.groups, false);
        self.samples.stream.count_reader(format, false);
        self.schedule.leave(subscription.ticks_mhz, now.mono_ns, self.table.rates());
    }

    /// Whether a session is owed samples, or the catalog.
    pub(super) fn has_more_samples(&mut self, id: SessionId) -> bool {
        let stream = &self.samples.stream;
        let samples = self.table.session(id).samples.as_ref();
        samples.is_some_and(|subscription| subscription.has_more(stream))
    }

    /// With `every`: names the frames of samples that the ring no longer has.
    pub(super) fn note_samples_lapse(&mut self, id: SessionId, now: Now) {
        let session = self.table.session(id);
        // Nothing may stand in the midst of an event.
        if session.is_cut() {
            return;
        }
        let format = session.format;
        let stream = &self.samples.stream;
        let Some(subscription) = &mut session.samples else { return };
        let Some(cursor) = subscription.cursor else { return };
        let cursor = stream.next_of(cursor, subscription.groups);
        subscription.cursor = Some(cursor);
        let oldest = stream.ring(format).oldest();
        if cursor >= oldest {
            return;
        }
        let gap = Notice::Gap(StreamId::SAMPLES, cursor, oldest - 1, GapReason::Lapped);
        if self.table.push_notice(id, gap, now).is_ok()
            && let Some(subscription) = &mut self.table.session(id).samples
        {
            subscription.cursor = Some(oldest);
            self.count_merged(id, oldest - cursor);
        }
    }

    /// Writes what a session is owed; whether there is something.
    pub(super) fn prepare_samples(&mut self, id: SessionId, now: Now) -> bool {
        let session = self.table.session(id);
        if session.samples.is_none() {
            return false;
        }
        self.prepared_samples.prepare(session, &self.samples, now);
        !self.prepared_samples.bytes().is_empty()
    }

    /// Moves a session on by `taken` bytes of its samples; whether that was all of them.
    pub(super) fn settle_samples(&mut self, id: SessionId, taken: usize) -> bool {
        let (session, tail) = self.table.tail(id);
        let (is_whole, sent) = self.prepared_samples.settle(session, tail, taken);
        self.counters.frames_sent += sent;
        self.count_merged(id, self.prepared_samples.merged);
        is_whole
    }
}

/// Bytes of a send buffer for samples: the catalog, and a few rounds of all groups.
const SAMPLES_SEND_BUFFER: usize = 64 * 1024;
