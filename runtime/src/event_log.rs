//! The events stream: one history, one encode per format, whoever subscribes.
//!
//! Events are *appended* during a turn and *committed* at its end. Nobody is sent an event, and no
//! publisher is told of one, before it is committed; a commit that fails takes back what was
//! appended since the last one.
//!
//! The binary ring holds the newest events, the journal more of them, if there is one. A ring of
//! lines is filled only while it has a subscriber; whoever lags behind it is served by transcoding
//! from the binary one or from the journal.

use std::io;

use kymo_platform::clock::Now;
use kymo_protocol::json::{ClockMap, LineOptions, write_line};
use kymo_protocol::limits::{HEADER_SIZE, line_bytes};
use kymo_protocol::{Event, Frame, FrameError, FrameHeader, GapReason, Stamp};

use crate::activity::Activity;
use crate::buffer::Buffer;
use crate::journal::{Hint, Journal, Read};
use crate::limits::{EVENT_BYTES_PER_TURN, EVENT_RING_SIZE, EVENT_RING_SIZE_JOURNALLED, SEND_MAX};
use crate::ring::Ring;
use crate::telemetry::Format;

/// Bytes of ring for each event; smaller ones do not gain from more room.
const EVENT_SIZE: usize = 128;

/// A ring of lines, and how many subscribers it has.
#[derive(Debug)]
struct Lane {
    format: Format,
    ring: Ring,
    subscribers: u32,
}

/// Frames that were read from the journal last, one behind the other.
#[derive(Debug)]
struct Window {
    bytes: Buffer,
    first: u64,
    end: u64,
    /// Where the frame lies that is likely to be asked for next.
    next: (u64, usize),
}

/// What a reader at some place in the history gets next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing yet.
    End,
    /// A frame that is there.
    Frame,
    /// These are gone.
    Gap {
        /// The first of them.
        first: u64,
        /// The last.
        last: u64,
        /// Why.
        reason: GapReason,
    },
}

/// The events stream; see the module.
#[derive(Debug)]
pub struct EventLog {
    ring: Ring,
    lanes: Vec<Lane>,
    journal: Option<Journal>,
    window: Window,
    /// Reads of the journal since somebody asked.
    reads: u64,
    /// Bytes of the largest event's frame.
    frame_max: usize,
    /// Bytes appended and not committed.
    pending_size: usize,
    /// Sequence behind the last committed event.
    committed: u64,
    activity_ahead: Activity,
    /// As of the last commit.
    activity: Activity,
}

impl EventLog {
    /// The history of events whose payloads have at most `event_bytes`, to be written in `formats`
    /// and in binary. It goes on where `journal` ends.
    pub fn new(
        event_bytes: u32,
        formats: impl IntoIterator<Item = Format>,
        journal: Option<Journal>,
        activity: Activity,
    ) -> Self {
        let size = match journal {
            Some(_) => EVENT_RING_SIZE_JOURNALLED,
            None => EVENT_RING_SIZE,
        };
        let mut lanes = Vec::new();
        for format in formats {
            let is_lines = matches!(format, Format::Json | Format::JsonBare);
            if is_lines && lanes.iter().all(|lane: &Lane| lane.format != format) {
                let ring = ring(size, line_bytes(event_bytes) as usize);
                lanes.push(Lane { format, ring, subscribers: 0 });
            }
        }
        let next = journal.as_ref().map_or(1, Journal::next);
        let frame_max = HEADER_SIZE + event_bytes as usize;
        // All of a turn's events stay in it until they are committed: the last one goes beyond what
        // a turn takes in, and the end of the ring may be too short for it.
        let mut ring = ring(size, EVENT_BYTES_PER_TURN + 2 * frame_max);
        ring.begin(next);
        Self {
            ring,
            lanes,
            journal,
            reads: 0,
            window: Window::new(event_bytes),
            frame_max,
            pending_size: 0,
            committed: next,
            activity_ahead: activity,
            activity,
        }
    }

    /// Sequence of the next event that subscribers will see.
    pub fn next(&self) -> u64 {
        self.committed
    }

    /// Sequence of the oldest event that can be replayed; [`next`](Self::next) when there is none.
    pub fn oldest(&self) -> u64 {
        let oldest = self.ring.oldest().min(self.committed);
        self.journal.as_ref().map_or(oldest, |journal| journal.oldest().min(oldest))
    }

    /// The epoch of its sequences, if a journal gives one.
    pub fn epoch(&self) -> Option<u128> {
        self.journal.as_ref().map(Journal::epoch)
    }

    /// Whether who has `sequence` of `epoch` may go on behind it.
    pub fn knows(&self, epoch: u128, sequence: u64) -> bool {
        self.journal.as_ref().is_some_and(|journal| journal.knows(epoch, sequence))
    }

    /// The journal, to sync and to close it.
    pub fn journal(&mut self) -> Option<&mut Journal> {
        self.journal.as_mut()
    }

    /// Gives the journal up, to be closed.
    pub fn take_journal(&mut self) -> Option<Journal> {
        self.journal.take()
    }

    /// Whether it has a journal.
    pub fn is_journalled(&self) -> bool {
        self.journal.is_some()
    }

    /// Whether this turn has taken in as much as a turn may.
    pub fn is_full(&self) -> bool {
        let has_room = |journal: &Journal| journal.takes(self.frame_max);
        self.pending_size >= EVENT_BYTES_PER_TURN || !self.journal.as_ref().is_none_or(has_room)
    }

    /// What the application is doing, as subscribers know it.
    pub fn activity(&self) -> &Activity {
        &self.activity
    }

    /// The same with the events of this turn.
    pub fn activity_now(&self) -> &Activity {
        &self.activity_ahead
    }

    /// Appends an event, given as its payload and as a view of that, and returns its sequence.
    ///
    /// # Errors
    ///
    /// A [`FrameError`] when it does not fit the ring: a programmer error, since the ring is made
    /// for the largest event.
    pub fn append(
        &mut self,
        payload: &[u8],
        event: &Event,
        key: Option<(&str, u64)>,
        now: Now,
    ) -> Result<u64, FrameError> {
        let sequence = self.ring.next();
        let stamp = Stamp { boot_ns: now.boot_ns };
        self.ring.append(sequence, HEADER_SIZE + payload.len(), |buffer| {
            Event::emit(buffer, sequence, stamp, payload)
        })?;
        if let Some(journal) = &mut self.journal {
            let frame = self.ring.get(sequence).unwrap_or_default();
            if journal.append(sequence, frame, key).is_err() {
                // Turns are bounded so that their events fit.
                self.ring.truncate(sequence);
                return Err(FrameError::Length);
            }
        }
        self.pending_size += HEADER_SIZE + payload.len();
        self.activity_ahead.apply(event, sequence);
        Ok(sequence)
    }

    /// Whether there is something to commit.
    pub fn is_pending(&self) -> bool {
        self.ring.next() > self.committed
    }

    /// Writes what was appended to the journal, and makes it visible.
    ///
    /// # Errors
    ///
    /// When the journal can't be written: then it is as if nothing had been appended, but that
    /// sequences may have been passed over.
    pub fn commit(&mut self) -> io::Result<()> {
        self.pending_size = 0;
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.commit(&self.activity.checkpoint())
        {
            journal.discard();
            let next = journal.next();
            self.roll_back(next);
            return Err(error);
        }
        for lane in self.lanes.iter_mut().filter(|lane| lane.subscribers > 0) {
            for sequence in self.committed..self.ring.next() {
                let Some(frame) = self.ring.get(sequence) else { continue };
                let format = lane.format;
                let size_max = line_max(frame.len());
                // A line that can't be written is no reason to hide the event: who reads lines is
                // served from the binary ring then.
                let _ = lane
                    .ring
                    .append(sequence, size_max, |buffer| transcode(buffer, frame, format, false));
            }
        }
        self.committed = self.ring.next();
        self.activity = self.activity_ahead;
        Ok(())
    }

    /// Takes back what was appended since the last commit; the next event is `next`.
    fn roll_back(&mut self, next: u64) {
        self.ring.truncate(self.committed);
        self.activity_ahead = self.activity;
        if next > self.committed {
            // Those between will never be; who is told of them is told by the journal.
            self.ring.begin(next);
            self.committed = next;
        }
    }

    /// Takes in a subscriber of `format`.
    pub fn join(&mut self, format: Format) {
        if let Some(lane) = self.lane(format) {
            lane.subscribers += 1;
        }
    }

    /// Lets a subscriber of `format` go.
    pub fn leave(&mut self, format: Format) {
        if let Some(lane) = self.lane(format) {
            lane.subscribers -= 1;
        }
    }

    fn lane(&mut self, format: Format) -> Option<&mut Lane> {
        self.lanes.iter_mut().find(|lane| lane.format == format)
    }

    /// What a reader that wants event `sequence` next gets; `hint` is its own, for the journal.
    pub fn look(&mut self, sequence: u64, hint: &mut Hint) -> Next {
        if sequence >= self.committed {
            return Next::End;
        }
        if sequence >= self.ring.oldest() || self.window.has(sequence) {
            return Next::Frame;
        }
        let Some(journal) = &mut self.journal else {
            let last = self.ring.oldest().min(self.committed) - 1;
            return Next::Gap { first: sequence, last, reason: GapReason::Lapped };
        };
        self.reads += 1;
        match journal.read(sequence, hint, &mut self.window.bytes) {
            Ok(Read::Frames { first, end, .. }) => {
                self.window.hold(first, end);
                Next::Frame
            }
            Ok(Read::Gap { first, last, reason }) => {
                let last = last.min(self.committed - 1);
                Next::Gap { first, last, reason }
            }
            // The journal has them all: this one is longer than events may be now. Those behind it
            // need not be.
            Ok(Read::End) | Err(_) => {
                Next::Gap { first: sequence, last: sequence, reason: GapReason::Damage }
            }
        }
    }

    /// How often the journal was read since this was asked before.
    pub fn take_reads(&mut self) -> u64 {
        std::mem::take(&mut self.reads)
    }

    /// The ring that has event `sequence` ready to be sent in `format`, if one has.
    pub fn ready_ring(&self, format: Format, sequence: u64) -> Option<&Ring> {
        let ring = match format {
            Format::Binary => &self.ring,
            _ => &self.lanes.iter().find(|lane| lane.format == format)?.ring,
        };
        // A lane that rested holds an older piece of history.
        (ring.next() == self.committed && ring.get(sequence).is_some()).then_some(ring)
    }

    /// The frame of event `sequence`; `None` where [`look`](Self::look) finds none.
    pub fn frame(&mut self, sequence: u64, hint: &mut Hint) -> Option<&[u8]> {
        if self.look(sequence, hint) != Next::Frame {
            return None;
        }
        match self.ring.get(sequence) {
            Some(frame) => Some(frame),
            None => self.window.get(sequence),
        }
    }
}

impl Window {
    fn new(event_bytes: u32) -> Self {
        let size = SEND_MAX.max(HEADER_SIZE + event_bytes as usize);
        Self { bytes: Buffer::new(size), first: 0, end: 0, next: (0, 0) }
    }

    fn has(&self, sequence: u64) -> bool {
        (self.first..self.end).contains(&sequence)
    }

    fn hold(&mut self, first: u64, end: u64) {
        (self.first, self.end, self.next) = (first, end, (first, 0));
    }

    /// A frame that it has.
    fn get(&mut self, sequence: u64) -> Option<&[u8]> {
        if sequence < self.next.0 {
            self.next = (self.first, 0);
        }
        loop {
            let (at, offset) = self.next;
            let header = FrameHeader::parse(self.bytes.get(offset..)?).ok()?;
            let end = offset + HEADER_SIZE + header.payload_size();
            if at == sequence {
                return self.bytes.get(offset..end);
            }
            self.next = (at + 1, end);
        }
    }
}

/// A ring of `size` bytes, and of `size_min` at least.
fn ring(size: usize, size_min: usize) -> Ring {
    let events = size / EVENT_SIZE;
    Ring::new(events, size.max(size_min).div_ceil(events))
}

/// Bytes of the line of a frame at most.
fn line_max(frame_size: usize) -> usize {
    let payload_size = u32::try_from(frame_size - HEADER_SIZE).unwrap_or(u32::MAX);
    line_bytes(payload_size) as usize
}

/// Writes an event's frame in `format`; `catchup` marks it as one that a newcomer is told of.
///
/// # Errors
///
/// [`FrameError::Short`] when it does not fit.
pub fn transcode(
    buffer: &mut [u8],
    frame: &[u8],
    format: Format,
    catchup: bool,
) -> Result<usize, FrameError> {
    let bare = match format {
        Format::Opta1 => return Ok(0),
        Format::Binary => {
            let target = buffer.get_mut(..frame.len()).ok_or(FrameError::Short)?;
            target.copy_from_slice(frame);
            if catchup {
                Event::mark_catchup(target);
            }
            return Ok(frame.len());
        }
        Format::Json => false,
        Format::JsonBare => true,
    };
    let frame = Frame::parse(frame)?;
    // An event has a wall time of its own; the map is for frames that have none.
    write_line(buffer, &frame, ClockMap::default(), LineOptions { bare, catchup })
}

#[cfg(test)]
// clippy knows test functions, but not the helpers around them.
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use kymo_protocol::{AppState, Data, EventFields, EventKind};

    use super::*;
    use crate::journal::{MemoryStorage, Start};

    const NOW: Now = Now { mono_ns: 1, boot_ns: 1, wall_ns: 1 };
    const START: Start = Start { epoch: 7, salt: 8, boot: 9 };
    const EVENT_BYTES: u32 = 8192;

    fn journalled(disk: &MemoryStorage) -> EventLog {
        let journal = Journal::open(Box::new(disk.clone()), &START, |_| ()).unwrap();
        let formats = [Format::Json, Format::JsonBare, Format::Opta1];
        EventLog::new(EVENT_BYTES, formats, Some(journal), Activity::default())
    }

    fn unjournalled() -> EventLog {
        EventLog::new(EVENT_BYTES, [Format::Json, Format::JsonBare], None, Activity::default())
    }

    fn append(log: &mut EventLog, fields: &EventFields<'_>) -> u64 {
        let mut payload = vec![0; 60 * 1024];
        let size = fields.write(&mut payload).unwrap();
        let event = Event::parse(&payload[..size]).unwrap();
        log.append(&payload[..size], event, None, NOW).unwrap()
    }

    /// An event that says its own sequence.
    fn append_numbered(log: &mut EventLog, size: usize) -> u64 {
        let number = log.ring.next();
        let mut data = number.to_le_bytes().to_vec();
        data.resize(size.max(8), 0);
        assert_eq!(append(log, &EventFields::custom("t", Data::Bytes(&data))), number);
        number
    }

    /// The number in a frame.
    fn number(frame: &[u8]) -> u64 {
        let frame = Frame::parse(frame).unwrap();
        let kymo_protocol::Body::Event(event) = frame.body else { panic!("no event") };
        let Data::Bytes(data) = event.data() else { panic!("no bytes") };
        assert_eq!(frame.header.sequence.get(), u64::from_le_bytes(*data.first_chunk().unwrap()));
        frame.header.sequence.get()
    }

    fn fill(log: &mut EventLog, count: usize) {
        for _ in 0..count {
            append_numbered(log, 1000);
            log.commit().unwrap();
        }
    }

    /// Looks at every event, in either direction; what is not there must be `gap`.
    fn check(log: &mut EventLog, gap: Option<GapReason>) {
        let (oldest, next) = (log.oldest(), log.next());
        assert!(gap.is_none() || oldest > 1);
        let forth = 1..next;
        for sequence in forth.clone().chain(forth.clone().rev()).chain(forth.step_by(7)) {
            let hint = &mut Hint::default();
            let expected = match gap {
                Some(reason) if sequence < oldest => {
                    Next::Gap { first: sequence, last: oldest - 1, reason }
                }
                _ => Next::Frame,
            };
            assert_eq!(log.look(sequence, hint), expected, "{sequence}");
            let found = log.frame(sequence, hint).map(number);
            assert_eq!(found, (expected == Next::Frame).then_some(sequence));
        }
        assert_eq!(log.look(next, &mut Hint::default()), Next::End);
    }

    #[test]
    fn events_are_in_the_ring_or_in_the_journal_or_nowhere() {
        let mut log = journalled(&MemoryStorage::new(4, 64 * 1024));
        fill(&mut log, 100);
        assert!(log.ring.oldest() > 30 && log.oldest() == 1);
        check(&mut log, None);
        fill(&mut log, 200);
        // What was read before would still be there.
        log.window.hold(0, 0);
        check(&mut log, Some(GapReason::Retention));
        assert_eq!(log.oldest(), log.journal().unwrap().oldest());
        assert!(log.is_journalled() && log.epoch() == Some(7) && log.knows(7, 300));
        assert!(!log.knows(7, 301) && !log.knows(8, 300));
        assert!(log.take_journal().is_some() && log.journal().is_none());
    }

    #[test]
    fn without_a_journal_the_ring_is_all_there_is() {
        let mut log = unjournalled();
        fill(&mut log, 1200);
        check(&mut log, Some(GapReason::Lapped));
        assert_eq!(log.oldest(), log.ring.oldest());
        assert!(!log.is_journalled() && log.epoch().is_none() && !log.knows(7, 0));
    }

    #[test]
    fn one_read_of_the_journal_serves_many_looks() {
        let mut log = journalled(&MemoryStorage::new(4, 64 * 1024));
        fill(&mut log, 100);
        assert_eq!(log.take_reads(), 0);
        for sequence in 1..=20 {
            assert_eq!(log.look(sequence, &mut Hint::default()), Next::Frame);
        }
        assert_eq!((log.take_reads(), log.take_reads()), (1, 0));
    }

    /// The limit was changed since they were written: only what is too long is gone.
    #[test]
    fn an_event_that_is_too_long_now_hides_no_other() {
        let disk = MemoryStorage::new(4, 128 * 1024);
        let journal = Journal::open(Box::new(disk.clone()), &START, |_| ()).unwrap();
        let mut log = EventLog::new(60 * 1024, [], Some(journal), Activity::default());
        for size in [8, 50_000, 8, 50_000, 50_000, 8] {
            append_numbered(&mut log, size);
            log.commit().unwrap();
        }
        drop(log);
        let mut log = journalled(&disk);
        for sequence in 1..7 {
            let hint = &mut Hint::default();
            let expected = match sequence {
                2 | 4 | 5 => {
                    Next::Gap { first: sequence, last: sequence, reason: GapReason::Damage }
                }
                _ => Next::Frame,
            };
            assert_eq!(log.look(sequence, hint), expected, "{sequence}");
        }
    }

    #[test]
    fn a_turn_takes_in_so_much_and_no_more() {
        let mut log = unjournalled();
        let mut size = 0;
        while size < EVENT_BYTES_PER_TURN {
            assert!(!log.is_full(), "{size}");
            let sequence = append_numbered(&mut log, 1000);
            size += log.ring.get(sequence).unwrap().len();
        }
        assert!(log.is_full() && log.is_pending());
        log.commit().unwrap();
        assert!(!log.is_full() && !log.is_pending());
        // A journal of small segments takes less.
        let mut log = journalled(&MemoryStorage::new(3, 16 * 1024));
        append_numbered(&mut log, 7000);
        assert!(log.is_full() && log.pending_size < EVENT_BYTES_PER_TURN);
        log.commit().unwrap();
        assert!(!log.is_full());
    }

    #[test]
    fn a_commit_that_fails_takes_the_turn_back() {
        let disk = MemoryStorage::new(3, 64 * 1024);
        let mut log = journalled(&disk);
        let recording = AppState::Recording;
        let change =
            EventFields { state: Some(recording), ..EventFields::new(EventKind::StateChange) };
        append_numbered(&mut log, 8);
        log.commit().unwrap();
        disk.fail_writes(u64::MAX, 0);
        assert_eq!(append(&mut log, &change), 2);
        assert!(log.activity_now().state == recording && log.activity().state == AppState::Idle);
        assert!(log.commit().is_err());
        assert_eq!(
            (log.activity_now().state, log.activity().state),
            (AppState::Idle, AppState::Idle)
        );
        // A write was tried: number 2 is nobody else's.
        assert_eq!((log.next(), log.is_pending()), (3, false));
        disk.revive();
        assert_eq!(append(&mut log, &change), 3);
        log.commit().unwrap();
        assert_eq!((log.activity_now().state, log.activity().state), (recording, recording));
        let gap = Next::Gap { first: 2, last: 2, reason: GapReason::Unjournalled };
        assert_eq!(log.look(2, &mut Hint::default()), gap);
        assert_eq!(log.frame(1, &mut Hint::default()).map(number), Some(1));
        assert_eq!(log.look(3, &mut Hint::default()), Next::Frame);
    }

    /// It never came to writing the events: their numbers are free, and the ring stays.
    #[test]
    fn a_segment_that_can_not_be_begun_costs_no_number() {
        let disk = MemoryStorage::new(3, 4096);
        let mut log = journalled(&disk);
        append_numbered(&mut log, 2000);
        log.commit().unwrap();
        disk.fail_writes(u64::MAX, 0);
        append_numbered(&mut log, 2000);
        assert!(log.commit().is_err());
        assert_eq!((log.next(), log.ring.oldest()), (2, 1));
        disk.revive();
        assert_eq!(append_numbered(&mut log, 2000), 2);
        log.commit().unwrap();
        check(&mut log, None);
        assert_eq!(log.take_reads(), 0);
    }

    #[test]
    fn lines_are_written_while_somebody_reads_them() {
        let mut log = unjournalled();
        let ready = |log: &EventLog, format, sequence| {
            log.ready_ring(format, sequence).map(|ring| ring.get(sequence).unwrap().to_vec())
        };
        fill(&mut log, 1);
        assert!(ready(&log, Format::Binary, 1).is_some() && ready(&log, Format::Json, 1).is_none());
        log.join(Format::Json);
        append_numbered(&mut log, 4000);
        assert!(ready(&log, Format::Binary, 1).is_none(), "not while the turn lasts");
        log.commit().unwrap();
        let line = ready(&log, Format::Json, 2).unwrap();
        assert!(line.starts_with(b"{\"type\":\"event\"") && line.ends_with(b"\n"));
        for (format, sequence) in [(Format::Json, 1), (Format::Json, 3), (Format::JsonBare, 2)] {
            assert!(ready(&log, format, sequence).is_none(), "{format:?} {sequence}");
        }
        assert!(
            ready(&log, Format::Opta1, 2).is_none() && ready(&log, Format::Binary, 3).is_none()
        );
        // Both lanes; then the one that rests has an older piece of history.
        log.join(Format::JsonBare);
        log.leave(Format::Json);
        fill(&mut log, 1);
        let bare = ready(&log, Format::JsonBare, 3).unwrap();
        assert!(!bare.windows(5).any(|word| word == b"\"seq\""));
        assert!(ready(&log, Format::Json, 2).is_none() && ready(&log, Format::Json, 3).is_none());
    }

    #[test]
    fn a_line_has_room_for_what_its_frame_holds() {
        assert_eq!(line_max(HEADER_SIZE + 1000), line_bytes(1000) as usize);
    }
}
