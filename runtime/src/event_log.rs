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
            Ok(Read::End) | Err(_) => {
                // The journal has them all: what it can't read is damaged.
                let last = self.ring.oldest().min(self.committed) - 1;
                Next::Gap { first: sequence, last, reason: GapReason::Damage }
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
